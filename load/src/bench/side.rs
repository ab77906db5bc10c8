//! One side of a scenario: what is started and offered in a run.

use super::scenario::read;
use crate::swarm::group::{Format, Settings};
use serde::Deserialize;
use toml::Table;

/// One configuration that is run and measured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// How tables call it.
    #[serde(default = "tickcast")]
    pub label: String,
    /// `tickcast`, `limit` (the bare loop), or the stem of a file in `load/peers/`.
    #[serde(default = "tickcast")]
    pub server: String,
    /// How many clients, over all groups.
    pub clients: usize,
    /// Processes of clients.
    #[serde(default = "one")]
    pub processes: usize,
    /// Threads of clients in each.
    #[serde(default = "one")]
    pub threads: usize,
    /// Length of the measured window in seconds.
    #[serde(default = "ten")]
    pub secs: u64,
    /// Seconds of traffic before it.
    #[serde(default = "one_second")]
    pub warm_up_secs: u64,
    /// Dials per second of each process; 0: as fast as they are answered.
    #[serde(default)]
    pub connect_rate: u32,
    /// Publish while clients connect, not only afterwards.
    #[serde(default)]
    pub traffic_while_connecting: bool,
    /// Processes of the server.
    #[serde(default = "one")]
    pub gateways: usize,
    /// Cores that the server gets for itself, everything else runs on the others; 0: all run
    /// where the system puts them.
    #[serde(default = "one")]
    pub cores: usize,
    /// How the gateway gets its updates.
    #[serde(default)]
    pub bus: BusKind,
    /// Measure how long updates are on their way through Redis, by a reader of its own.
    #[serde(default)]
    pub watch_bus: bool,
    /// What is published.
    pub topics: Topics,
    /// Kinds of clients; none: all are the same.
    #[serde(default)]
    pub group: Vec<GroupSpec>,
    /// Merged into the gateway's `[gateway]`.
    #[serde(default)]
    pub gateway: Table,
    /// What must hold.
    #[serde(default)]
    pub expect: Expect,
}

/// How the gateway gets its updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BusKind {
    /// The benchmark writes to Redis as a feed does.
    #[default]
    Direct,
    /// A simulated exchange and a feed.
    Feed,
}

/// What is published.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// How many topics.
    pub count: usize,
    /// Updates a second of each.
    pub rate: u32,
    /// All topics at the same moment; otherwise evenly spread.
    #[serde(default)]
    pub together: bool,
    /// How many each client wants, chosen at random; none: all of them. 0: idle clients.
    #[serde(default)]
    pub per_client: Option<usize>,
    /// Bytes of a message of other servers than Tickcast; none: as in Tickcast's first run.
    #[serde(default)]
    pub size: Option<usize>,
}

/// A kind of clients.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// How tables call it.
    pub name: String,
    /// Its share of the clients; the last group gets what is left.
    pub share: f64,
    /// At most one message per topic in this time.
    #[serde(default)]
    pub interval_ms: Option<u64>,
    /// Skip smaller changes.
    #[serde(default)]
    pub min_change_bps: Option<u64>,
    /// At least one message per topic in this time.
    #[serde(default)]
    pub max_silence_ms: Option<u64>,
    /// Encoding of its messages.
    #[serde(default)]
    pub format: Format,
    /// Ask for permessage-deflate.
    #[serde(default)]
    pub deflate: bool,
    /// Never read.
    #[serde(default)]
    pub stalled: bool,
    /// Read no more than this.
    #[serde(default)]
    pub bytes_per_second: Option<u32>,
}

impl GroupSpec {
    /// The settings of its subscription.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            interval_ms: self.interval_ms,
            min_change_bps: self.min_change_bps,
            max_silence_ms: self.max_silence_ms,
        }
    }
}

/// What must hold for a run to count.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Nothing is conflated or lost.
    #[serde(default)]
    pub every_update: bool,
    /// Clients may be cut off.
    #[serde(default)]
    pub disconnects: bool,
}

fn tickcast() -> String {
    "tickcast".to_owned()
}

fn one() -> usize {
    1
}

fn one_second() -> u64 {
    1
}

fn ten() -> u64 {
    10
}

impl Side {
    /// Reads and checks a side.
    pub(super) fn read(table: Table) -> Result<Self, String> {
        let side: Self = read(table)?;
        let wrong = |key: &str, right: &str| Err(format!("{key}: {right}"));
        let shares: f64 = side.group.iter().map(|group| group.share).sum();
        if side.clients == 0 || side.processes == 0 || side.threads == 0 || side.gateways == 0 {
            return wrong("clients, processes, threads, gateways", "at least 1 each");
        }
        if side.secs == 0 {
            return wrong("secs", "at least 1");
        }
        if side.topics.count == 0 {
            return wrong("topics.count", "at least 1");
        }
        if side.topics.per_client.is_some_and(|wanted| wanted > side.topics.count) {
            return wrong("topics.per_client", "not more than topics.count");
        }
        if side.group.iter().any(|group| !(0.0..=1.0).contains(&group.share)) || shares > 1.001 {
            return wrong("group.share", "from 0 to 1, not more than 1 in all");
        }
        Ok(side)
    }
}
