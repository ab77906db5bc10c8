//! The refused messages themselves, newest kept, for operators to look at; also what waits to be
//! taken to the bus.

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
use tokio::sync::Notify;

/// Letters kept: enough to see what a venue is doing wrong.
const MAX_LETTERS: usize = 1000;
/// Most bytes of raw text kept, in all.
const MAX_BYTES: usize = 1 << 20;
/// Most bytes of one letter's raw text; a ticker has some 400, an array of them a few thousand.
const MAX_RAW_BYTES: usize = 4096;

/// A refused message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its number in this process, as text like the numbers on the bus.
    pub id: String,
    /// Who sent it.
    pub exchange: ExchangeId,
    /// Why it was refused.
    pub reason: Refusal,
    /// When it was received.
    pub time: Micros,
    /// The frame's text, cut at 4096 bytes.
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
    arrived: Arc<Notify>,
    queue: Arc<Queue>,
    /// Those that are not on the bus yet; it has no place of its own.
    undelivered: Arc<Queue>,
}

/// Which letters of the list to report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this exchange's.
    pub exchange: Option<String>,
    /// Only those refused for this reason.
    pub reason: Option<String>,
}

impl Filter {
    fn admits(&self, exchange: &ExchangeId, reason: Refusal) -> bool {
        let is = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|it| it == is);
        is(&self.exchange, exchange.as_str()) && is(&self.reason, reason.as_str())
    }
}

#[derive(Debug, Default)]
struct Inner {
    letters: VecDeque<DeadLetter>,
    bytes: usize,
    /// How many letters there ever were: the number of the newest.
    written: u64,
    /// Number of the newest letter that is on the bus.
    delivered: u64,
    counts: BTreeMap<(ExchangeId, Refusal), u64>,
}

impl DeadLetters {
    /// An empty list, shown among the queues of the process.
    #[must_use]
    pub fn new(queues: &Queues) -> Self {
        let queue = queues.register("feed_dead_letters", MAX_LETTERS);
        let undelivered = queues.register("feed_dead_letters_undelivered", MAX_LETTERS);
        Self { inner: Arc::default(), arrived: Arc::default(), queue, undelivered }
    }

    /// As much of a frame's text as a letter keeps.
    #[must_use]
    pub fn cut(frame: &str) -> &str {
        &frame[..frame.floor_char_boundary(MAX_RAW_BYTES)]
    }

    /// Adds a letter; the oldest ones give way.
    pub fn push(&self, exchange: &ExchangeId, reason: Refusal, time: Micros, raw: &str) {
        let raw = Self::cut(raw).to_owned();
        let mut inner = self.lock();
        *inner.counts.entry((exchange.clone(), reason)).or_default() += 1;
        inner.bytes += raw.len();
        inner.written += 1;
        let id = inner.written.to_string();
        inner.letters.push_back(DeadLetter { id, exchange: exchange.clone(), reason, time, raw });
        while inner.letters.len() > MAX_LETTERS || inner.bytes > MAX_BYTES {
            self.drop_oldest(&mut inner);
        }
        self.queue.set_depth(inner.letters.len());
        self.undelivered.set_depth(inner.waiting());
        drop(inner);
        self.arrived.notify_one();
    }

    /// Counts refused messages whose text is not kept.
    pub fn count_more(&self, exchange: &ExchangeId, reason: Refusal, more: u64) {
        *self.lock().counts.entry((exchange.clone(), reason)).or_default() += more;
    }

    fn drop_oldest(&self, inner: &mut Inner) {
        let oldest = inner.oldest();
        if let Some(letter) = inner.letters.pop_front() {
            inner.bytes -= letter.raw.len();
            self.queue.add_dropped(1);
        }
        if inner.delivered < oldest {
            inner.delivered = oldest;
            self.undelivered.add_dropped(1);
        }
    }

    /// The counts, and at most `limit` letters that the filter admits, newest first.
    #[must_use]
    pub fn report(&self, filter: &Filter, limit: usize) -> Report {
        let inner = self.lock();
        let counts = inner.counts.iter();
        let counts = counts.filter(|((exchange, reason), _)| filter.admits(exchange, *reason));
        let counts = counts.map(|((exchange, reason), count)| ReasonCount {
            exchange: exchange.clone(),
            reason: *reason,
            count: *count,
        });
        let letters = inner.letters.iter().rev();
        let letters = letters.filter(|it| filter.admits(&it.exchange, it.reason));
        Report { counts: counts.collect(), letters: letters.take(limit).cloned().collect() }
    }

    /// The letter of that number, if it is still kept.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<DeadLetter> {
        self.lock().letters.iter().find(|letter| letter.id == id).cloned()
    }

    /// Waits until there are letters that are not on the bus.
    pub(crate) async fn waiting(&self) {
        while self.lock().waiting() == 0 {
            self.arrived.notified().await;
        }
    }

    /// The oldest letters that are not on the bus, and the number of the last of them.
    pub(crate) fn oldest_waiting(&self, most: usize) -> (Vec<DeadLetter>, u64) {
        let inner = self.lock();
        let delivered = inner.letters.len() - inner.waiting();
        let batch: Vec<_> = inner.letters.range(delivered..).take(most).cloned().collect();
        let last = inner.delivered + batch.len() as u64;
        (batch, last)
    }

    /// All letters up to that number are on the bus.
    pub(crate) fn delivered(&self, last: u64) {
        let mut inner = self.lock();
        inner.delivered = inner.delivered.max(last);
        self.undelivered.set_depth(inner.waiting());
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The number of the oldest letter in the list.
    fn oldest(&self) -> u64 {
        self.written + 1 - self.letters.len() as u64
    }

    /// How many letters are not on the bus. They are the newest of the list.
    fn waiting(&self) -> usize {
        usize::try_from(self.written - self.delivered).unwrap_or(usize::MAX).min(self.letters.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything.
    const ALL: Filter = Filter { exchange: None, reason: None };

    fn filled(count: i64, raw: &str) -> DeadLetters {
        let letters = DeadLetters::new(&Queues::default());
        for time in 0..count {
            letters.push(&"okx".parse().unwrap(), Refusal::WrongMarket, Micros(time), raw);
        }
        letters
    }

    #[test]
    fn keeps_the_newest_and_counts_all() {
        let report = filled(1500, "x").report(&ALL, usize::MAX);
        assert_eq!(report.letters.len(), MAX_LETTERS);
        assert_eq!(report.letters[0].time, Micros(1499));
        assert_eq!(report.counts[0].count, 1500);
        assert_eq!(filled(3, "x").report(&ALL, 2).letters.len(), 2);
    }

    #[test]
    fn is_bounded_in_bytes() {
        let letters = filled(1000, &"é".repeat(3000));
        assert!(letters.lock().bytes <= MAX_BYTES);
        assert!(letters.report(&ALL, 1).letters[0].raw.len() <= MAX_RAW_BYTES);
    }

    #[test]
    fn a_report_is_plain_json() {
        let json = serde_json::to_value(filled(1, "{}").report(&ALL, 9)).unwrap();
        assert_eq!(json["letters"][0]["reason"], "wrong_market");
        assert_eq!(json["counts"][0]["count"], 1);
    }

    #[test]
    fn letters_are_found_by_exchange_reason_and_number() {
        let letters = filled(3, "x");
        letters.push(&"kucoin".parse().unwrap(), Refusal::NotText, Micros(9), "y");
        let found = |exchange: Option<&str>, reason: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let filter = Filter { exchange: owned(exchange), reason: owned(reason) };
            let report = letters.report(&filter, 9);
            (report.letters.len(), report.counts.len())
        };
        assert_eq!(found(None, None), (4, 2));
        assert_eq!(found(Some("okx"), None), (3, 1));
        assert_eq!(found(Some("okx"), Some("not_text")), (0, 0));
        assert_eq!(found(None, Some("not_text")), (1, 1));
        assert_eq!(letters.get("4").unwrap().raw, "y");
        assert_eq!(letters.get("5"), None);
    }

    #[test]
    fn letters_wait_for_the_bus_and_give_way_counted() {
        let queues = Queues::default();
        let letters = DeadLetters::new(&queues);
        let push = |time| letters.push(&"okx".parse().unwrap(), Refusal::NotText, Micros(time), "");
        (1..=3).for_each(push);
        let (batch, last) = letters.oldest_waiting(2);
        assert_eq!((batch[0].time, batch.len(), last), (Micros(1), 2, 2));
        letters.delivered(last);
        let (batch, last) = letters.oldest_waiting(9);
        assert_eq!((batch[0].time, batch.len(), last), (Micros(3), 1, 3));
        (4..=1503).for_each(push);
        letters.delivered(last);
        let (batch, _) = letters.oldest_waiting(1);
        assert_eq!(batch[0].time, Micros(504), "the oldest that is still there");
        let row = &queues.rows()[1];
        assert_eq!((row.depth, row.dropped), (1000, 501));
    }
}
