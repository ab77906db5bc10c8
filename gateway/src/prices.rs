//! The last value of every topic, written by the ingest and read by REST on any thread.

use crate::ingest::life::{BusLife, ExchangeLife, Life, Shared};
use dashmap::DashMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use tickcast_shared::{
    admin::Readiness,
    bus::Record,
    clock::Clock,
    market::{ExchangeId, State, Topic},
    protocol::TickerMessage,
};

/// A topic's value and how far this gateway believes it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// As it came from the bus.
    pub record: Arc<Record>,
    /// The state that clients are told.
    pub state: State,
}

/// The table of last values. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Prices {
    topics: Arc<DashMap<Topic, Shown>>,
    life: Shared,
    clock: Clock,
    /// Set once the first snapshot is complete; never unset.
    pub complete: Readiness,
}

/// A ticker as REST tells it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LastPrice")]
pub struct Price<'a> {
    #[serde(flatten)]
    ticker: TickerMessage<'a>,
    /// Time since the last proof of life; none if there was none.
    age_ms: Option<u64>,
    /// Whether it is anything but live.
    stale: bool,
}

impl Prices {
    /// An empty table.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            topics: Arc::default(),
            life: Shared::default(),
            clock,
            complete: Readiness::default(),
        }
    }

    /// Sets a topic's value.
    pub fn set(&self, topic: &Topic, shown: Shown) {
        self.topics.insert(topic.clone(), shown);
    }

    /// Forgets a topic.
    pub fn remove(&self, topic: &Topic) {
        self.topics.remove(topic);
    }

    /// Lets readers see who is alive.
    pub fn set_life(&self, life: &Life) {
        *self.life.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(life.clone());
    }

    /// The ticker of a topic as JSON; none if there is no such topic.
    #[must_use]
    pub fn price(&self, topic: &Topic) -> Option<Box<RawValue>> {
        let shown = self.topics.get(topic)?.clone();
        let life = self.life();
        let age = life.age(topic, &shown.record, Instant::now(), self.clock.now());
        let ticker = shown.record.body.ticker()?;
        let price = Price {
            ticker: TickerMessage::new(topic, &shown.record, ticker, shown.state),
            age_ms: age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            stale: shown.state != State::Live,
        };
        serde_json::value::to_raw_value(&price).ok()
    }

    /// The state that clients are told of a ticker, and the time since its last proof; none if
    /// there is no such topic.
    #[must_use]
    pub fn age(&self, topic: &Topic) -> Option<(State, Option<Duration>)> {
        let shown = self.topics.get(topic)?.clone();
        let age = self.life().age(topic, &shown.record, Instant::now(), self.clock.now());
        Some((shown.state, age))
    }

    /// Tells [`Self::age`] of every ticker, in no order.
    pub fn ages(&self, mut each: impl FnMut(&Topic, State, Option<Duration>)) {
        let (life, at, own) = (self.life(), Instant::now(), self.clock.now());
        for entry in self.topics.iter().filter(|entry| entry.record.body.ticker().is_some()) {
            each(entry.key(), entry.state, life.age(entry.key(), &entry.record, at, own));
        }
    }

    /// A topic's value; none if there is no such topic.
    #[must_use]
    pub fn get(&self, topic: &Topic) -> Option<Shown> {
        self.topics.get(topic).map(|shown| shown.clone())
    }

    /// All topics that exist now, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<(Topic, Shown)> {
        self.topics.iter().map(|entry| (entry.key().clone(), entry.value().clone())).collect()
    }

    /// Whether Redis answers, as far as is known here.
    #[must_use]
    pub fn bus_is_up(&self) -> bool {
        matches!(self.life().bus, BusLife::Up { .. })
    }

    /// How many topics there are.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// Every exchange and how far to believe it.
    #[must_use]
    pub fn exchanges(&self) -> BTreeMap<ExchangeId, ExchangeLife> {
        self.life().exchanges()
    }

    fn life(&self) -> Arc<Life> {
        self.life.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
