//! How long to wait before trying again, as a value: exponential with full jitter.

use std::time::Duration;

/// A schedule of waiting times; see [`Backoff::delay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Upper end of the first wait.
    pub base: Duration,
    /// Upper end that no wait passes.
    pub cap: Duration,
}

impl Backoff {
    /// Towards exchanges: 0.5 s to 30 s (`exchanges.md`, point 7 of what a feed must survive).
    pub const VENUE: Self = Self { base: Duration::from_millis(500), cap: Duration::from_secs(30) };
    /// Towards the bus: short, because everything waits for it.
    pub const BUS: Self = Self { base: Duration::from_millis(50), cap: Duration::from_secs(1) };

    /// The wait before attempt `failures + 1`, where `jitter` is a random number in `0..1`:
    /// evenly spread between nothing and `base * 2^(failures - 1)`, at most `cap`.
    #[must_use]
    pub fn delay(&self, failures: u32, jitter: f64) -> Duration {
        if failures == 0 {
            return Duration::ZERO;
        }
        let doublings = (failures - 1).min(20);
        let ceiling = self.base.saturating_mul(1 << doublings).min(self.cap);
        ceiling.mul_f64(jitter.clamp(0.0, 1.0))
    }

    /// [`Self::delay`] with jitter from the thread's random generator.
    #[must_use]
    pub fn random_delay(&self, failures: u32) -> Duration {
        self.delay(failures, rand::random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_cap() {
        let ceilings: Vec<u128> =
            (0..9).map(|n| Backoff::VENUE.delay(n, 1.0).as_millis()).collect();
        assert_eq!(ceilings, [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(Backoff::VENUE.delay(u32::MAX, 1.0), Backoff::VENUE.cap);
    }

    #[test]
    fn jitter_spreads_over_the_whole_wait() {
        assert_eq!(Backoff::VENUE.delay(3, 0.0), Duration::ZERO);
        assert_eq!(Backoff::VENUE.delay(3, 0.25), Duration::from_millis(500));
    }
}
