//! The refused messages themselves, newest kept, for operators to look at.

use super::Refusal;
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tickcast_shared::{
    admin::{Queue, Queues},
    clock::Micros,
    market::ExchangeId,
};

/// Letters kept: enough to see what a venue is doing wrong.
const MAX_LETTERS: usize = 1000;
/// Most bytes of raw text kept, in all.
const MAX_BYTES: usize = 1 << 20;
/// Most bytes of one letter's raw text; a ticker has some 400.
const MAX_RAW_BYTES: usize = 2048;

/// A refused message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Who sent it.
    pub exchange: ExchangeId,
    /// Why it was refused.
    pub reason: Refusal,
    /// When it was received.
    pub time: Micros,
    /// The frame's text, cut at 2048 bytes.
    pub raw: String,
}

/// What `/dlq` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Refused messages since the start, by exchange and reason.
    pub counts: Vec<ReasonCount>,
    /// The newest ones, newest first.
    pub letters: Vec<DeadLetter>,
}

/// How often an exchange's messages were refused for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCount {
    /// Whose messages.
    pub exchange: ExchangeId,
    /// Why.
    pub reason: Refusal,
    /// How many, those no longer kept included.
    pub count: u64,
}

/// The list of refused messages, bounded in number and bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    inner: Arc<Mutex<Inner>>,
    queue: Arc<Queue>,
}

#[derive(Debug, Default)]
struct Inner {
    letters: VecDeque<DeadLetter>,
    bytes: usize,
    counts: BTreeMap<(ExchangeId, Refusal), u64>,
}

impl DeadLetters {
    /// An empty list, shown among the queues of the process.
    #[must_use]
    pub fn new(queues: &Queues) -> Self {
        let queue = queues.register("feed_dead_letters", MAX_LETTERS);
        Self { inner: Arc::default(), queue }
    }

    /// Adds a letter; the oldest ones give way.
    pub fn push(&self, exchange: &ExchangeId, reason: Refusal, time: Micros, raw: &str) {
        let raw = raw[..raw.floor_char_boundary(MAX_RAW_BYTES)].to_owned();
        let mut inner = self.lock();
        *inner.counts.entry((exchange.clone(), reason)).or_default() += 1;
        inner.bytes += raw.len();
        inner.letters.push_back(DeadLetter { exchange: exchange.clone(), reason, time, raw });
        while inner.letters.len() > MAX_LETTERS || inner.bytes > MAX_BYTES {
            let Some(oldest) = inner.letters.pop_front() else { break };
            inner.bytes -= oldest.raw.len();
            self.queue.add_dropped(1);
        }
        self.queue.set_depth(inner.letters.len());
    }

    /// The counts and at most `limit` letters, newest first.
    #[must_use]
    pub fn report(&self, limit: usize) -> Report {
        let inner = self.lock();
        let counts = inner.counts.iter().map(|((exchange, reason), count)| ReasonCount {
            exchange: exchange.clone(),
            reason: *reason,
            count: *count,
        });
        Report {
            counts: counts.collect(),
            letters: inner.letters.iter().rev().take(limit).cloned().collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: i64, raw: &str) -> DeadLetters {
        let letters = DeadLetters::new(&Queues::default());
        for time in 0..count {
            letters.push(&"okx".parse().unwrap(), Refusal::WrongMarket, Micros(time), raw);
        }
        letters
    }

    #[test]
    fn keeps_the_newest_and_counts_all() {
        let report = filled(1500, "x").report(usize::MAX);
        assert_eq!(report.letters.len(), MAX_LETTERS);
        assert_eq!(report.letters[0].time, Micros(1499));
        assert_eq!(report.counts[0].count, 1500);
        assert_eq!(filled(3, "x").report(2).letters.len(), 2);
    }

    #[test]
    fn is_bounded_in_bytes() {
        let letters = filled(1000, &"é".repeat(3000));
        assert!(letters.lock().bytes <= MAX_BYTES);
        assert!(letters.report(1).letters[0].raw.len() <= MAX_RAW_BYTES);
    }

    #[test]
    fn a_report_is_plain_json() {
        let json = serde_json::to_value(filled(1, "{}").report(9)).unwrap();
        assert_eq!(json["letters"][0]["reason"], "wrong_market");
        assert_eq!(json["counts"][0]["count"], 1);
    }
}
