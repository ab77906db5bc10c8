//! Bars of a simulated exchange: given by a test, or made up for a random walk.

use super::{
    instrument::Instrument,
    stage::{Stage, lock},
    walk::first_steps,
};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tickcast_shared::market::Interval;

/// One bar as text, as it goes on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueBar {
    /// When it begins, in milliseconds since the Unix epoch.
    pub open_ms: i64,
    /// First price.
    pub open: String,
    /// Highest price.
    pub high: String,
    /// Lowest price.
    pub low: String,
    /// Last price.
    pub close: String,
    /// Volume in the base currency.
    pub volume: String,
}

impl VenueBar {
    /// A bar with these prices and a volume of 1.
    #[must_use]
    pub fn new(open_ms: i64, [open, high, low, close]: [&str; 4]) -> Self {
        let [open, high, low, close] = [open, high, low, close].map(str::to_owned);
        Self { open_ms, open, high, low, close, volume: "1".to_owned() }
    }
}

/// Bars that a test has given, by symbol (our spelling) and interval.
pub(super) type Bars = HashMap<(Arc<str>, Interval), BTreeMap<i64, VenueBar>>;

/// Milliseconds in a minute.
const MINUTE: i64 = 60_000;
/// The waves of a made-up price: length in minutes, height as a fraction of the price.
const WAVES: [(i64, i64); 3] = [(1440, 300), (60, 800), (5, 3000)];
/// Minutes between the prices that make up a bar of a day; shorter bars see every minute.
const DAY_STEP: i64 = 15;

/// The length of a bar in milliseconds.
pub(super) fn millis(interval: Interval) -> i64 {
    interval.micros() / 1000
}

impl Stage {
    /// The bars of an instrument (the exchange's name) that open from `from_ms` on and before
    /// `end_ms`, oldest first, with the one in progress; nothing for what is not listed.
    pub(super) fn bars(
        &self,
        name: &str,
        interval: Interval,
        from_ms: i64,
        end_ms: i64,
    ) -> Option<Vec<VenueBar>> {
        let catalogue = self.catalogue();
        let instrument = catalogue.by_name(name)?;
        let (from_ms, end_ms) = (from_ms.max(0), end_ms.min(self.now_ms() + 1));
        if from_ms >= end_ms {
            return Some(Vec::new());
        }
        if let Some(given) = lock(&self.bars).get(&(instrument.symbol.clone(), interval)) {
            return Some(given.range(from_ms..end_ms).map(|(_, bar)| bar.clone()).collect());
        }
        let Some(walking) = self.walking else { return Some(Vec::new()) };
        let course = Course::new(instrument, walking.seed);
        let length = millis(interval);
        let first = (from_ms + length - 1).div_euclid(length) * length;
        let opens = (first..end_ms).step_by(usize::try_from(length).unwrap_or(usize::MAX));
        Some(opens.map(|open| course.bar(open, interval, self.now_ms())).collect())
    }
}

/// A made-up course of a price: the same for the same seed, at any time.
struct Course {
    seed: u64,
    steps: i64,
    scale: u32,
}

impl Course {
    fn new(instrument: &Instrument, seed: u64) -> Self {
        let (steps, scale) = first_steps(instrument);
        let letters =
            instrument.symbol.bytes().fold(seed, |hash, byte| mix(hash ^ u64::from(byte)));
        Self { seed: letters, steps, scale }
    }

    fn bar(&self, open_ms: i64, interval: Interval, now_ms: i64) -> VenueBar {
        let first = open_ms / MINUTE;
        let last = ((open_ms + millis(interval)) / MINUTE).min(now_ms / MINUTE + 1);
        let step = if interval == Interval::D1 { DAY_STEP } else { 1 };
        let between = (first..last).step_by(usize::try_from(step).unwrap_or(1));
        let prices: Vec<i64> = between.chain([last]).map(|minute| self.price(minute)).collect();
        let text = |steps: Option<i64>| {
            Decimal::new(steps.unwrap_or_default(), self.scale).normalize().to_string()
        };
        VenueBar {
            open_ms,
            open: text(prices.first().copied()),
            high: text(prices.iter().max().copied()),
            low: text(prices.iter().min().copied()),
            close: text(prices.last().copied()),
            volume: (mix(self.seed ^ open_ms.unsigned_abs()) % 1000 + 1).to_string(),
        }
    }

    /// The price at a minute, in steps: waves of several lengths on top of one another.
    fn price(&self, minute: i64) -> i64 {
        let wave = |(length, height): (i64, i64)| {
            let (at, into) = (minute.div_euclid(length), minute.rem_euclid(length));
            let height = self.steps / height;
            let end = |n: i64| {
                let salt = mix(self.seed ^ n.unsigned_abs() ^ (length.unsigned_abs() << 40));
                // Far below the sign bit.
                (salt % (2 * height.unsigned_abs() + 1)) as i64 - height
            };
            end(at) + (end(at + 1) - end(at)) * into / length
        };
        (self.steps + WAVES.into_iter().map(wave).sum::<i64>()).max(1)
    }
}

/// Spreads the bits of a number over all of them (the finaliser of splitmix64).
fn mix(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::Exchange;

    fn course() -> Course {
        let symbol = "BTC-USDT".parse().unwrap();
        Course::new(&Instrument::spot(Exchange::Okx, &symbol), 7)
    }

    fn number(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn longer_bars_are_made_of_shorter_ones() {
        let course = course();
        let open = 1_729_728_000_000;
        let whole = course.bar(open, Interval::H4, i64::MAX);
        let hours: Vec<VenueBar> =
            (0..4).map(|n| course.bar(open + n * 60 * MINUTE, Interval::H1, i64::MAX)).collect();
        assert_eq!((&whole.open, &whole.close), (&hours[0].open, &hours[3].close));
        assert_eq!(number(&whole.high), hours.iter().map(|bar| number(&bar.high)).max().unwrap());
        assert_eq!(number(&whole.low), hours.iter().map(|bar| number(&bar.low)).min().unwrap());
        for pair in hours.windows(2) {
            assert_eq!(pair[0].close, pair[1].open);
        }
    }

    #[test]
    fn prices_are_near_the_walk_and_repeatable() {
        let bar = course().bar(1_729_728_000_000, Interval::D1, i64::MAX);
        assert_eq!(bar, course().bar(1_729_728_000_000, Interval::D1, i64::MAX));
        assert!((number(&bar.open) - Decimal::from(67_000)).abs() < Decimal::from(700), "{bar:?}");
        assert!(number(&bar.low) < number(&bar.high), "{bar:?}");
    }
}
