//! What a run has brought: its figures, and whether they count.

use super::{metrics::Counters, publish::Published, side::Side, target::Measure};
use crate::swarm::{
    Latencies, Latency, Part,
    part::{GroupPart, least},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A publisher that is later than this for one update in a hundred spoils the latencies, and so
/// was the bottleneck itself; milliseconds.
const MAX_LAG_MS: f64 = 5.0;
/// Clients whose threads are busier than this may have been the bottleneck.
const MAX_SWARM_SHARE: f64 = 0.93;
/// The same of the cores that everything but the server runs on.
const MAX_LOAD_SHARE: f64 = 0.98;
/// Updates delivered of those offered that pass as all of them: what is on its way when the window
/// opens and closes is seen by one side only.
const ALL: f64 = 0.99;
/// Shares for which the latency curve is kept.
const CURVE: [f64; 17] = [
    0.0, 0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 0.9995, 0.9999,
    1.0,
];

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Why its figures do not count; empty: they do.
    pub invalid: Vec<String>,
    /// What the server did wrong; empty: nothing.
    pub faults: Vec<String>,
    /// Length of the window.
    pub seconds: f64,
    /// Clients connected.
    pub connected: u64,
    /// Tickers and klines received.
    pub deliveries: u64,
    /// Updates published in the window times the clients that wanted them.
    pub offered: f64,
    /// Frames received.
    pub frames: u64,
    /// Reads that brought something.
    pub reads: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Sequence numbers passed over: conflated updates.
    pub skipped: u64,
    /// CPU seconds of the server in the window.
    pub cpu_seconds: f64,
    /// Write calls of the gateway in the window.
    pub writes: Option<f64>,
    /// How all its counters moved in the window.
    pub counters: Counters,
    /// From the due time to receipt.
    pub latency: Option<Latency>,
    /// Shares and the latencies that they do not exceed, in microseconds.
    pub curve: Vec<(f64, u64)>,
    /// From `published_ts` to receipt.
    pub from_published: Option<Latency>,
    /// From publishing to receipt by a reader of the bus.
    pub on_bus: Option<Latency>,
    /// Newest values a second of the client and topic with the fewest.
    pub newest_per_second: Option<f64>,
    /// Resident memory of the server before the first client, with all, at the end; KiB.
    pub rss_kib: [u64; 3],
    /// Growth per connection with all connected, KiB.
    pub kib_per_connection: f64,
    /// The same at the end.
    pub kib_per_connection_after: f64,
    /// From the first dial to the last standing subscription.
    pub join_seconds: Option<f64>,
    /// From each client's dial to its standing subscription.
    pub joining: Option<Latency>,
    /// Clients cut off that read what they were sent, by reason.
    pub disconnects: BTreeMap<String, u64>,
    /// Clients cut off that did not.
    pub evicted: BTreeMap<String, u64>,
    /// What was published, if this program did it.
    pub published: Option<Published>,
    /// Share of their threads that the clients used.
    pub swarm_share: f64,
    /// How busy the cores were that everything but the server runs on, all of them if not separated.
    pub load_share: f64,
    /// Each group of clients.
    pub groups: Vec<GroupRun>,
}

/// What one group of clients saw.
#[derive(Debug, Clone, Serialize)]
pub struct GroupRun {
    /// Its name.
    pub name: String,
    /// Clients that were there to the end.
    pub stayed: u64,
    /// Values received.
    pub deliveries: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Conflated updates.
    pub skipped: u64,
    /// From the due time to receipt.
    pub latency: Option<Latency>,
    /// Newest values a second of the client and topic with the fewest.
    pub newest_per_second: Option<f64>,
}

impl Run {
    /// Whether its figures count.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.invalid.is_empty()
    }

    /// Mean bytes of a message, without its frame header.
    #[must_use]
    pub fn message_bytes(&self) -> Option<usize> {
        /// Of frames with 126 to 65 535 bytes, as all tickers are.
        const HEADER_BYTES: u64 = 4;
        if self.deliveries == 0 {
            return None;
        }
        let mean = self.bytes.checked_div(self.frames)?.saturating_sub(HEADER_BYTES);
        usize::try_from(mean).ok()
    }
}

/// What was measured from outside the clients.
pub(super) struct Window {
    pub(super) cpu_seconds: f64,
    pub(super) after_kib: u64,
    pub(super) counters: Counters,
    pub(super) published: Option<Published>,
    pub(super) on_bus: Option<Latency>,
    pub(super) load_share: f64,
}

/// The figures of a run and what is wrong with them.
pub(super) fn result(side: &Side, part: &Part, window: Window, rss_kib: [u64; 3]) -> Run {
    let (counts, due) = (part.window(), part.due());
    let seconds = part.seconds;
    let growth = |kib: u64| kib.saturating_sub(rss_kib[0]) as f64 / (part.connected.max(1) as f64);
    let per_second = |count: Option<u64>| count.map(|count| count as f64 / seconds);
    let newest = part.groups.iter().fold(None, |all, group| least(all, group.newest_min));
    let updates = match &window.published {
        Some(published) => published.updates as f64,
        None => f64::from(side.topics.rate) * side.topics.count as f64 * seconds,
    };
    let micros = part.joined_last.zip(part.begun).map(|(last, first)| last - first);
    let threads = part.threads.max(1) as f64 * seconds.max(f64::MIN_POSITIVE);
    let group = |group: &GroupPart| GroupRun {
        name: group.name.clone(),
        stayed: group.stayed,
        deliveries: group.window.deliveries,
        bytes: group.window.bytes,
        skipped: group.window.skipped,
        latency: group.due.summary(),
        newest_per_second: per_second(group.newest_min),
    };
    let mut run = Run {
        invalid: Vec::new(),
        faults: part.faults(side.expect.disconnects),
        seconds,
        connected: part.connected,
        deliveries: counts.deliveries,
        offered: updates * readers_of_an_update(side),
        frames: counts.frames,
        reads: counts.reads,
        bytes: counts.bytes,
        skipped: counts.skipped,
        cpu_seconds: window.cpu_seconds,
        writes: window.counters.writes(),
        counters: window.counters,
        latency: due.summary(),
        curve: curve(&due),
        from_published: part.published().summary(),
        on_bus: window.on_bus,
        newest_per_second: per_second(newest),
        rss_kib,
        kib_per_connection: growth(rss_kib[1]),
        kib_per_connection_after: growth(rss_kib[2]),
        join_seconds: micros.map(|micros| micros as f64 / 1e6),
        joining: part.joining.summary(),
        disconnects: part.disconnects.0.clone(),
        evicted: part.evicted.0.clone(),
        published: window.published,
        swarm_share: part.own_cpu_seconds / threads,
        load_share: window.load_share,
        groups: part.groups.iter().map(group).collect(),
    };
    judge(side, &mut run);
    run
}

/// How many clients an update goes to, on average over the topics.
fn readers_of_an_update(side: &Side) -> f64 {
    let count = side.topics.count;
    let wanted = side.topics.per_client.unwrap_or(count) as f64 / count as f64;
    let slow = side.group.iter().filter(|group| group.stalled || group.bytes_per_second.is_some());
    let reading = 1.0 - slow.map(|group| group.share).sum::<f64>();
    side.clients as f64 * reading.clamp(0.0, 1.0) * wanted
}

fn curve(latencies: &Latencies) -> Vec<(f64, u64)> {
    match latencies.summary() {
        Some(_) => CURVE.iter().map(|share| (*share, latencies.quantile(*share))).collect(),
        None => Vec::new(),
    }
}

/// Finds what makes the run worthless, and what the server has not kept.
fn judge(side: &Side, run: &mut Run) {
    let lag = run.published.as_ref().and_then(|published| published.lag);
    if let Some(lag) = lag.map(|lag| lag.p99 as f64 / 1000.0).filter(|lag| *lag > MAX_LAG_MS) {
        run.invalid.push(format!("the publisher was late: p99 {lag:.1} ms"));
    }
    if run.swarm_share > MAX_SWARM_SHARE {
        let share = run.swarm_share * 100.0;
        run.invalid.push(format!("the clients' threads were {share:.0} % busy"));
    }
    if run.load_share > MAX_LOAD_SHARE {
        let share = run.load_share * 100.0;
        run.invalid.push(format!("the clients' cores were {share:.0} % busy"));
    }
    if run.connected < side.clients as u64 {
        run.invalid.push(format!("{} of {} clients connected", run.connected, side.clients));
    }
    if side.topics.rate > 0 && side.topics.per_client != Some(0) && run.deliveries == 0 {
        run.faults.push("nothing was delivered".to_owned());
    }
    // A disturbed run says nothing about the server.
    if side.expect.every_update && run.is_valid() {
        let share = Measure::DeliveredShare.of(run).unwrap_or(0.0);
        if share < ALL || run.skipped > 0 {
            run.faults.push(format!(
                "not every update was delivered: {:.2} %, {} skipped",
                share * 100.0,
                run.skipped
            ));
        }
    }
}
