//! What a thread or a process of the swarm has seen, in a form that adds up.

use super::latencies::Latencies;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Faults kept as examples.
const EXAMPLES: usize = 8;
/// Different reasons counted apart; a server that invents more is counted under the last one.
const MAX_REASONS: usize = 64;

/// A kind of fault, how often, and the first few.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Found {
    /// How often.
    pub count: u64,
    /// The first few.
    pub examples: Vec<String>,
}

impl Found {
    pub(super) fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }
}

/// How often each reason was met.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reasons(pub BTreeMap<String, u64>);

impl Reasons {
    pub(crate) fn add(&mut self, reason: String, by: u64) {
        let known = self.0.len() < MAX_REASONS || self.0.contains_key(&reason);
        let reason = if known { reason } else { "other reasons".to_owned() };
        *self.0.entry(reason).or_default() += by;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        other.0.into_iter().for_each(|(reason, by)| self.add(reason, by));
    }

    /// Of all reasons together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// Counts while the window is open.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Window {
    /// Tickers and klines.
    pub deliveries: u64,
    /// Frames of every kind.
    pub frames: u64,
    /// Bytes of the frames.
    pub bytes: u64,
    /// Reads that brought something: how often the server's writes arrived together.
    pub reads: u64,
    /// Values that came again with the same pair (another state).
    pub replaced: u64,
    /// Sequence numbers passed over within an epoch: conflated updates.
    pub skipped: u64,
}

impl Window {
    pub(super) fn merge(&mut self, other: Self) {
        self.deliveries += other.deliveries;
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.reads += other.reads;
        self.replaced += other.replaced;
        self.skipped += other.skipped;
    }
}

/// What all clients of a group have of one topic at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    pub(super) oldest: (u64, u64),
    pub(super) newest: (u64, u64),
    pub(super) holders: u64,
}

impl Spread {
    pub(super) fn of(pair: (u64, u64)) -> Self {
        Self { oldest: pair, newest: pair, holders: 1 }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.oldest = self.oldest.min(other.oldest);
        self.newest = self.newest.max(other.newest);
        self.holders += other.holders;
    }

    /// Updates between the oldest and the newest value; after a change of epoch, at least those
    /// of the new one.
    pub(super) fn distance(&self) -> u64 {
        let ((old_epoch, old), (new_epoch, new)) = (self.oldest, self.newest);
        if old_epoch == new_epoch { new - old } else { new }
    }
}

/// What one group of clients has seen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GroupPart {
    /// The group's name.
    pub name: String,
    /// Each client has topics of its own.
    pub random: bool,
    /// Counts of the window.
    pub window: Window,
    /// From due time to receipt.
    pub due: Latencies,
    /// From `published_ts` to receipt.
    pub published: Latencies,
    /// Fewest deliveries of a client.
    pub client_min: Option<u64>,
    /// Most deliveries of a client.
    pub client_max: u64,
    /// Fewest newer values of a topic that a client wanted and was there to the end for.
    pub newest_min: Option<u64>,
    /// Clients that were there to the end.
    pub stayed: u64,
    /// Wanted topics of which a client that stayed never got a value.
    pub missing: u64,
    /// By topic.
    pub topics: BTreeMap<String, Spread>,
}

impl GroupPart {
    fn merge(&mut self, other: Self) {
        self.window.merge(other.window);
        self.due.merge(&other.due);
        self.published.merge(&other.published);
        self.client_min = least(self.client_min, other.client_min);
        self.client_max = self.client_max.max(other.client_max);
        self.newest_min = least(self.newest_min, other.newest_min);
        self.stayed += other.stayed;
        self.missing += other.missing;
        for (topic, spread) in other.topics {
            let known = self.topics.entry(topic);
            known.and_modify(|known| known.merge(spread)).or_insert(spread);
        }
    }
}

/// The smaller one, if there is one at all.
pub(crate) fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// What some of the clients have seen. Counts are of the whole run unless they stand in a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Part {
    /// Clients asked for.
    pub clients: u64,
    /// Clients that got through their handshake.
    pub connected: u64,
    /// Of these, clients whose subscription stood.
    pub joined: u64,
    /// When the first dial began, microseconds since 1970.
    pub begun: Option<i64>,
    /// When the last subscription stood, microseconds since 1970.
    pub joined_last: Option<i64>,
    /// From a client's dial to its standing subscription.
    pub joining: Latencies,
    /// CPU seconds of the window, of all threads.
    pub own_cpu_seconds: f64,
    /// Length of the window in seconds.
    pub seconds: f64,
    /// Threads of clients.
    pub threads: u64,
    /// What each group has seen, in the order of the configuration.
    pub groups: Vec<GroupPart>,
    /// Broken promises.
    pub violations: Found,
    /// Topics that were refused.
    pub rejected: Found,
    /// Error messages of the server.
    pub errors: Found,
    /// Connects that failed.
    pub failures: Reasons,
    /// Connections that ended before the swarm did.
    pub disconnects: Reasons,
    /// The same of clients that do not read all that comes.
    pub evicted: Reasons,
}

impl Part {
    /// Adds what other clients of the same groups have seen.
    pub fn merge(&mut self, other: Self) {
        self.clients += other.clients;
        self.connected += other.connected;
        self.joined += other.joined;
        self.begun = self.begun.into_iter().chain(other.begun).min();
        self.joined_last = self.joined_last.max(other.joined_last);
        self.joining.merge(&other.joining);
        self.own_cpu_seconds += other.own_cpu_seconds;
        self.seconds = self.seconds.max(other.seconds);
        self.threads += other.threads;
        let mut others = other.groups.into_iter();
        for (group, other) in self.groups.iter_mut().zip(&mut others) {
            group.merge(other);
        }
        self.groups.extend(others);
        self.violations.merge(other.violations);
        self.rejected.merge(other.rejected);
        self.errors.merge(other.errors);
        self.failures.merge(other.failures);
        self.disconnects.merge(other.disconnects);
        self.evicted.merge(other.evicted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_and_reasons_are_bounded() {
        let (mut found, mut reasons) = (Found::default(), Reasons::default());
        for n in 0..1000 {
            found.add(|| n.to_string());
            reasons.add(n.to_string(), 1);
        }
        assert_eq!((found.count, found.examples.len()), (1000, EXAMPLES));
        assert_eq!((reasons.total(), reasons.0.len()), (1000, MAX_REASONS + 1));
    }

    fn part(deliveries: u64, least: u64, topic: &str, seq: u64) -> Part {
        let window = Window { deliveries, ..Window::default() };
        let topics = BTreeMap::from([(topic.to_owned(), Spread::of((7, seq)))]);
        let group = GroupPart { window, client_min: Some(least), topics, ..GroupPart::default() };
        let (clients, begun) = (1, Some(i64::try_from(seq).unwrap()));
        Part { clients, begun, joined_last: begun, groups: vec![group], ..Part::default() }
    }

    #[test]
    fn parts_of_several_processes_add_up() {
        let mut all = Part::default();
        for other in [part(5, 5, "A", 10), part(7, 3, "A", 4), part(1, 9, "B", 1)] {
            let text = serde_json::to_string(&other).unwrap();
            all.merge(serde_json::from_str(&text).unwrap());
        }
        let group = &all.groups[0];
        assert_eq!((all.clients, group.window.deliveries, group.client_min), (3, 13, Some(3)));
        assert_eq!((all.begun, all.joined_last), (Some(1), Some(10)));
        assert_eq!((group.topics["A"].distance(), group.topics["A"].holders), (6, 2));
    }
}
