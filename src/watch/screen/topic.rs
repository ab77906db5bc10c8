//! One topic: its newest state, and how it came there.

use super::spark::Spark;
use crate::watch::{
    line::bar_word,
    message::{Belief, Quote},
};
use rust_decimal::Decimal;
use std::time::Duration;
use tickcast_shared::{clock::Micros, market::Price};

/// How long a price that moved lights up.
const FLASH: Duration = Duration::from_millis(600);
/// A price that was quiet for this long lights up when it moves; where all move all the time, light
/// would say nothing.
const QUIET: Duration = Duration::from_secs(2);

/// A topic since the screen opened.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Its newest state.
    pub quote: Quote,
    /// The message that brought it; a bar's own when it came in a row of them.
    pub message: String,
    /// Prices of the last while.
    pub spark: Spark,
    /// When the last message came, on our clock.
    pub heard: Micros,
    first: Option<Price>,
    moved: Option<Move>,
}

/// A price that went up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Or down.
    pub is_up: bool,
    at: Micros,
    lights_up: bool,
}

impl Topic {
    /// A topic's first state, which came at `now`.
    pub fn new(quote: Quote, message: String, now: Micros) -> Self {
        let spark = Spark::default();
        let mut topic =
            Self { first: quote.last_price, quote, message, spark, heard: now, moved: None };
        topic.note_price(now);
        topic
    }

    /// A newer state of the same topic, which came at `now`.
    pub fn update(&mut self, quote: Quote, message: String, now: Micros) {
        if let (Some(old), Some(new)) = (self.quote.last_price, quote.last_price)
            && old != new
        {
            let lights_up = self.moved.is_none_or(|moved| now.since(moved.at) >= QUIET);
            self.moved = Some(Move { is_up: new > old, at: now, lights_up });
        }
        self.first = self.first.or(quote.last_price);
        (self.quote, self.message, self.heard) = (quote, message, now);
        self.note_price(now);
    }

    fn note_price(&mut self, now: Micros) {
        match (&self.quote.bar, self.quote.last_price) {
            (Some(bar), _) => self.spark.add_bar(bar.close.decimal(), bar.open_time),
            (None, Some(price)) => self.spark.add(price.decimal(), now),
            (None, None) => {}
        }
    }

    /// The gateway is gone: whatever the price was, it is not known to be live.
    pub fn disown(&mut self) {
        self.quote.state = Belief::Unknown;
    }

    /// `kucoin`, for instance.
    pub fn exchange(&self) -> &str {
        self.quote.topic.split(':').nth(1).unwrap_or_default()
    }

    /// `BTC-USDT`, and a bar's length after it: `BTC-USDT 1m`.
    pub fn symbol(&self) -> String {
        let mut parts = self.quote.topic.splitn(3, ':').skip(2);
        parts.next().unwrap_or(&self.quote.topic).replace(':', " ")
    }

    /// The change since the screen opened, in percent.
    pub fn change(&self) -> Option<Decimal> {
        let (first, last) = (self.first?.decimal(), self.quote.last_price?.decimal());
        ((last - first) * Decimal::ONE_HUNDRED).checked_div(first)
    }

    /// How old the price is at the gateway's time `now`, whose clock is that much ahead of ours.
    pub fn age(&self, now: Micros, gateway_ahead: i64) -> Option<Duration> {
        let heard = self.quote.bar.is_some().then(|| Micros(self.heard.0 + gateway_ahead));
        Some(now.since(self.quote.received_ts.or(heard)?))
    }

    /// The word for its state; a bar's says whether it is final.
    pub fn word(&self) -> &'static str {
        match &self.quote.bar {
            Some(bar) => bar_word(self.quote.state, bar),
            None => self.quote.state.word(),
        }
    }

    /// Which way its price last went.
    pub fn moved(&self) -> Option<Move> {
        self.moved
    }
}

impl Move {
    /// Whether it lights up at `now`.
    pub fn is_lit(&self, now: Micros) -> bool {
        self.lights_up && now.since(self.at) < FLASH
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::quote;
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_name_has_its_parts() {
        let topic = |name| Topic::new(quote(name, "1"), String::new(), Micros(0));
        let ticker = topic("ticker:okx:ETH-USDT");
        assert_eq!((ticker.exchange(), &*ticker.symbol()), ("okx", "ETH-USDT"));
        assert_eq!(topic("kline:okx:ETH-USDT:1m").symbol(), "ETH-USDT 1m");
        assert_eq!(topic("weather").symbol(), "weather");
    }

    #[test]
    fn the_change_counts_from_the_first_price() {
        let mut first = quote("ticker:okx:A-B", "1");
        first.last_price = None;
        let mut topic = Topic::new(first, String::new(), Micros(0));
        assert_eq!(topic.change(), None);
        for (last, change) in [("200", "0"), ("202", "1"), ("199", "-0.5")] {
            topic.update(quote("ticker:okx:A-B", last), String::new(), Micros(0));
            assert_eq!(topic.change(), Some(change.parse().unwrap()), "{last}");
        }
    }

    #[test]
    fn only_a_quiet_price_lights_up() {
        let mut topic = Topic::new(quote("t:o:s", "1"), String::new(), Micros(0));
        assert_eq!(topic.moved(), None);
        let mut go = |last, at| {
            topic.update(quote("t:o:s", last), String::new(), Micros(at));
            topic.moved().unwrap()
        };
        let up = go("2", SECOND);
        assert!(up.is_up && up.is_lit(Micros(SECOND)) && !up.is_lit(Micros(2 * SECOND)));
        let down = go("1", 2 * SECOND);
        assert!(!down.is_up && !down.is_lit(Micros(2 * SECOND)), "it moves all the time");
        assert_eq!(go("1", 3 * SECOND), down, "no move");
        assert!(go("3", 4 * SECOND).is_lit(Micros(4 * SECOND)));
    }
}
