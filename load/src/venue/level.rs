//! The price level of a random walk, moved smoothly: a crash, or a rally, on demand.

use std::time::{Duration, Instant};

/// The level at which a walk begins: all of it, in parts per million.
const WHOLE: f64 = 1_000_000.0;

/// Highest factor; a turnover at more of a price would leave the decimal type.
const HIGHEST: f64 = 1000.0;

/// A factor to the walk's prices that moves from one value to another.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Level {
    moving: Option<Move>,
}

#[derive(Debug, Clone, Copy)]
struct Move {
    from: f64,
    to: f64,
    begun: Instant,
    over: Duration,
}

impl Level {
    /// Begins to move by so many percent of the present level; -50 halves the prices.
    pub(super) fn shift(&mut self, percent: f64, over: Duration, now: Instant) {
        let from = self.factor(now);
        let to = (from * (1.0 + percent / 100.0)).clamp(0.0, HIGHEST);
        self.moving = Some(Move { from, to, begun: now, over });
    }

    /// The factor at a time in parts per million.
    pub(super) fn parts_per_million(&self, now: Instant) -> i64 {
        // Between 0 and a thousand millions.
        (self.factor(now) * WHOLE).round() as i64
    }

    fn factor(&self, now: Instant) -> f64 {
        let Some(Move { from, to, begun, over }) = self.moving else { return 1.0 };
        let gone = now.saturating_duration_since(begun);
        if gone >= over { to } else { from + (to - from) * gone.div_duration_f64(over) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_evenly_and_from_where_it_is() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut level = Level::default();
        assert_eq!(level.parts_per_million(start), 1_000_000);
        level.shift(-20.0, Duration::from_secs(10), start);
        assert_eq!(level.parts_per_million(at(5)), 900_000);
        assert_eq!(level.parts_per_million(at(60)), 800_000);
        level.shift(50.0, Duration::ZERO, at(60));
        assert_eq!(level.parts_per_million(at(60)), 1_200_000);
        level.shift(-300.0, Duration::ZERO, at(61));
        assert_eq!(level.parts_per_million(at(61)), 0);
        let mut high = Level::default();
        high.shift(1e9, Duration::ZERO, start);
        assert_eq!(high.parts_per_million(start), 1_000_000_000);
    }
}
