//! The indexes of all symbols that enough venues are configured for.

use super::basket::{Basket, Next};
use crate::outbox::Change;
use std::collections::{BTreeSet, HashMap};
use tickcast_shared::{
    bus::Body,
    clock::Micros,
    market::{Channel, ExchangeId, Ticker, Topic},
};

/// The virtual exchange in an index's topic.
const INDEX: &str = "index";

/// Every index of this feed.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    /// Fewest venues that make an index; 0: no index at all.
    quorum: usize,
    baskets: Vec<Basket>,
    by_symbol: HashMap<String, usize>,
    /// Which member of which basket a venue's topic is.
    places: HashMap<Topic, (usize, usize)>,
    /// Baskets with other sources than published, and when they may say so.
    owed: BTreeSet<(Micros, usize)>,
}

impl Indexes {
    /// An index for each symbol that at least `quorum` of these topics are about; 0: none at all.
    pub(super) fn new(tickers: &[(Topic, Ticker)], quorum: usize, now: Micros) -> Self {
        let mut indexes = Self { quorum, ..Self::default() };
        for (topic, ticker) in tickers.iter().filter(|_| quorum > 0) {
            indexes.enlist(topic, ticker, now);
        }
        indexes.baskets.iter_mut().for_each(|basket| basket.is_announced = basket.has_quorum());
        indexes
    }

    /// The topics to announce, each as it is before any value is there.
    pub(super) fn announced(&self) -> impl Iterator<Item = (Topic, Body)> + '_ {
        let announced = self.baskets.iter().filter(|basket| basket.is_announced);
        announced.map(|basket| (basket.topic.clone(), basket.announcement()))
    }

    /// What follows from a venue's change. Topics come and go, and with them the indexes that have
    /// enough of them.
    pub(super) fn observe(
        &mut self,
        topic: &Topic,
        ticker: Option<&Ticker>,
        now: Micros,
    ) -> Option<(Topic, Change)> {
        if self.quorum == 0 {
            return None;
        }
        let place = self.places.get(topic).copied();
        let (at, next) = match (place, ticker) {
            (place, Some(ticker)) => {
                let (at, member) = place.or_else(|| self.enlist(topic, ticker, now))?;
                (at, self.baskets[at].hear(member, ticker, now))
            }
            (Some((at, member)), None) => {
                self.places.remove(topic);
                (at, self.baskets[at].forget(member, now))
            }
            (None, None) => return None,
        };
        let basket = &mut self.baskets[at];
        match (basket.is_announced, basket.has_quorum()) {
            (true, true) => self.follow(at, next),
            (false, false) => None,
            (true, false) => {
                basket.is_announced = false;
                Some((basket.topic.clone(), Change::Remove))
            }
            (false, true) => {
                basket.is_announced = true;
                let announcement = Change::Put(Box::new(basket.announcement()));
                Some((basket.topic.clone(), announcement))
            }
        }
    }

    /// Makes a venue's topic part of its symbol's index, announced or not.
    fn enlist(&mut self, topic: &Topic, ticker: &Ticker, now: Micros) -> Option<(usize, usize)> {
        let exchange: ExchangeId = topic.exchange().parse().ok()?;
        if topic.channel() != Channel::Ticker || exchange.as_str() == INDEX {
            return None;
        }
        let at = match self.by_symbol.get(topic.symbol()) {
            Some(at) => *at,
            None => self.add(topic.symbol(), now)?,
        };
        let member = self.baskets[at].enlist(&exchange, ticker.simulated, now);
        self.places.insert(topic.clone(), (at, member));
        Some((at, member))
    }

    fn add(&mut self, symbol: &str, now: Micros) -> Option<usize> {
        let topic = format!("ticker:{INDEX}:{symbol}").parse().ok()?;
        self.by_symbol.insert(symbol.to_owned(), self.baskets.len());
        self.baskets.push(Basket::new(topic, self.quorum, now));
        Some(self.baskets.len() - 1)
    }

    /// The next change of sources whose time has come.
    pub(super) fn pass_time(&mut self, now: Micros) -> Option<(Topic, Change)> {
        while let Some((due, at)) = self.owed.first().copied().filter(|(due, _)| *due <= now) {
            self.owed.remove(&(due, at));
            if !self.baskets[at].is_announced {
                continue;
            }
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
