//! When each update is due, whatever became of the ones before: an open loop.

use std::time::Duration;

/// Nanoseconds in a second.
const NANOS: u128 = 1_000_000_000;

/// `count` updates per `span` for each of several lanes, the lanes evenly staggered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    lanes: u64,
    count: u64,
    span: Duration,
}

impl Schedule {
    /// A schedule; lanes and count are at least 1.
    #[must_use]
    pub fn new(lanes: usize, count: u32, span: Duration) -> Self {
        Self { lanes: (lanes as u64).max(1), count: u64::from(count).max(1), span }
    }

    /// How long after the start beat `n` of all lanes together is due.
    #[must_use]
    pub fn due(&self, n: u64) -> Duration {
        let nanos = u128::from(n) * self.span.as_nanos()
            / (u128::from(self.lanes) * u128::from(self.count));
        let seconds = u64::try_from(nanos / NANOS).unwrap_or(u64::MAX);
        // The remainder of a division by 10^9 fits.
        Duration::new(seconds, u32::try_from(nanos % NANOS).unwrap_or(0))
    }

    /// Which lane beat `n` belongs to.
    #[must_use]
    pub fn lane(&self, n: u64) -> usize {
        // A remainder below the number of lanes, which came from a usize.
        usize::try_from(n % self.lanes).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn update_k_of_a_lane_is_due_at_k_over_rate() {
        let schedule = Schedule::new(4, 3, Duration::from_secs(1));
        let lane_2: Vec<Duration> =
            (0..40).filter(|n| schedule.lane(*n) == 2).map(|n| schedule.due(n)).collect();
        let offset = lane_2[0];
        for (k, due) in lane_2.iter().enumerate() {
            let exact = Duration::from_nanos(k as u64 * 1_000_000_000 / 3);
            let off = (*due - offset).abs_diff(exact);
            assert!(off <= Duration::from_nanos(1), "{k}: {off:?}");
        }
    }

    #[test]
    fn lanes_are_staggered_and_never_drift() {
        let schedule = Schedule::new(10, 5, Duration::from_secs(1));
        assert_eq!(schedule.due(1), Duration::from_millis(20));
        assert_eq!(schedule.due(50 * 3600 * 24 * 365), Duration::from_secs(3600 * 24 * 365));
    }

    #[test]
    fn slow_lanes_share_their_span() {
        let schedule = Schedule::new(4, 1, Duration::from_secs(2));
        assert_eq!(schedule.due(3), Duration::from_millis(1500));
        assert_eq!((schedule.lane(4), schedule.due(4)), (0, Duration::from_secs(2)));
    }
}
