//! What a swarm found out, added up over all its threads.

use super::tally::{Faults, Reasons, Tally};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// The result of a run. Counts are those of the measured window unless said otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Clients asked for.
    pub clients: usize,
    /// Clients that got through their handshake.
    pub connected: usize,
    /// How long it took to connect them.
    pub connect_seconds: f64,
    /// Failed connects by reason.
    pub failures: BTreeMap<String, u64>,
    /// Connections that ended before the swarm did, by close code and reason.
    pub disconnects: BTreeMap<String, u64>,
    /// Length of the window.
    pub seconds: f64,
    /// Topics seen.
    pub topics: usize,
    /// Tickers and klines received.
    pub deliveries: u64,
    /// Fewest deliveries of a client.
    pub client_min: u64,
    /// Most deliveries of a client.
    pub client_max: u64,
    /// Frames of every kind.
    pub frames: u64,
    /// Bytes of the frames.
    pub bytes: u64,
    /// Reads that brought something; fewer than frames when the server writes several at once.
    pub reads: u64,
    /// Values that came again in another state.
    pub replaced: u64,
    /// Sequence numbers that were passed over: conflated updates.
    pub skipped: u64,
    /// From the due time in a stamped bid size to receipt; nothing without stamps.
    pub from_due: Option<Latency>,
    /// From `published_ts` to receipt.
    pub from_published: Option<Latency>,
    /// Values that some clients had at the end and others, still connected, never got.
    pub without_value: u64,
    /// How many updates the last client was behind the first at the end, per topic at most.
    pub behind: u64,
    /// Broken promises, in the whole run.
    pub violations: Found,
    /// Topics refused, in the whole run.
    pub rejected: Found,
    /// Error messages of the server, in the whole run.
    pub errors: Found,
    /// What the server process used.
    pub server: Option<ServerUse>,
    /// The swarm's own share of its threads: near 1 it was the bottleneck itself.
    pub own_cpu_share: f64,
    #[serde(skip)]
    pub(super) tolerate_disconnects: bool,
    #[serde(skip)]
    pub(super) expects_values: bool,
}

/// A kind of fault, how often, and the first few.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Found {
    /// How often.
    pub count: u64,
    /// The first few.
    pub examples: Vec<String>,
}

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
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

/// What the server process used.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ServerUse {
    /// CPU seconds, user and system, in the window.
    pub cpu_seconds: f64,
    /// The same per delivery, in microseconds.
    pub cpu_us_per_delivery: Option<f64>,
    /// Resident memory before the first client, KiB.
    pub rss_before_kib: u64,
    /// With all connected, before the window.
    pub rss_connected_kib: u64,
    /// At the end of the window.
    pub rss_after_kib: u64,
    /// Growth per connection when all were connected, KiB.
    pub kib_per_connection: Option<f64>,
    /// Growth per connection at the end of the window, KiB.
    pub kib_per_connection_after: Option<f64>,
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Option<Self> {
        (!histogram.is_empty()).then(|| Self {
            count: histogram.len(),
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        })
    }
}

impl From<Faults> for Found {
    fn from(faults: Faults) -> Self {
        Self { count: faults.count, examples: faults.examples }
    }
}

/// Everything the coordinator knows that no thread does.
pub(super) struct Frame {
    pub(super) clients: usize,
    pub(super) connected: usize,
    pub(super) connecting: Duration,
    pub(super) window: Duration,
    pub(super) own_cpu_share: f64,
    pub(super) tolerate_disconnects: bool,
    pub(super) expects_values: bool,
}

/// Adds up what the threads have seen.
pub(super) fn merge(frame: &Frame, tallies: Vec<Tally>) -> Report {
    let (mut failures, mut disconnects) = (Reasons::default(), Reasons::default());
    let mut found = [Faults::default(), Faults::default(), Faults::default()];
    let mut histograms: Option<(Histogram<u64>, Histogram<u64>)> = None;
    let (mut topics, without_value, behind) = compare(&tallies);
    let mut report = empty(frame);
    let (mut least, mut most) = (u64::MAX, 0);
    for tally in tallies {
        let window = tally.window;
        report.deliveries += window.deliveries;
        report.frames += window.frames;
        report.bytes += window.bytes;
        report.reads += window.reads;
        report.replaced += window.replaced;
        report.skipped += window.skipped;
        least = tally.per_client.iter().copied().fold(least, u64::min);
        most = tally.per_client.iter().copied().fold(most, u64::max);
        tally.failures.0.into_iter().for_each(|(reason, by)| failures.add(reason, by));
        tally.disconnects.0.into_iter().for_each(|(reason, by)| disconnects.add(reason, by));
        let [violations, rejected, errors] = &mut found;
        violations.merge(tally.violations);
        rejected.merge(tally.rejected);
        errors.merge(tally.errors);
        topics = topics.max(tally.topics.len());
        match &mut histograms {
            None => histograms = Some((tally.due, tally.published)),
            Some((due, published)) => {
                // All were made with the same bounds.
                let _ = due.add(tally.due);
                let _ = published.add(tally.published);
            }
        }
    }
    let [violations, rejected, errors] = found;
    Report {
        failures: failures.0,
        disconnects: disconnects.0,
        topics,
        client_min: if least == u64::MAX { 0 } else { least },
        client_max: most,
        from_due: histograms.as_ref().and_then(|(due, _)| Latency::of(due)),
        from_published: histograms.as_ref().and_then(|(_, published)| Latency::of(published)),
        without_value,
        behind,
        violations: violations.into(),
        rejected: rejected.into(),
        errors: errors.into(),
        ..report
    }
}

fn empty(frame: &Frame) -> Report {
    Report {
        clients: frame.clients,
        connected: frame.connected,
        connect_seconds: frame.connecting.as_secs_f64(),
        failures: BTreeMap::new(),
        disconnects: BTreeMap::new(),
        seconds: frame.window.as_secs_f64(),
        topics: 0,
        deliveries: 0,
        client_min: 0,
        client_max: 0,
        frames: 0,
        bytes: 0,
        reads: 0,
        replaced: 0,
        skipped: 0,
        from_due: None,
        from_published: None,
        without_value: 0,
        behind: 0,
        violations: Found::default(),
        rejected: Found::default(),
        errors: Found::default(),
        server: None,
        own_cpu_share: frame.own_cpu_share,
        tolerate_disconnects: frame.tolerate_disconnects,
        expects_values: frame.expects_values,
    }
}

/// What all clients have of one topic.
struct Spread {
    oldest: (u64, u64),
    newest: (u64, u64),
    holders: u64,
}

impl Spread {
    /// Updates between the oldest and the newest value; after a change of epoch, at least those
    /// of the new one.
    fn distance(&self) -> u64 {
        let ((old_epoch, old), (new_epoch, new)) = (self.oldest, self.newest);
        if old_epoch == new_epoch { new - old } else { new }
    }
}

/// Topics, missing values and the largest distance, over all clients that were there to the end.
fn compare(tallies: &[Tally]) -> (usize, u64, u64) {
    let mut spreads: HashMap<&[u8], Spread> = HashMap::new();
    let mut clients = 0;
    for tally in tallies {
        clients += tally.finals.len() as u64;
        for (name, number) in &tally.topics {
            for pair in tally.finals.iter().filter_map(|newest| *newest.get(*number)?) {
                let first = Spread { oldest: pair, newest: pair, holders: 0 };
                let spread = spreads.entry(name).or_insert(first);
                spread.oldest = pair.min(spread.oldest);
                spread.newest = pair.max(spread.newest);
                spread.holders += 1;
            }
        }
    }
    let missing = spreads.values().map(|spread| clients - spread.holders.min(clients)).sum();
    let behind = spreads.values().filter(|spread| spread.holders > 0).map(Spread::distance).max();
    (spreads.len(), missing, behind.unwrap_or(0))
}

impl Report {
    /// What makes the run a failure; empty when nothing does.
    #[must_use]
    pub fn failed(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut fail = |failed: bool, reason: String| {
            if failed {
                reasons.push(reason);
            }
        };
        let sum = |reasons: &BTreeMap<String, u64>| reasons.values().sum::<u64>();
        let (failures, ended) = (sum(&self.failures), sum(&self.disconnects));
        fail(failures > 0, format!("{failures} clients could not connect"));
        fail(self.violations.count > 0, format!("{} broken promises", self.violations.count));
        fail(self.rejected.count > 0, format!("{} topics refused", self.rejected.count));
        fail(self.errors.count > 0, format!("{} error messages", self.errors.count));
        fail(ended > 0 && !self.tolerate_disconnects, format!("{ended} clients were cut off"));
        fail(self.without_value > 0, format!("{} values never came", self.without_value));
        let silent = self.expects_values && self.connected > 0 && self.deliveries == 0;
        fail(silent, "nothing was delivered".to_owned());
        reasons
    }
}
