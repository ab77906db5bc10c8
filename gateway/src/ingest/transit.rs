//! How long messages take from the bus to this gateway, without clocks that agree.
//!
//! The bus stamps each message with its server's clock, which may be minutes off ours. What can be
//! told is how much longer than the fastest one a message took: that one has waited for nothing.

use std::time::Duration;
use tickcast_shared::clock::Micros;

/// The fastest message counts for one to two of these. Clocks drift apart by some 20 us a second
/// where nothing keeps them in step, which makes 12 ms in two of these.
const PERIOD: Duration = Duration::from_secs(300);
/// More than this is no delay but a clock that was set: the bus counts as lost when a PING, which
/// comes the same way, is not answered for 2.5 s.
const MOST: Duration = Duration::from_secs(10);

/// The messages of one shard of the bus, all stamped by one server.
#[derive(Debug, Default)]
pub struct Transit {
    /// The smallest difference of the clocks in this period and in the one before, in microseconds.
    fastest: Option<i64>,
    before: Option<i64>,
    /// When this period began.
    began: Micros,
}

impl Transit {
    /// How much longer than the fastest a message took that the bus sent at `sent` by its clock,
    /// and that came at `now` by ours.
    pub fn delay(&mut self, sent: Micros, now: Micros) -> Duration {
        if now.since(self.began) >= PERIOD {
            (self.before, self.fastest) = (self.fastest, None);
            self.began = now;
        }
        let took = now.0.saturating_sub(sent.0);
        let known = [self.fastest, self.before].into_iter().flatten().min();
        let beyond = known.map_or(0, |fastest| took.saturating_sub(fastest));
        let delay = Duration::from_micros(u64::try_from(beyond).unwrap_or(0));
        if delay > MOST {
            *self = Self { fastest: Some(took), before: None, began: now };
            return Duration::ZERO;
        }
        self.fastest = Some(self.fastest.map_or(took, |fastest| fastest.min(took)));
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bus's clock is an hour ahead.
    const AHEAD: Duration = Duration::from_secs(3600);

    /// Messages that come at so many seconds after having taken so many milliseconds.
    fn delays<const N: usize>(transit: &mut Transit, messages: [(u64, u64); N]) -> [u128; N] {
        messages.map(|(seconds, took)| {
            let now = Micros(1_700_000_000_000_000).plus(Duration::from_secs(seconds));
            let sent = now.minus(Duration::from_millis(took)).plus(AHEAD);
            transit.delay(sent, now).as_millis()
        })
    }

    #[test]
    fn a_message_is_compared_with_the_fastest() {
        let mut transit = Transit::default();
        let messages = [(0, 5), (1, 3), (2, 3), (3, 43), (4, 1003), (5, 3)];
        assert_eq!(delays(&mut transit, messages), [0, 0, 0, 40, 1000, 0]);
    }

    #[test]
    fn the_fastest_is_forgotten_after_two_periods() {
        let mut transit = Transit::default();
        let messages = [(0, 3), (299, 13), (301, 13), (500, 13), (602, 13), (700, 14), (903, 14)];
        assert_eq!(delays(&mut transit, messages), [0, 10, 10, 10, 0, 1, 1]);
    }

    #[test]
    fn a_clock_that_is_set_is_no_delay() {
        let mut transit = Transit::default();
        assert_eq!(delays(&mut transit, [(0, 3), (1, 60_003), (2, 60_005), (3, 3)]), [0, 0, 2, 0]);
        assert_eq!(delays(&mut transit, [(4, 9003)]), [9000], "slow as it is");
    }
}
