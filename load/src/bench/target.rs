//! What is to be reached, and whether it was.

use super::{figures::Run, pairs::Spread};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A figure of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// CPU microseconds of the server per delivery.
    CpuUsPerDelivery,
    /// CPU seconds of the server per second.
    CoresUsed,
    /// Deliveries a second.
    DeliveriesPerSecond,
    /// Deliveries of those that were offered, 0 to 1.
    DeliveredShare,
    /// Write calls of the gateway per delivery.
    WritesPerDelivery,
    /// Bytes received per delivery.
    BytesPerDelivery,
    /// Median latency from the due time, milliseconds.
    P50Ms,
    /// 90th percentile.
    P90Ms,
    /// 99th percentile.
    P99Ms,
    /// 99.9th percentile.
    P999Ms,
    /// Largest.
    MaxMs,
    /// 99th percentile from publishing to receipt, milliseconds.
    PublishedP99Ms,
    /// 99th percentile of the way through Redis, milliseconds.
    BusP99Ms,
    /// Newest values a second of the client and topic with the fewest.
    NewestPerSecond,
    /// Resident memory per connection before the window, KiB.
    KibPerConnection,
    /// The same at its end.
    KibPerConnectionAfter,
    /// From the first dial to the last standing subscription, seconds.
    JoinSeconds,
    /// Clients cut off that read what they were sent.
    Disconnects,
    /// Clients cut off that did not.
    Evicted,
}

impl Measure {
    /// All, in the order of tables.
    pub const ALL: [Self; 19] = [
        Self::CpuUsPerDelivery,
        Self::CoresUsed,
        Self::DeliveriesPerSecond,
        Self::DeliveredShare,
        Self::WritesPerDelivery,
        Self::BytesPerDelivery,
        Self::P50Ms,
        Self::P90Ms,
        Self::P99Ms,
        Self::P999Ms,
        Self::MaxMs,
        Self::PublishedP99Ms,
        Self::BusP99Ms,
        Self::NewestPerSecond,
        Self::KibPerConnection,
        Self::KibPerConnectionAfter,
        Self::JoinSeconds,
        Self::Disconnects,
        Self::Evicted,
    ];

    /// The figure with its unit, for tables.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::CpuUsPerDelivery => "CPU us/delivery",
            Self::CoresUsed => "cores used",
            Self::DeliveriesPerSecond => "deliveries/s",
            Self::DeliveredShare => "delivered",
            Self::WritesPerDelivery => "writes/delivery",
            Self::BytesPerDelivery => "bytes/delivery",
            Self::P50Ms => "p50 ms",
            Self::P90Ms => "p90 ms",
            Self::P99Ms => "p99 ms",
            Self::P999Ms => "p99.9 ms",
            Self::MaxMs => "max ms",
            Self::PublishedP99Ms => "publish to client p99 ms",
            Self::BusP99Ms => "bus p99 ms",
            Self::NewestPerSecond => "newest/s, least",
            Self::KibPerConnection => "KiB/connection",
            Self::KibPerConnectionAfter => "KiB/connection after",
            Self::JoinSeconds => "all in after s",
            Self::Disconnects => "cut off",
            Self::Evicted => "evicted",
        }
    }

    /// The figure of a run, if it has one.
    #[must_use]
    pub fn of(self, run: &Run) -> Option<f64> {
        let ms = |micros: u64| micros as f64 / 1000.0;
        let latency = run.latency;
        let per_delivery = |what: f64| (run.deliveries > 0).then(|| what / run.deliveries as f64);
        match self {
            Self::CpuUsPerDelivery => per_delivery(run.cpu_seconds * 1e6),
            Self::CoresUsed => (run.seconds > 0.0).then(|| run.cpu_seconds / run.seconds),
            Self::DeliveriesPerSecond => {
                (run.seconds > 0.0).then(|| run.deliveries as f64 / run.seconds)
            }
            Self::DeliveredShare => {
                (run.offered > 0.0).then(|| run.deliveries as f64 / run.offered)
            }
            Self::WritesPerDelivery => per_delivery(run.writes?),
            Self::BytesPerDelivery => per_delivery(run.bytes as f64),
            Self::P50Ms => latency.map(|latency| ms(latency.p50)),
            Self::P90Ms => latency.map(|latency| ms(latency.p90)),
            Self::P99Ms => latency.map(|latency| ms(latency.p99)),
            Self::P999Ms => latency.map(|latency| ms(latency.p999)),
            Self::MaxMs => latency.map(|latency| ms(latency.max)),
            Self::PublishedP99Ms => run.from_published.map(|latency| ms(latency.p99)),
            Self::BusP99Ms => run.on_bus.map(|latency| ms(latency.p99)),
            Self::NewestPerSecond => run.newest_per_second,
            Self::KibPerConnection => Some(run.kib_per_connection),
            Self::KibPerConnectionAfter => Some(run.kib_per_connection_after),
            Self::JoinSeconds => run.join_seconds,
            Self::Disconnects => Some(run.disconnects.values().sum::<u64>() as f64),
            Self::Evicted => Some(run.evicted.values().sum::<u64>() as f64),
        }
    }
}

/// A bound for a figure of one side, or for its ratio to the same figure of another.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What is to be reached, for people.
    pub text: String,
    /// The figure.
    pub measure: Measure,
    /// The side's label; none: the first side.
    #[serde(default)]
    pub side: Option<String>,
    /// Label of the side whose figure is the divisor of each pair; none: the figure itself.
    #[serde(default)]
    pub against: Option<String>,
    /// Reached up to this.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// Reached from this on.
    #[serde(default)]
    pub at_least: Option<f64>,
}

/// A target beside what was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The target.
    pub target: Target,
    /// Over all pairs.
    pub measured: Option<Spread>,
    /// Whether it was reached.
    pub verdict: Verdict,
}

/// Whether a target was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// By the median.
    Met,
    /// Not by the median.
    Missed,
    /// There is no valid figure.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::Unknown => "not measured",
        })
    }
}

impl Target {
    /// Whether the labels exist and there is exactly one bound.
    pub(super) fn check(&self, labels: &[&str]) -> Result<(), String> {
        for (key, label) in [("side", &self.side), ("against", &self.against)] {
            if let Some(label) = label.as_deref().filter(|label| !labels.contains(label)) {
                return Err(format!("{key}: no side is called {label:?}"));
            }
        }
        match (self.at_most, self.at_least) {
            (None, None) | (Some(_), Some(_)) => Err("write at_most or at_least".to_owned()),
            _ => Ok(()),
        }
    }

    /// The bound in words.
    #[must_use]
    pub fn bound(&self) -> String {
        let times = self.against.as_ref().map(|label| format!(" x {label}")).unwrap_or_default();
        match (self.at_most, self.at_least) {
            (Some(bound), _) => format!("<= {bound}{times}"),
            (None, Some(bound)) => format!(">= {bound}{times}"),
            (None, None) => "-".to_owned(),
        }
    }

    /// Sets the target beside what was measured.
    #[must_use]
    pub fn judged(&self, measured: Option<Spread>) -> Outcome {
        let reached = measured.map(|spread| {
            self.at_most.is_none_or(|bound| spread.median <= bound)
                && self.at_least.is_none_or(|bound| spread.median >= bound)
        });
        let verdict = match reached {
            Some(true) => Verdict::Met,
            Some(false) => Verdict::Missed,
            None => Verdict::Unknown,
        };
        Outcome { target: self.clone(), measured, verdict }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides() {
        let target = Target {
            text: "cheap".to_owned(),
            measure: Measure::CpuUsPerDelivery,
            side: None,
            against: Some("bare loop".to_owned()),
            at_most: Some(1.1),
            at_least: None,
        };
        let spread = |median| Some(Spread { median, least: 0.5, most: 2.0, count: 5 });
        assert_eq!(target.judged(spread(1.1)).verdict, Verdict::Met);
        assert_eq!(target.judged(spread(1.2)).verdict, Verdict::Missed);
        assert_eq!(target.judged(None).verdict, Verdict::Unknown);
        assert_eq!(target.bound(), "<= 1.1 x bare loop");
        assert!(target.check(&["tickcast"]).unwrap_err().contains("against"));
        assert!(Target { at_least: Some(1.0), ..target }.check(&["bare loop"]).is_err());
    }
}
