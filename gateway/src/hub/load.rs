//! How busy a shard is, and how long it may gather updates before its next pass.

use std::time::{Duration, Instant};

/// From this share of time spent in passes on, gathering more updates for each write saves more
/// than it delays.
const GATHER_FROM: f64 = 0.7;
/// Weight of the newest pass in the running average.
const WEIGHT: f64 = 0.25;
/// No longer, however long the last pass was: prices of an overloaded shard stay fresh.
const LONGEST: Duration = Duration::from_millis(25);
/// Timers keep whole milliseconds: less is not worth waiting.
const SHORTEST: Duration = Duration::from_millis(1);

/// A running average of the share of time that passes take.
#[derive(Debug, Default)]
pub struct Load {
    share: f64,
    ended: Option<Instant>,
}

impl Load {
    /// Notes a pass; returns how long to gather before the next one, if at all.
    pub fn gather_for(&mut self, begun: Instant, ended: Instant) -> Option<Duration> {
        let took = ended.duration_since(begun);
        let idle = self.ended.map_or(Duration::ZERO, |last| begun.duration_since(last));
        let whole = (took + idle).as_secs_f64().max(f64::EPSILON);
        self.share += (took.as_secs_f64() / whole - self.share) * WEIGHT;
        self.ended = Some(ended);
        let wait = (took / 2).min(LONGEST);
        (self.share > GATHER_FROM && wait >= SHORTEST).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_idle_shard_never_waits_and_a_busy_one_waits_for_half_a_pass() {
        let (mut load, start) = (Load::default(), Instant::now());
        for n in 0..50 {
            let begun = start + MS * (n * 100);
            assert_eq!(load.gather_for(begun, begun + MS * 10), None);
        }
        let mut now = start + MS * 5000;
        let mut waits = Vec::new();
        for _ in 0..50 {
            waits.push(load.gather_for(now, now + MS * 10));
            now += MS * 10;
        }
        assert_eq!(waits.last(), Some(&Some(MS * 5)));
        assert_eq!(waits[0], None, "one busy moment is no load");
    }

    #[test]
    fn gathering_has_its_bounds() {
        let (mut load, mut now) = (Load::default(), Instant::now());
        for _ in 0..50 {
            assert!(load.gather_for(now, now + MS).is_none(), "too short to be worth a timer");
            now += MS;
        }
        for _ in 0..50 {
            load.gather_for(now, now + MS * 400);
            now += MS * 400;
        }
        assert_eq!(load.gather_for(now, now + MS * 400), Some(LONGEST));
    }
}
