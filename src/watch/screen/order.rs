//! In which order topics are shown.

use super::topic::Topic;
use crate::watch::message::Belief;
use std::cmp::{Ordering, Reverse};
use tickcast_shared::clock::Micros;

/// What topics are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// `BTC-USDT`, then the exchange.
    #[default]
    Symbol,
    /// `kucoin`, then the symbol.
    Exchange,
    /// The last price, lowest first.
    Last,
    /// The change since the screen opened, highest first: what this is looked at for.
    Change,
    /// The age, oldest first.
    Age,
    /// The state, worst first.
    State,
}

/// An order, or its opposite.
#[derive(Debug, Clone, Copy, Default)]
pub struct Order {
    /// What is compared.
    pub by: By,
    /// Whether it is turned round.
    pub is_reversed: bool,
}

impl By {
    /// Its name, as the column has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Symbol => "symbol",
            Self::Exchange => "exchange",
            Self::Last => "last",
            Self::Change => "change",
            Self::Age => "age",
            Self::State => "state",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Symbol => Self::Exchange,
            Self::Exchange => Self::Last,
            Self::Last => Self::Change,
            Self::Change => Self::Age,
            Self::Age => Self::State,
            Self::State => Self::Symbol,
        }
    }
}

impl Order {
    /// By the next column, the usual way round.
    pub fn cycle(&mut self) {
        *self = Self { by: self.by.next(), is_reversed: false };
    }

    /// `↓` from the first to the last, `↑` the other way.
    pub fn arrow(self) -> char {
        if self.is_reversed { '↑' } else { '↓' }
    }

    /// Sorts topics that are in the order of their names. What has no value comes last, either way.
    pub fn sort(self, topics: &mut [&Topic], now: Micros, gateway_ahead: i64) {
        let age = |it: &Topic| it.age(now, gateway_ahead).map(Reverse);
        match self.by {
            By::Symbol => topics.sort_by_cached_key(|it| (it.symbol(), it.exchange().to_owned())),
            By::Exchange => topics.sort_by_cached_key(|it| (it.exchange().to_owned(), it.symbol())),
            By::Last => return self.sort_known(topics, |it| it.quote.last_price),
            By::Change => return self.sort_known(topics, |it| it.change().map(Reverse)),
            By::Age => return self.sort_known(topics, age),
            By::State => topics.sort_by_key(|it| badness(it.quote.state)),
        }
        if self.is_reversed {
            topics.reverse();
        }
    }

    fn sort_known<K: Ord>(self, topics: &mut [&Topic], key: impl Fn(&Topic) -> Option<K>) {
        topics.sort_by(|a, b| match (key(a), key(b)) {
            (Some(a), Some(b)) if self.is_reversed => b.cmp(&a),
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        });
    }
}

fn badness(state: Belief) -> u8 {
    match state {
        Belief::Unknown => 0,
        Belief::Stale => 1,
        Belief::Halted => 2,
        Belief::Pending => 3,
        Belief::Live => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        fixture::{hear, ticker},
        market::Market,
    };
    use super::*;

    fn sorted(order: Order) -> Vec<String> {
        let mut market = Market::default();
        for (topic, last, state) in [
            ("ticker:okx:A-USD", "100", "live"),
            ("ticker:okx:B-USD", "3", "stale"),
            ("ticker:binance:B-USD", "20", "live"),
            ("ticker:okx:A-USD", "110", "live"),
            ("ticker:binance:B-USD", "19", "live"),
        ] {
            hear(&mut market, &ticker(topic, last, state));
        }
        let mut topics: Vec<&Topic> = market.topics().collect();
        order.sort(&mut topics, Micros(0), 0);
        topics.iter().map(|it| format!("{} {}", it.symbol(), it.exchange())).collect()
    }

    #[test]
    fn every_column_has_its_order() {
        let mut order = Order::default();
        for (by, first, last) in [
            (By::Symbol, "A-USD okx", "B-USD okx"),
            (By::Exchange, "B-USD binance", "B-USD okx"),
            (By::Last, "B-USD okx", "A-USD okx"),
            (By::Change, "A-USD okx", "B-USD binance"),
            (By::Age, "B-USD binance", "B-USD okx"),
            (By::State, "B-USD okx", "A-USD okx"),
        ] {
            assert_eq!(order.by, by);
            let rows = sorted(order);
            assert_eq!((&*rows[0], &*rows[2]), (first, last), "{by:?}");
            let mut back = sorted(Order { is_reversed: true, ..order });
            back.reverse();
            assert!(by == By::Age || back == rows, "{by:?}: {back:?}");
            order.cycle();
        }
        assert_eq!(order.by, By::Symbol, "and round again");
    }

    #[test]
    fn what_has_no_value_comes_last() {
        let mut market = Market::default();
        hear(&mut market, &ticker("ticker:okx:B-USD", "3", "live"));
        let none = ticker("ticker:okx:A-USD", "3", "pending")
            .replace("\"last_price\":\"3\"", "\"last_price\":null");
        hear(&mut market, &none);
        for is_reversed in [false, true] {
            let mut topics: Vec<&Topic> = market.topics().collect();
            Order { by: By::Last, is_reversed }.sort(&mut topics, Micros(0), 0);
            assert_eq!(topics[1].symbol(), "A-USD", "reversed: {is_reversed}");
        }
    }
}
