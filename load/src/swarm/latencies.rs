//! Latencies that can be added up over threads and processes.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Longest latency told apart, in microseconds: two minutes.
const MAX_LATENCY: u64 = 120_000_000;
/// Significant digits of a percentile.
const DIGITS: u8 = 3;

/// A histogram of microseconds; written as pairs of value and count.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Latencies(Histogram<u64>);

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest.
    pub max: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        let made = Histogram::new_with_max(MAX_LATENCY, DIGITS);
        Self(made.unwrap_or_else(|_| unreachable!("bounds and digits are within what is allowed")))
    }
}

impl Latencies {
    /// Adds one; longer than two minutes counts as two minutes.
    pub fn record(&mut self, micros: u64) {
        self.0.saturating_record(micros);
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        // All have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// The usual percentiles; nothing without a single latency.
    #[must_use]
    pub fn summary(&self) -> Option<Latency> {
        (!self.0.is_empty()).then(|| Latency {
            count: self.0.len(),
            p50: self.0.value_at_quantile(0.5),
            p90: self.0.value_at_quantile(0.9),
            p99: self.0.value_at_quantile(0.99),
            p999: self.0.value_at_quantile(0.999),
            max: self.0.max(),
        })
    }

    /// The value that this share of all does not exceed, in microseconds.
    #[must_use]
    pub fn quantile(&self, share: f64) -> u64 {
        self.0.value_at_quantile(share)
    }
}

impl From<Vec<(u64, u64)>> for Latencies {
    fn from(pairs: Vec<(u64, u64)>) -> Self {
        let mut latencies = Self::default();
        for (value, count) in pairs {
            latencies.0.saturating_record_n(value, count);
        }
        latencies
    }
}

impl From<Latencies> for Vec<(u64, u64)> {
    fn from(latencies: Latencies) -> Self {
        let recorded = latencies.0.iter_recorded();
        recorded.map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_survive_the_way_through_json_and_add_up() {
        let (mut fast, mut slow) = (Latencies::default(), Latencies::default());
        (1..=900).for_each(|micros| fast.record(micros));
        (1..=100).for_each(|n| slow.record(1_000_000 + n * 1000));
        let text = serde_json::to_string(&slow).unwrap();
        let slow: Latencies = serde_json::from_str(&text).unwrap();
        fast.merge(&slow);
        let summary = fast.summary().unwrap();
        assert_eq!((summary.count, summary.p50, summary.p90), (1000, 500, 900));
        assert!((1_089_000..=1_091_500).contains(&summary.p99), "{summary:?}");
        assert!(Latencies::default().summary().is_none());
    }
}
