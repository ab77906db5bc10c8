//! All topics, and what is known to be wrong with what they come from.

use super::topic::Topic;
use crate::watch::message::{Belief, Incoming, Quote, Status};
use serde_json::json;
use std::collections::BTreeMap;
use tickcast_shared::{clock::Micros, market::Bar};

/// What a status of the bus calls it.
const BUS: &str = "bus";

/// What the gateway told, each topic's newest.
#[derive(Debug, Clone, Default)]
pub struct Market {
    topics: BTreeMap<String, Topic>,
    /// Why topics are not live, by their names.
    reasons: BTreeMap<String, String>,
    /// What is not well: an exchange or the bus, with its state and why.
    troubles: BTreeMap<String, (Belief, Option<String>)>,
}

/// How many topics there are, and of which kinds one must know.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub topics: usize,
    /// `stale`.
    pub stale: usize,
    /// `halted`.
    pub halted: usize,
    /// `pending`.
    pub pending: usize,
    /// From simulated exchanges, whatever their state.
    pub simulated: usize,
}

impl Market {
    /// Takes a message that came at `now`; returns how many prices it had.
    pub fn hear(&mut self, text: &str, message: Incoming, now: Micros) -> u64 {
        match message {
            Incoming::Ticker(quote) => {
                self.put(*quote, text.to_owned(), now);
                1
            }
            Incoming::Kline { topic, bar } => {
                self.put(Quote::of_bar(topic, bar), text.to_owned(), now);
                1
            }
            Incoming::Klines { topic, bars } => {
                // After a loss they come again, the ones that were shown long ago as well.
                let held = self.topics.get(&topic).and_then(|it| it.quote.bar.as_ref());
                let held = held.map(|bar| bar.open_time);
                let news = bars.into_iter().filter(|bar| held <= Some(bar.open_time));
                news.for_each(|bar| self.bar(&topic, bar, now));
                1
            }
            Incoming::Status(status) => {
                self.status(status);
                0
            }
            _ => 0,
        }
    }

    fn bar(&mut self, topic: &str, bar: Bar, now: Micros) {
        let message = json!({"type": "kline", "topic": topic, "bar": bar}).to_string();
        self.put(Quote::of_bar(topic.to_owned(), bar), message, now);
    }

    fn put(&mut self, quote: Quote, message: String, now: Micros) {
        match self.topics.get_mut(&quote.topic) {
            Some(topic) => topic.update(quote, message, now),
            None => {
                let name = quote.topic.clone();
                self.topics.insert(name, Topic::new(quote, message, now));
            }
        }
    }

    fn status(&mut self, status: Status) {
        let Status { scope, name, state, reason } = status;
        let is_well = state == Belief::Live;
        match (scope.as_str(), reason) {
            ("topic", Some(reason)) if !is_well => {
                self.reasons.insert(name, reason);
            }
            ("topic", _) => {
                self.reasons.remove(&name);
            }
            ("exchange" | "bus", reason) if !is_well => {
                self.troubles.insert(name, (state, reason));
            }
            ("exchange" | "bus", _) => {
                self.troubles.remove(&name);
            }
            // Of a later protocol.
            _ => {}
        }
    }

    /// The gateway is gone: no price is shown as live from here on, and what was wrong may be well.
    pub fn disown(&mut self) {
        self.topics.values_mut().for_each(Topic::disown);
        self.reasons.clear();
        self.troubles.clear();
    }

    /// All topics by their names.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.values()
    }

    /// Why a topic is not live: its own reason, else its exchange's, else the bus's.
    pub fn reason(&self, topic: &Topic) -> Option<&str> {
        if topic.quote.state == Belief::Live {
            return None;
        }
        let trouble = |name: &str| self.troubles.get(name)?.1.as_ref();
        let own = self.reasons.get(&topic.quote.topic);
        let reason = own.or_else(|| trouble(topic.exchange())).or_else(|| trouble(BUS));
        reason.map(String::as_str)
    }

    /// What is not well, in words: `okx STALE (disconnected)`.
    pub fn troubles(&self) -> impl Iterator<Item = String> {
        self.troubles.iter().map(|(name, (state, reason))| match reason {
            Some(reason) => format!("{name} {} ({reason})", state.word()),
            None => format!("{name} {}", state.word()),
        })
    }

    /// How many there are of each kind.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for Topic { quote, .. } in self.topics.values() {
            counts.topics += 1;
            counts.simulated += usize::from(quote.simulated);
            match quote.state {
                Belief::Stale => counts.stale += 1,
                Belief::Halted => counts.halted += 1,
                Belief::Pending => counts.pending += 1,
                Belief::Live | Belief::Unknown => {}
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{hear, status, ticker};
    use super::*;

    #[test]
    fn a_reason_stays_as_long_as_it_holds() {
        let mut market = Market::default();
        hear(&mut market, &status("topic", "ticker:okx:A-B", "stale", "restart"));
        hear(&mut market, &ticker("ticker:okx:A-B", "1", "stale"));
        let reason = |market: &Market| {
            let topic = market.topics().next().unwrap();
            market.reason(topic).map(str::to_owned)
        };
        assert_eq!(reason(&market).as_deref(), Some("restart"));
        hear(&mut market, &ticker("ticker:okx:A-B", "1", "live"));
        assert_eq!(reason(&market), None, "whichever of the two messages comes first");
        hear(&mut market, &status("topic", "ticker:okx:A-B", "live", ""));
        hear(&mut market, &ticker("ticker:okx:A-B", "1", "stale"));
        assert_eq!(reason(&market), None);
        hear(&mut market, &status("bus", "bus", "stale", "silent"));
        assert_eq!(reason(&market).as_deref(), Some("silent"));
        hear(&mut market, &status("exchange", "okx", "stale", "feed_lost"));
        assert_eq!(reason(&market).as_deref(), Some("feed_lost"), "what is nearer");
    }

    #[test]
    fn what_is_not_well_is_told_until_it_is() {
        let mut market = Market::default();
        hear(&mut market, &status("exchange", "okx", "stale", "disconnected"));
        hear(&mut market, &status("bus", "bus", "stale", "silent"));
        hear(&mut market, &status("weather", "sun", "stale", "night"));
        let told: Vec<String> = market.troubles().collect();
        assert_eq!(told, ["bus STALE (silent)", "okx STALE (disconnected)"]);
        hear(&mut market, &status("bus", "bus", "live", ""));
        assert_eq!(market.troubles().count(), 1);
        market.disown();
        assert_eq!(market.troubles().count(), 0, "a new connection tells what is wrong then");
    }

    #[test]
    fn bars_that_come_again_are_no_news() {
        let bar = |open_time: i64, close: &str| {
            json!({"open_time": open_time, "close_time": open_time + 60, "open": "2", "high": "9",
                "low": "1", "close": close, "ticks": 7, "closed": true, "complete": true,
                "source": "ticker"})
        };
        let mut market = Market::default();
        let mut bars = |bars: &[serde_json::Value]| {
            let message = json!({"type": "klines", "topic": "kline:okx:A-B:1m", "bars": bars});
            hear(&mut market, &message.to_string());
            market.topics().next().unwrap().clone()
        };
        let old = [bar(0, "2"), bar(60, "4"), bar(120, "3")];
        let first = bars(&old);
        let again = bars(&old);
        assert_eq!(again.quote.last_price, first.quote.last_price);
        assert_eq!((again.moved(), again.spark.text(9)), (first.moved(), "▁█▅".to_owned()));
        let next = bars(&[bar(60, "4"), bar(120, "1"), bar(180, "4")]);
        assert_eq!(next.spark.text(9), "▃█▁█");
    }

    #[test]
    fn kinds_are_counted() {
        let mut market = Market::default();
        for (name, state) in [("a", "live"), ("b", "stale"), ("c", "halted"), ("d", "pending")] {
            hear(&mut market, &ticker(name, "1", state));
        }
        let wanted = Counts { topics: 4, stale: 1, halted: 1, pending: 1, simulated: 4 };
        assert_eq!(market.counts(), wanted);
        market.disown();
        assert_eq!(market.counts(), Counts { topics: 4, simulated: 4, ..Counts::default() });
    }
}
