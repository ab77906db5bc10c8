//! What follows from the venues' tickers: indexes across venues, and bars. Pure: the time is told.
//!
//! - [`median`], `basket`, `indexes`: the index, from its arithmetic to all symbols
//! - [`slot`], `series`, `klines`: bars, from one interval of a topic to all topics
//!
//! The publisher's writer shows every change to [`Derive`] on its way to the bus and writes what
//! follows from it in the same step. A feed that stands by does the same, so that its bars are whole
//! when it takes over.
//!
//! How old a price may be is not judged here: `quality` turns a ticker stale when its time has come,
//! and that change goes through here like any other. A second judge would disagree with the first
//! about quiet markets.

mod basket;
mod counters;
mod indexes;
mod klines;
mod median;
mod series;
mod slot;
#[cfg(test)]
mod tests;

pub(crate) use klines::closed_bar;
pub(crate) use slot::merge;

use crate::outbox::Change;
use indexes::Indexes;
use klines::Klines;
use std::sync::Arc;
use tickcast_shared::{
    bus::{Body, Record},
    clock::Micros,
    market::{Interval, Ticker, Topic},
};

/// What is to be derived.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Fewest venues that make an index; 0: no index at all.
    pub index_quorum: usize,
    /// The lengths of bars; none: no bars at all.
    pub intervals: Vec<Interval>,
}

/// Indexes and bars of one feed.
#[derive(Debug)]
pub(crate) struct Derive {
    indexes: Indexes,
    klines: Klines,
    /// Reused from call to call.
    derived: Vec<(Topic, Change)>,
}

impl Derive {
    /// Derives by these rules from these tickers.
    pub(crate) fn new(rules: Rules, tickers: &[(Topic, Ticker)], now: Micros) -> Self {
        let indexes = Indexes::new(tickers, rules.index_quorum, now);
        let of_indexes: Vec<Topic> = indexes.announced().map(|(topic, _)| topic).collect();
        let topics = tickers.iter().map(|(topic, _)| topic).chain(&of_indexes);
        let klines = Klines::new(rules.intervals, topics, now);
        Self { indexes, klines, derived: Vec::new() }
    }

    /// The topics of indexes, as they are before any value is there.
    pub(crate) fn announced(&self) -> Vec<(Topic, Body)> {
        self.indexes.announced().collect()
    }

    /// Appends to the changes what follows from them, and what time has brought.
    pub(crate) fn observe(&mut self, changes: &mut Vec<(Topic, Change)>, now: Micros) {
        let mut derived = std::mem::take(&mut self.derived);
        self.klines.take_turns(now, &mut derived);
        for (topic, change) in &*changes {
            let ticker = match change {
                Change::Put(body) => match body.ticker() {
                    Some(ticker) => Some(ticker),
                    None => continue,
                },
                Change::Remove => None,
            };
            self.klines.observe(topic, ticker, now, &mut derived);
            if let Some(change) = self.indexes.observe(topic, ticker, now) {
                self.show_index(change, now, &mut derived);
            }
        }
        while let Some(change) = self.indexes.pass_time(now) {
            self.show_index(change, now, &mut derived);
        }
        self.klines.close(now, &mut derived);
        changes.append(&mut derived);
        self.derived = derived;
    }

    /// When [`Self::observe`] is to be called again at the latest.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        self.indexes.next_due().into_iter().chain(self.klines.next_due()).min()
    }

    /// Changes were conflated before they came here: bars in progress may lack a high or a low.
    pub(crate) fn interrupt(&mut self) {
        counters::missed();
        self.klines.interrupt();
    }

    /// Goes on with the bars that a former writer left in the cache; returns the values of their
    /// topics. What was written under `own`, an epoch of this process, is known already.
    pub(crate) fn take_over(
        &mut self,
        cached: &[(Topic, Arc<Record>)],
        own: u64,
    ) -> Vec<(Topic, Change)> {
        let mut changes = Vec::new();
        for (topic, record) in cached.iter().filter(|(_, record)| record.stamp.epoch != own) {
            if let Body::Kline(bar) = &record.body {
                self.klines.inherit(topic, bar, &mut changes);
            }
        }
        changes
    }

    /// An index's value, and the bars that it goes into.
    fn show_index(
        &mut self,
        (topic, change): (Topic, Change),
        now: Micros,
        derived: &mut Vec<(Topic, Change)>,
    ) {
        let ticker = match &change {
            Change::Put(body) => body.ticker(),
            Change::Remove => None,
        };
        self.klines.observe(&topic, ticker, now, derived);
        derived.push((topic, change));
    }
}
