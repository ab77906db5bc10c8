//! How far the clocks of feed, bus and gateway are apart, as far as messages can tell.
//!
//! A message that leaves by one clock and arrives by another shows the difference of the two and
//! the time it took, added up. The smallest such sum of many messages is the difference with the
//! shortest trip. Where that is negative, or longer than a trip within one site takes, the clocks
//! differ: then only what a message took beyond the fastest one is known of its trip.

use serde::{Deserialize, Serialize};
use tickcast_shared::clock::Micros;

/// Longest shortest trip that is believed: the fastest of sixteen heartbeats a second takes less than
/// that within a site, and machines that follow a time server there agree within it.
const LONGEST_TRIP_US: i64 = 2_000;
/// How long a sum counts: clocks drift apart by some 50 us a second at most, so no older one may
/// pass for today's shortest trip.
const WINDOW_US: i64 = 10_000_000;

/// The smallest sum between two clocks, of the present window and the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fastest {
    since: Micros,
    now: Option<i64>,
    before: Option<i64>,
}

impl Fastest {
    /// A message left at `from` by one clock and came at `to` by the other.
    pub fn add(&mut self, from: Micros, to: Micros) {
        if to.0.saturating_sub(self.since.0) >= WINDOW_US {
            (self.since, self.before, self.now) = (to, self.now, None);
        }
        let sum = to.0.saturating_sub(from.0);
        self.now = Some(self.now.map_or(sum, |least| least.min(sum)));
    }

    /// What is to be taken off a time between the two clocks: nothing if they agree.
    #[must_use]
    pub fn skew(&self) -> Option<i64> {
        let least = self.now.into_iter().chain(self.before).min()?;
        (!(0..=LONGEST_TRIP_US).contains(&least)).then_some(least)
    }
}

/// Everything known of the clocks of one group's writer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clocks {
    feed_to_bus: Fastest,
    bus_to_gateway: Fastest,
    feed_to_gateway: Fastest,
    /// Whether a heartbeat was heard.
    is_known: bool,
}

/// By how much clocks differ, in microseconds, as the shortest trips of the last seconds show them;
/// absent where they agree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skew {
    /// The bus's clock less the feed's.
    pub feed_to_bus_us: Option<i64>,
    /// The gateway's clock less the bus's.
    pub bus_to_gateway_us: Option<i64>,
    /// The gateway's clock less the feed's.
    pub feed_to_gateway_us: Option<i64>,
}

impl Clocks {
    /// A message was taken; with a heartbeat it says when the feed sent it.
    pub fn heard(&mut self, sent: Option<Micros>, bus: Micros, taken: Micros) {
        self.bus_to_gateway.add(bus, taken);
        if let Some(sent) = sent {
            self.feed_to_bus.add(sent, bus);
            self.feed_to_gateway.add(sent, taken);
            self.is_known = true;
        }
    }

    /// An update was taken that the feed sealed at `published`.
    pub fn published(&mut self, published: Micros, bus: Micros, taken: Micros) {
        self.feed_to_bus.add(published, bus);
        self.feed_to_gateway.add(published, taken);
    }

    /// Whether the feed's clock can be compared.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    /// By how much the clocks differ.
    #[must_use]
    pub fn skew(&self) -> Skew {
        let (to_bus, to_gateway) = (self.feed_to_bus.skew(), self.bus_to_gateway.skew());
        // Two clocks that both agree with the bus's agree with each other, however long both trips take.
        let agree = to_bus.is_none() && to_gateway.is_none();
        Skew {
            feed_to_bus_us: to_bus,
            bus_to_gateway_us: to_gateway,
            feed_to_gateway_us: if agree { None } else { self.feed_to_gateway.skew() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skew_of(sums: &[i64]) -> Option<i64> {
        let mut fastest = Fastest::default();
        for sum in sums {
            fastest.add(Micros(1_000_000), Micros(1_000_000 + sum));
        }
        fastest.skew()
    }

    #[test]
    fn short_trips_mean_that_clocks_agree_and_a_slow_one_changes_nothing() {
        assert_eq!(skew_of(&[]), None);
        assert_eq!(skew_of(&[80, 35_000]), None);
        assert_eq!(skew_of(&[LONGEST_TRIP_US]), None);
    }

    #[test]
    fn a_difference_shows_in_the_fastest_message() {
        assert_eq!(skew_of(&[-3_000, 900]), Some(-3_000), "a clock that is behind");
        assert_eq!(skew_of(&[3_600_000_400, 3_600_000_090]), Some(3_600_000_090));
        assert_eq!(skew_of(&[LONGEST_TRIP_US + 1]), Some(LONGEST_TRIP_US + 1));
    }

    #[test]
    fn what_was_long_ago_counts_no_more() {
        let mut fastest = Fastest::default();
        let at = |seconds: i64| Micros(seconds * 1_000_000);
        fastest.add(Micros(at(100).0 + 500), at(100));
        assert_eq!(fastest.skew(), Some(-500));
        fastest.add(Micros(at(111).0 - 90), at(111));
        assert_eq!(fastest.skew(), Some(-500), "the window before still counts");
        fastest.add(Micros(at(122).0 - 95), at(122));
        assert_eq!(fastest.skew(), None);
    }
}
