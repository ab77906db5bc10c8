//! A derivation with its own time.

use crate::{
    derive::{Derive, Rules},
    outbox::Change,
};
use tickcast_shared::{
    bus::{Body, Index},
    clock::Micros,
    market::{Bar, Interval, Price, Reason, State, Ticker, Topic},
};

/// 2026-01-01 00:00 UTC, a beginning of every interval.
pub const START: Micros = Micros(1_767_225_600_000_000);

pub const INDEX: &str = "ticker:index:BTC-USDT";

pub fn price(text: &str) -> Price {
    text.parse().unwrap()
}

/// The ticker topic of BTC-USDT there.
pub fn topic(exchange: &str) -> Topic {
    format!("ticker:{exchange}:BTC-USDT").parse().unwrap()
}

/// So many milliseconds after [`START`].
pub fn at(millis: i64) -> Micros {
    Micros(START.0 + millis * 1000)
}

pub fn live(received: Micros) -> Ticker {
    let mut ticker = Ticker::pending("BTCUSDT", false, received);
    ticker.enter(State::Live, Reason::NONE, received);
    ticker.received_ts = Some(received);
    ticker
}

/// A live ticker with that quote.
pub fn quote(bid: &str, ask: &str, received: Micros) -> Ticker {
    Ticker { bid_price: Some(price(bid)), ask_price: Some(price(ask)), ..live(received) }
}

/// A live ticker with that last price.
pub fn last(text: &str, received: Micros) -> Ticker {
    Ticker { last_price: Some(price(text)), ..live(received) }
}

pub fn stale(received: Micros) -> Ticker {
    let mut ticker = last("1", received);
    ticker.enter(State::Stale, Reason::LINK_LOST, received);
    ticker
}

pub struct Rig(pub Derive);

impl Rig {
    /// Of these venues' tickers of BTC-USDT.
    pub fn new(venues: &[&str], index_quorum: usize, intervals: &[Interval]) -> Self {
        let ticker = Ticker::pending("BTCUSDT", false, START);
        let tickers: Vec<_> = venues.iter().map(|it| (topic(it), ticker.clone())).collect();
        let rules = Rules { index_quorum, intervals: intervals.to_vec() };
        Self(Derive::new(rules, &tickers, START))
    }

    /// What follows when a venue says this at that time.
    pub fn hear(&mut self, exchange: &str, ticker: Ticker, now: Micros) -> Vec<(Topic, Change)> {
        self.observe(vec![(topic(exchange), Change::Put(Box::new(Body::Ticker(ticker))))], now)
    }

    pub fn remove(&mut self, exchange: &str, now: Micros) -> Vec<(Topic, Change)> {
        self.observe(vec![(topic(exchange), Change::Remove)], now)
    }

    pub fn pass_time(&mut self, now: Micros) -> Vec<(Topic, Change)> {
        self.observe(Vec::new(), now)
    }

    /// Runs the timers as the publisher does, until that time.
    pub fn run_until(&mut self, end: Micros) -> Vec<(Topic, Change)> {
        let mut derived = Vec::new();
        while let Some(due) = self.0.next_due().filter(|due| *due <= end) {
            derived.extend(self.pass_time(due));
            assert!(self.0.next_due() > Some(due) || self.0.next_due().is_none(), "time goes on");
        }
        derived
    }

    pub fn observe(
        &mut self,
        mut changes: Vec<(Topic, Change)>,
        now: Micros,
    ) -> Vec<(Topic, Change)> {
        let given = changes.len();
        self.0.observe(&mut changes, now);
        changes.split_off(given)
    }
}

/// The indexes among these changes.
pub fn indexes(changes: Vec<(Topic, Change)>) -> Vec<Index> {
    let index = |(topic, change): (Topic, Change)| match change {
        Change::Put(body) => match *body {
            Body::Index(index) => {
                assert_eq!(topic.as_str(), INDEX);
                Some(index)
            }
            _ => None,
        },
        Change::Remove => None,
    };
    changes.into_iter().filter_map(index).collect()
}

/// The bars among these changes, with their topics.
pub fn bars(changes: Vec<(Topic, Change)>) -> Vec<(String, Bar)> {
    let bar = |(topic, change): (Topic, Change)| match change {
        Change::Put(body) => Some((topic.to_string(), body.bar()?.clone())),
        Change::Remove => None,
    };
    changes.into_iter().filter_map(bar).collect()
}

/// A bar's four prices.
pub fn ohlc(bar: &Bar) -> [String; 4] {
    [bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string())
}
