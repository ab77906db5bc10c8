//! One line of the table of metrics, and what is made of it.

use super::Counter;
use ::metrics::{KeyName, with_recorder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

/// Upper ends of the buckets of delays on the way of a price, in seconds: 100 us to 10 s, three a
/// decade.
pub const WAYS: &[f64] = &[
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0,
    10.0,
];

/// The same for what happens within a process: 10 us to 2 s. An idle shard writes to a few clients
/// in some tens of microseconds, and a pass over 100 000 takes a second.
pub const FAST: &[f64] = &[
    0.000_01, 0.000_02, 0.000_05, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
    0.1, 0.2, 0.5, 1.0, 2.0,
];

/// A metric as operators are told of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What it is to Prometheus.
    pub kind: Kind,
    /// The keys of its labels.
    pub labels: &'static [&'static str],
    /// What it tells, in a line.
    pub meaning: &'static str,
}

/// What a metric is to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It says how something is now.
    Gauge,
    /// It tells how values are spread over these upper ends of buckets.
    Histogram(&'static [f64]),
}

impl Kind {
    /// Its name in the text format.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

impl Row {
    /// The unit that the name says; a name without one counts things, or is 0 or 1.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        let base = self.name.strip_suffix("_total").unwrap_or(self.name);
        let unit = base.rsplit('_').next().unwrap_or_default();
        match unit {
            "seconds" | "bytes" | "ratio" => unit,
            _ => "",
        }
    }

    /// Gives a recorder the buckets of a histogram.
    ///
    /// # Errors
    /// [`BuildError`] when there are none.
    pub fn prepare(&self, builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
        match self.kind {
            Kind::Histogram(buckets) => {
                builder.set_buckets_for_metric(Matcher::Full(self.name.into()), buckets)
            }
            Kind::Counter | Kind::Gauge => Ok(builder),
        }
    }
}

/// Tells the process's recorder what the metrics mean. Counters without labels are shown from the
/// start, so that their first event is an increase.
pub fn describe(rows: impl IntoIterator<Item = &'static Row>) {
    with_recorder(|recorder| {
        for row in rows {
            let (name, meaning) = (KeyName::from_const_str(row.name), row.meaning.into());
            match row.kind {
                Kind::Counter => {
                    recorder.describe_counter(name, None, meaning);
                    if row.labels.is_empty() {
                        Counter::<0>::new(row.name, &[]).of([]).increment(0);
                    }
                }
                Kind::Gauge => recorder.describe_gauge(name, None, meaning),
                Kind::Histogram(_) => recorder.describe_histogram(name, None, meaning),
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str) -> Row {
        Row { name, kind: Kind::Gauge, labels: &[], meaning: "" }
    }

    #[test]
    fn a_name_says_its_unit() {
        assert_eq!(row("tickcast_sent_bytes_total").unit(), "bytes");
        assert_eq!(row("tickcast_delay_seconds").unit(), "seconds");
        assert_eq!(row("tickcast_used_ratio").unit(), "ratio");
        assert_eq!(row("tickcast_updates_total").unit(), "");
    }

    #[test]
    fn buckets_rise() {
        for buckets in [WAYS, FAST] {
            assert!(buckets.windows(2).all(|pair| pair[0] < pair[1]), "{buckets:?}");
        }
    }
}
