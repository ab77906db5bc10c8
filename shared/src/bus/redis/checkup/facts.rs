//! What a server said about itself.

use super::rights::Right;
use std::{collections::HashMap, str::FromStr, time::Duration};

/// What a server is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// The only one.
    Alone,
    /// A master and its replicas, watched by sentinels.
    Sentinels,
    /// The nodes of a cluster.
    Cluster,
}

/// What it is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It is written to.
    Writable,
    /// It takes over from one that is.
    Replica,
}

/// The answers of one server. What it did not let this user ask is missing.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub setting: Setting,
    pub part: Part,
    /// Whether the connection has TLS.
    pub has_tls: bool,
    /// Whether it leaves this machine.
    pub is_remote: bool,
    /// How long each of some PINGs took.
    pub trips: Vec<Duration>,
    /// `INFO`.
    pub info: Table,
    /// `CONFIG GET`, of what matters here.
    pub settings: Option<Table>,
    /// `ACL WHOAMI`.
    pub user: Option<String>,
    /// How far the server's clock is ahead of ours, in microseconds, and how sure that is.
    pub clock: Option<(i64, Duration)>,
    /// What this user may do; nothing when that could not be tried.
    pub rights: Vec<Right>,
    /// Topics in the cache and the bytes of their names and values.
    pub cache: Option<(usize, usize)>,
    /// A sample of all keys.
    pub keys: Option<Sample>,
    /// `LATENCY LATEST`: what held the server up, and for how many milliseconds at most.
    pub delays: Option<Vec<(String, u64)>>,
    /// What came of a write step that no fence lets pass; nothing when this user may not write.
    pub step: Option<Result<(), String>>,
}

/// Some of a server's keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub keys: usize,
    /// How many of them are not Tickcast's.
    pub strange: usize,
    /// One of those.
    pub example: Option<String>,
}

/// Texts by their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(pub HashMap<String, String>);

impl Table {
    /// Reads lines of `name:text`.
    pub(super) fn of_info(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.trim_end().split_once(':'));
        Self(pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
    }

    /// The text of that name; empty when there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The number of that name.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name).parse().ok()
    }
}

impl Facts {
    /// A setting, if settings could be asked for and there is one of that name.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.as_ref()?.0.get(name).map(String::as_str)
    }
}
