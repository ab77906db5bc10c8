//! What clients that come back remember: when they were without values, why, and what they were told.

use crate::swarm::Latencies;
pub use crate::swarm::Latency;
use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

/// The code of a connection that ends without a close frame (RFC 6455 section 7.1.5).
pub const ABNORMAL: u16 = 1006;

/// Place of a value in the order of its topic: epoch and sequence number.
pub type Stamp = (u64, u64);

/// Everything that they remember.
#[derive(Debug, Default)]
pub struct Book {
    clients: Vec<Life>,
    /// Numbers of topics, by name.
    topics: HashMap<Vec<u8>, usize>,
    wanted: usize,
    /// Each loss of a connection that had values.
    pub absences: Vec<Absence>,
    /// Connections that have ended, by the code of the close.
    pub closes: BTreeMap<u16, u64>,
    /// Of these, those that a `closing` message has announced.
    pub announced: u64,
    /// Dials that did not lead in, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Dials that were not answered in time.
    pub unanswered: u64,
    /// Values that were older than the one before on the same connection.
    pub steps_back: u64,
    /// Values that were older than one of an earlier connection; a client drops them.
    pub dropped: u64,
    /// Values that were not live.
    pub not_live: u64,
    window: Option<Latencies>,
}

/// One client.
#[derive(Debug, Clone, Default)]
struct Life {
    /// Of each topic, the newest value of all connections.
    newest: Vec<Option<Stamp>>,
    /// Of each topic, the newest of the present connection.
    present: Vec<Option<Stamp>>,
    last_value: Option<Instant>,
    /// Which absence it is in.
    away: Option<usize>,
    /// Has lost its connection since the window was opened.
    is_disturbed: bool,
}

/// A client without values.
#[derive(Debug, Clone, Copy)]
pub struct Absence {
    /// Which client.
    pub client: usize,
    /// The last value before.
    pub since: Instant,
    /// When the connection ended, and with which code.
    pub lost: Instant,
    /// The code of the close; [`ABNORMAL`] without one.
    pub code: u16,
    /// The first value afterwards.
    pub back: Option<Instant>,
}

impl Absence {
    /// Time without values, if it is over.
    #[must_use]
    pub fn gap(&self) -> Option<Duration> {
        self.back.map(|back| back.saturating_duration_since(self.since))
    }
}

/// A ticker that a client got.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) topic: &'a [u8],
    pub(super) stamp: Stamp,
    pub(super) is_live: bool,
    /// Since it was published, microseconds.
    pub(super) age: Option<u64>,
}

impl Book {
    pub(super) fn new(clients: usize, topics: usize) -> Self {
        Self { clients: vec![Life::default(); clients], wanted: topics, ..Self::default() }
    }

    /// Clients that lack a value of a topic on the connection that they have.
    #[must_use]
    pub fn unserved(&self) -> usize {
        let has_all = |life: &&Life| life.present.iter().flatten().count() < self.wanted;
        self.clients.iter().filter(has_all).count()
    }

    /// Of each topic, the newest value that any client has.
    #[must_use]
    pub fn newest(&self) -> Vec<Option<Stamp>> {
        let of = |topic: usize| self.clients.iter().filter_map(|it| it.at(topic)).max();
        (0..self.topics.len()).map(of).collect()
    }

    /// Clients that have an older value of some topic.
    #[must_use]
    pub fn behind(&self, marks: &[Option<Stamp>]) -> usize {
        let lacks = |life: &&Life| (0..marks.len()).any(|topic| life.at(topic) < marks[topic]);
        self.clients.iter().filter(lacks).count()
    }

    /// From now on is measured, of clients that keep their connection.
    pub fn open_window(&mut self) {
        self.window = Some(Latencies::default());
        self.clients.iter_mut().for_each(|life| life.is_disturbed = life.away.is_some());
    }

    /// What was measured: from publication to receipt, microseconds.
    pub fn close_window(&mut self) -> Option<Latency> {
        self.window.take()?.summary()
    }

    /// Connections that ended without a close frame.
    #[must_use]
    pub fn abnormal(&self) -> u64 {
        self.closes.get(&ABNORMAL).copied().unwrap_or(0)
    }

    /// Times without values that are over, sorted; those of absences from that number on.
    #[must_use]
    pub fn gaps(&self, from: usize) -> Vec<Duration> {
        let absences = self.absences.iter().skip(from);
        let mut gaps: Vec<Duration> = absences.filter_map(Absence::gap).collect();
        gaps.sort();
        gaps
    }

    /// A dial that did not lead in.
    pub(super) fn refused(&mut self, reason: String) {
        *self.refused.entry(reason).or_default() += 1;
    }

    pub(super) fn connected(&mut self, client: usize) {
        self.clients[client].present.clear();
    }

    pub(super) fn value(&mut self, client: usize, value: Value<'_>, now: Instant) {
        let topic = self.number_of(value.topic);
        let life = &mut self.clients[client];
        let before = life.present_mut(topic).replace(value.stamp);
        self.steps_back += u64::from(before.is_some_and(|before| before > value.stamp));
        self.not_live += u64::from(!value.is_live);
        let newest = &mut life.newest[topic];
        match *newest > Some(value.stamp) {
            // Counted above already if it came on this connection.
            true => self.dropped += u64::from(before.is_none()),
            false => *newest = Some(value.stamp),
        }
        life.last_value = Some(now);
        if let Some(absence) = life.away.take().and_then(|at| self.absences.get_mut(at)) {
            absence.back = Some(now);
        }
        if let (Some(window), Some(age), false) = (&mut self.window, value.age, life.is_disturbed) {
            window.record(age);
        }
    }

    /// The end of a connection.
    pub(super) fn lost(&mut self, client: usize, code: u16, was_announced: bool, now: Instant) {
        *self.closes.entry(code).or_default() += 1;
        self.announced += u64::from(was_announced);
        let life = &mut self.clients[client];
        life.present.clear();
        life.is_disturbed = true;
        // Without values since an earlier loss, or from the start: that goes on.
        if let (Some(since), None) = (life.last_value, life.away) {
            life.away = Some(self.absences.len());
            self.absences.push(Absence { client, since, lost: now, code, back: None });
        }
    }

    fn number_of(&mut self, topic: &[u8]) -> usize {
        if let Some(number) = self.topics.get(topic) {
            return *number;
        }
        let number = self.topics.len();
        self.topics.insert(topic.to_vec(), number);
        number
    }
}

impl Life {
    fn at(&self, topic: usize) -> Option<Stamp> {
        self.newest.get(topic).copied().flatten()
    }

    fn present_mut(&mut self, topic: usize) -> &mut Option<Stamp> {
        let room = topic + 1;
        self.newest.resize(self.newest.len().max(room), None);
        self.present.resize(self.present.len().max(room), None);
        &mut self.present[topic]
    }
}

/// The value that this share of sorted ones does not exceed; nothing without any.
#[must_use]
pub fn quantile(sorted: &[Duration], share: f64) -> Option<Duration> {
    // A share of a count, rounded up: within the count.
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(topic: &[u8], stamp: Stamp) -> Value<'_> {
        Value { topic, stamp, is_live: true, age: Some(500) }
    }

    #[test]
    fn a_gap_lasts_from_the_last_value_to_the_next_over_all_that_fails_between() {
        let (begun, at) = (Instant::now(), |ms| Duration::from_millis(ms));
        let mut book = Book::new(2, 1);
        book.value(0, value(b"a", (7, 1)), begun);
        book.lost(0, 1012, true, begun + at(100));
        book.connected(0);
        book.lost(0, ABNORMAL, false, begun + at(300));
        book.lost(1, ABNORMAL, false, begun);
        assert_eq!((book.absences.len(), book.unserved(), book.abnormal()), (1, 2, 2));
        book.connected(0);
        book.value(0, value(b"a", (7, 3)), begun + at(900));
        assert_eq!((book.gaps(0), book.gaps(1)), (vec![at(900)], vec![]));
        assert_eq!((book.absences[0].code, book.announced, book.unserved()), (1012, 1, 1));
    }

    #[test]
    fn older_values_count_by_connection() {
        let now = Instant::now();
        let mut book = Book::new(2, 2);
        for stamp in [(7, 5), (7, 4), (8, 1)] {
            book.value(0, value(b"a", stamp), now);
        }
        book.lost(0, 1012, true, now);
        book.connected(0);
        book.value(0, value(b"a", (7, 9)), now);
        assert_eq!((book.steps_back, book.dropped), (1, 1));
        book.value(1, value(b"b", (8, 2)), now);
        let marks = book.newest();
        assert_eq!((marks.clone(), book.behind(&marks)), (vec![Some((8, 1)), Some((8, 2))], 2));
    }

    #[test]
    fn a_window_is_of_those_who_stay() {
        let now = Instant::now();
        let mut book = Book::new(2, 1);
        book.open_window();
        book.value(0, value(b"a", (7, 1)), now);
        book.lost(1, ABNORMAL, false, now);
        book.value(1, value(b"a", (7, 1)), now);
        assert_eq!(book.close_window().unwrap().count, 1);
        assert!(book.close_window().is_none());
    }

    #[test]
    fn quantiles_are_of_what_there_is() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(quantile(&sorted, 0.99), Some(Duration::from_millis(198)));
        assert_eq!(quantile(&sorted, 0.0), Some(Duration::from_millis(1)));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
