//! When a connection is replaced, as a value.

use crate::config::Timing;
use std::time::{Duration, Instant};
use tickcast_shared::backoff::Backoff;

/// The share of the longest age at which a connection is replaced: 23 h of 24.
const IN_TIME: f64 = 23.0 / 24.0;
/// The share of that age by which a replacement may come earlier, so that the connections of many
/// feeds are not replaced together: up to half an hour of 23.
const SPREAD: f64 = 1.0 / 46.0;

/// The plan for one connection.
#[derive(Debug, Clone, Copy)]
pub struct Rotation {
    /// `None` where neither the venue nor the configuration limits a connection's age.
    due: Option<Instant>,
    /// No attempt before that.
    not_before: Instant,
    failures: u32,
}

impl Rotation {
    /// A connection opened at `now`, which the venue ends at the age of `longest`; `jitter` is a
    /// random number in `0..1`.
    #[must_use]
    pub fn new(longest: Option<Duration>, timing: &Timing, jitter: f64, now: Instant) -> Self {
        let configured = timing.rotate_ms.map(Duration::from_millis);
        let age = configured.or(longest.map(|it| it.mul_f64(IN_TIME)));
        let due = age.map(|age| now + age.mul_f64(1.0 - SPREAD * jitter.clamp(0.0, 1.0)));
        Self { due, not_before: now, failures: 0 }
    }

    /// No replacement could be had.
    pub fn failed(&mut self, backoff: Backoff, jitter: f64, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.not_before = now + backoff.delay(self.failures, jitter);
    }

    /// When to try; at once if the venue has announced that it will close the connection.
    #[must_use]
    pub fn next(&self, announced: bool) -> Option<Instant> {
        if announced { Some(self.not_before) } else { self.due.map(|due| due.max(self.not_before)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_connection_is_replaced_an_hour_before_its_end_or_a_little_earlier() {
        let now = Instant::now();
        let at =
            |jitter| Rotation::new(Some(24 * HOUR), &Timing::default(), jitter, now).next(false);
        let minutes = |jitter| at(jitter).unwrap().duration_since(now).as_secs().div_ceil(60);
        assert_eq!((minutes(0.0), minutes(1.0)), (23 * 60, 22 * 60 + 30));
        let never = Rotation::new(None, &Timing::default(), 0.5, now);
        assert_eq!((never.next(false), never.next(true)), (None, Some(now)));
    }

    #[test]
    fn a_failed_replacement_is_tried_again_with_growing_waits() {
        let now = Instant::now();
        let mut rotation = Rotation::new(None, &Timing::default(), 0.0, now);
        let waits: Vec<u128> = (0..3)
            .map(|_| {
                rotation.failed(Backoff::VENUE, 1.0, now);
                rotation.next(true).unwrap().duration_since(now).as_millis()
            })
            .collect();
        assert_eq!(waits, [500, 1000, 2000]);
    }
}
