//! The books of one exchange: every message is published, a duplicate, held or refused.

use super::Refusal;
use crate::metrics;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tickcast_shared::{
    clock::Micros,
    market::ExchangeId,
    metric::{CounterSeries, HistogramSeries},
};

/// What was held before it was refused.
const UNCONFIRMED: &str = Refusal::Unconfirmed.as_str();

/// The counters of one exchange over all its connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Accounting(Arc<Book>);

#[derive(Debug)]
struct Book {
    exchange: ExchangeId,
    received: Line,
    published: Line,
    duplicate: Line,
    volume_only: Line,
    held: Line,
    sequence_reset: Line,
    crossed: Line,
    bad_field: Line,
    owner_mute: Line,
    quotes_expired: Line,
    jump_held: Line,
    jump_released: Line,
    refused: [Line; Refusal::ALL.len()],
    delay: HistogramSeries,
}

/// A number for tests and `/dlq`, and the same for Prometheus.
struct Line {
    count: AtomicU64,
    metric: CounterSeries,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.get())
    }
}

impl Line {
    fn new(metric: CounterSeries) -> Self {
        Self { count: AtomicU64::new(0), metric }
    }

    fn add_one(&self) {
        self.add(1);
    }

    fn add(&self, more: u64) {
        self.count.fetch_add(more, Ordering::Relaxed);
        self.metric.increment(more);
    }

    fn get(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// The books at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Whose.
    pub exchange: ExchangeId,
    /// Ticker messages, and frames that could not be read.
    pub received: u64,
    /// Led to a publication.
    pub published: u64,
    /// Equal in everything but times and sequence.
    pub duplicate: u64,
    /// Changed the volume only, within a second of the last publication: published later, with
    /// the next change or when the second is over.
    pub volume_only: u64,
    /// Far from where the price should be, and held until it is confirmed.
    pub held: u64,
    /// Refused, by reason. `unconfirmed` are messages that were held before.
    pub refused: BTreeMap<&'static str, u64>,
    /// New counts of sequence numbers; their messages are counted above, too.
    pub sequence_reset: u64,
    /// Messages whose bid lay above their ask; counted above, too.
    pub crossed: u64,
    /// Fields that were there and of no use; their messages are counted above, too.
    pub bad_field: u64,
    /// Channels whose fields were taken away because only the symbol's other channel spoke.
    pub owner_mute: u64,
    /// Quotes that were taken away because of their age.
    pub quotes_expired: u64,
    /// How often a topic became `stale/unconfirmed`.
    pub jump_held: u64,
    /// How often what was held was confirmed.
    pub jump_released: u64,
}

impl Counts {
    /// Whether every message received is accounted for.
    #[must_use]
    pub fn balance(&self) -> bool {
        let at_once = self.refused.iter().filter(|(reason, _)| **reason != UNCONFIRMED);
        let refused: u64 = at_once.map(|(_, count)| count).sum();
        self.received == self.published + self.duplicate + self.volume_only + self.held + refused
    }
}

impl Accounting {
    /// New books.
    #[must_use]
    pub fn of(exchange: &ExchangeId) -> Self {
        let name = exchange.to_string();
        let outcome = |outcome: &'static str| Line::new(metrics::MESSAGES.of([&name, outcome]));
        let event = |event: &'static str| Line::new(metrics::QUALITY_EVENTS.of([&name, event]));
        let refused =
            Refusal::ALL.map(|reason| Line::new(metrics::REFUSED.of([&name, reason.as_str()])));
        Self(Arc::new(Book {
            exchange: exchange.clone(),
            received: outcome("received"),
            published: outcome("published"),
            duplicate: outcome("duplicate"),
            volume_only: outcome("volume_only"),
            held: outcome("held"),
            sequence_reset: event("sequence_reset"),
            crossed: event("crossed"),
            bad_field: event("bad_field"),
            owner_mute: event("owner_mute"),
            quotes_expired: event("quotes_expired"),
            jump_held: event("jump_held"),
            jump_released: event("jump_released"),
            refused,
            delay: metrics::EXCHANGE_DELAY.of([&name]),
        }))
    }

    /// Whose books these are.
    #[must_use]
    pub fn exchange(&self) -> &ExchangeId {
        &self.0.exchange
    }

    /// The books now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let book = &self.0;
        let refused = Refusal::ALL
            .into_iter()
            .map(|reason| (reason.as_str(), book.refused[reason.index()].get()))
            .filter(|(_, count)| *count > 0)
            .collect();
        Counts {
            exchange: book.exchange.clone(),
            received: book.received.get(),
            published: book.published.get(),
            duplicate: book.duplicate.get(),
            volume_only: book.volume_only.get(),
            held: book.held.get(),
            refused,
            sequence_reset: book.sequence_reset.get(),
            crossed: book.crossed.get(),
            bad_field: book.bad_field.get(),
            owner_mute: book.owner_mute.get(),
            quotes_expired: book.quotes_expired.get(),
            jump_held: book.jump_held.get(),
            jump_released: book.jump_released.get(),
        }
    }

    /// A message has come that the exchange sent at `sent` by its own clock.
    pub(super) fn arrived(&self, sent: Micros, now: Micros) {
        self.0.delay.record(now.since(sent));
    }

    pub(super) fn published(&self) {
        self.0.received.add_one();
        self.0.published.add_one();
    }

    pub(super) fn duplicate(&self) {
        self.0.received.add_one();
        self.0.duplicate.add_one();
    }

    pub(super) fn volume_only(&self) {
        self.0.received.add_one();
        self.0.volume_only.add_one();
    }

    pub(super) fn refused(&self, reason: Refusal) {
        self.0.received.add_one();
        self.0.refused[reason.index()].add_one();
    }

    pub(super) fn held(&self) {
        self.0.received.add_one();
        self.0.held.add_one();
    }

    /// So many held messages will never be confirmed.
    pub(super) fn unconfirmed(&self, messages: u64) {
        self.0.refused[Refusal::Unconfirmed.index()].add(messages);
    }

    /// What was seen in a message, whatever becomes of it.
    pub(super) fn noticed(&self, bad_fields: usize, crossed: bool, sequence_reset: bool) {
        if bad_fields > 0 {
            self.0.bad_field.add(bad_fields as u64);
        }
        if crossed {
            self.0.crossed.add_one();
        }
        if sequence_reset {
            self.0.sequence_reset.add_one();
        }
    }

    pub(super) fn owner_mute(&self) {
        self.0.owner_mute.add_one();
    }

    pub(super) fn quotes_expired(&self) {
        self.0.quotes_expired.add_one();
    }

    pub(super) fn jump_held(&self) {
        self.0.jump_held.add_one();
    }

    pub(super) fn released(&self) {
        self.0.jump_released.add_one();
    }
}
