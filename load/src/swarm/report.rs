//! What a swarm found out, as it is shown.

use super::{
    latencies::{Latencies, Latency},
    part::{Found, Part, Window, least},
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// The result of a run. Counts are those of the measured window unless said otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Clients asked for.
    pub clients: u64,
    /// Clients that got through their handshake.
    pub connected: u64,
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
    /// Fewest deliveries of a client.
    pub client_min: u64,
    /// Most deliveries of a client.
    pub client_max: u64,
    /// Deliveries, frames, bytes and what was conflated.
    #[serde(flatten)]
    pub window: Window,
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
    failed: Vec<String>,
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

impl ServerUse {
    /// From CPU seconds in the window and resident memory before the first client, with all
    /// connected and at the end.
    #[must_use]
    pub fn new(part: &Part, cpu_seconds: f64, [before, connected, after]: [u64; 3]) -> Self {
        let window = part.window();
        let growth = |kib: u64| {
            let growth = kib.saturating_sub(before) as f64 / part.connected as f64;
            (part.connected > 0).then_some(growth)
        };
        let per_delivery = cpu_seconds * 1e6 / window.deliveries as f64;
        Self {
            cpu_seconds,
            cpu_us_per_delivery: (window.deliveries > 0).then_some(per_delivery),
            rss_before_kib: before,
            rss_connected_kib: connected,
            rss_after_kib: after,
            kib_per_connection: growth(connected),
            kib_per_connection_after: growth(after),
        }
    }
}

/// Everything that is known outside the clients.
pub(super) struct Frame {
    pub(super) connecting: Duration,
    pub(super) server: Option<ServerUse>,
    pub(super) tolerate_disconnects: bool,
    pub(super) expects_values: bool,
}

impl Part {
    /// Counts of all groups together.
    #[must_use]
    pub fn window(&self) -> Window {
        let mut all = Window::default();
        self.groups.iter().for_each(|group| all.merge(group.window));
        all
    }

    /// From due time to receipt, all groups together.
    #[must_use]
    pub fn due(&self) -> Latencies {
        let mut all = Latencies::default();
        self.groups.iter().for_each(|group| all.merge(&group.due));
        all
    }

    /// From `published_ts` to receipt, all groups together.
    #[must_use]
    pub fn published(&self) -> Latencies {
        let mut all = Latencies::default();
        self.groups.iter().for_each(|group| all.merge(&group.published));
        all
    }

    /// Values that a client which stayed never got, though it asked for them by name or others of
    /// its group have them.
    #[must_use]
    pub fn without_value(&self) -> u64 {
        let missing = |group: &super::part::GroupPart| {
            let spread = group.topics.values();
            let unequal: u64 =
                spread.map(|spread| group.stayed.saturating_sub(spread.holders)).sum();
            if group.random { group.missing } else { group.missing.max(unequal) }
        };
        self.groups.iter().map(missing).sum()
    }

    /// How many updates the last client was behind the first at the end, per topic at most.
    #[must_use]
    pub fn behind(&self) -> u64 {
        let spreads = self.groups.iter().flat_map(|group| group.topics.values());
        spreads.map(|spread| spread.distance()).max().unwrap_or(0)
    }

    /// What makes a run a failure, whatever was measured; empty when nothing does.
    #[must_use]
    pub fn faults(&self, tolerate_disconnects: bool) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut fail = |count: u64, what: &str| {
            if count > 0 {
                reasons.push(format!("{count} {what}"));
            }
        };
        fail(self.failures.total(), "clients could not connect");
        fail(self.violations.count, "broken promises");
        fail(self.rejected.count, "topics refused");
        fail(self.errors.count, "error messages");
        if !tolerate_disconnects {
            fail(self.disconnects.total(), "clients were cut off");
        }
        fail(self.without_value(), "values never came");
        reasons
    }
}

impl Report {
    pub(super) fn new(part: Part, frame: Frame) -> Self {
        let names = part.groups.iter().flat_map(|group| group.topics.keys());
        let topics = names.collect::<std::collections::BTreeSet<_>>().len();
        let client_min = part.groups.iter().fold(None, |all, group| least(all, group.client_min));
        let threads = part.threads.max(1) as f64 * part.seconds.max(f64::MIN_POSITIVE);
        let own_cpu_share = if part.connected == 0 { 0.0 } else { part.own_cpu_seconds / threads };
        let mut failed = part.faults(frame.tolerate_disconnects);
        if frame.expects_values && part.connected > 0 && part.window().deliveries == 0 {
            failed.push("nothing was delivered".to_owned());
        }
        Self {
            clients: part.clients,
            connected: part.connected,
            connect_seconds: frame.connecting.as_secs_f64(),
            seconds: part.seconds,
            topics,
            client_min: client_min.unwrap_or(0),
            client_max: part.groups.iter().map(|group| group.client_max).max().unwrap_or(0),
            window: part.window(),
            from_due: part.due().summary(),
            from_published: part.published().summary(),
            without_value: part.without_value(),
            behind: part.behind(),
            server: frame.server,
            own_cpu_share,
            failed,
            failures: part.failures.0,
            disconnects: part.disconnects.0,
            violations: part.violations,
            rejected: part.rejected,
            errors: part.errors,
        }
    }

    /// What makes the run a failure; empty when nothing does.
    #[must_use]
    pub fn failed(&self) -> Vec<String> {
        self.failed.clone()
    }
}
