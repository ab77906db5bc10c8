//! The indexes of all symbols that enough venues are configured for.

use super::basket::{Basket, Next};
use crate::outbox::Change;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tickcast_shared::{
    bus::Body,
    clock::Micros,
    market::{ExchangeId, Ticker, Topic},
};

/// The virtual exchange in an index's topic.
const INDEX: &str = "index";

/// Every index of this feed.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    baskets: Vec<Basket>,
    /// Which member of which basket a venue's topic is.
    places: HashMap<Topic, (usize, usize)>,
    /// Baskets with other sources than published, and when they may say so.
    owed: BTreeSet<(Micros, usize)>,
}

impl Indexes {
    /// An index for each symbol that at least `quorum` of these topics are about; 0: none at all.
    pub(super) fn new(tickers: &[(Topic, Ticker)], quorum: usize, now: Micros) -> Self {
        let mut by_symbol: BTreeMap<&str, Vec<&(Topic, Ticker)>> = BTreeMap::new();
        for entry in tickers {
            by_symbol.entry(entry.0.symbol()).or_default().push(entry);
        }
        let mut indexes = Self::default();
        for (symbol, venues) in by_symbol {
            if quorum > 0 && venues.len() >= quorum {
                indexes.add(symbol, &venues, quorum, now);
            }
        }
        indexes
    }

    fn add(&mut self, symbol: &str, venues: &[&(Topic, Ticker)], quorum: usize, now: Micros) {
        let (mut members, mut places) = (Vec::new(), Vec::new());
        for (topic, ticker) in venues {
            if let Ok(exchange) = topic.exchange().parse::<ExchangeId>() {
                places.push((topic.clone(), (self.baskets.len(), members.len())));
                members.push((exchange, ticker.simulated));
            }
        }
        if let Ok(topic) = format!("ticker:{INDEX}:{symbol}").parse() {
            self.places.extend(places);
            self.baskets.push(Basket::new(topic, members, quorum, now));
        }
    }

    /// The topics to announce, each as it is before any value is there.
    pub(super) fn announced(&self) -> impl Iterator<Item = (Topic, Body)> + '_ {
        self.baskets.iter().map(|basket| (basket.topic.clone(), basket.announcement()))
    }

    /// What follows from a venue's change, if it is part of an index.
    pub(super) fn observe(
        &mut self,
        topic: &Topic,
        ticker: Option<&Ticker>,
        now: Micros,
    ) -> Option<(Topic, Change)> {
        let (at, member) = *self.places.get(topic)?;
        let basket = &mut self.baskets[at];
        let next = match ticker {
            Some(ticker) => basket.hear(member, ticker, now),
            None => basket.forget(member, now),
        };
        self.follow(at, next)
    }

    /// The next change of sources whose time has come.
    pub(super) fn pass_time(&mut self, now: Micros) -> Option<(Topic, Change)> {
        while let Some((due, at)) = self.owed.first().copied().filter(|(due, _)| *due <= now) {
            self.owed.remove(&(due, at));
            let next = self.baskets[at].judge(now);
            if let Some(change) = self.follow(at, next) {
                return Some(change);
            }
        }
        None
    }

    /// When [`Self::pass_time`] is to be called next.
    pub(super) fn next_due(&self) -> Option<Micros> {
        self.owed.first().map(|(due, _)| *due)
    }

    fn follow(&mut self, at: usize, next: Next) -> Option<(Topic, Change)> {
        match next {
            Next::Rest => None,
            Next::Later(due) => {
                self.owed.insert((due, at));
                None
            }
            Next::Publish(body) => Some((self.baskets[at].topic.clone(), Change::Put(body))),
        }
    }
}
