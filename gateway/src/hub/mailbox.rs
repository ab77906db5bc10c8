//! The way of updates into a shard: bounded, and the newest value is never what is dropped.

use super::{Key, Update};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tickcast_shared::{
    admin::{Queue, Queues},
    conflate::Conflating,
    metric::CounterSeries,
};
use tokio::sync::Notify;

/// Updates kept in order for a shard that is busy: some 0.1 s of a million updates a second. Past
/// it only the newest per topic is kept.
const CAPACITY: usize = 65_536;

/// A shard's queue of updates. One writer side wakes, one reader takes everything.
#[derive(Debug)]
pub struct Mailbox {
    waiting: Mutex<Waiting>,
    wake: Notify,
    queue: Arc<Queue>,
    conflated: CounterSeries,
}

#[derive(Debug)]
struct Waiting {
    updates: Conflating<Key, Update>,
    /// When the oldest of them came.
    since: Option<Instant>,
}

/// What waited for a shard.
#[derive(Debug)]
pub struct Taken {
    /// In order.
    pub updates: Vec<(Key, Update)>,
    /// When the oldest of them came; none if there are none.
    pub since: Option<Instant>,
}

impl Mailbox {
    /// An empty one for a shard.
    #[must_use]
    pub fn new(shard: usize, queues: &Queues, conflated: CounterSeries) -> Self {
        Self {
            waiting: Mutex::new(Waiting { updates: Conflating::new(CAPACITY), since: None }),
            wake: Notify::new(),
            queue: queues.register(format!("shard_{shard}_updates"), CAPACITY),
            conflated,
        }
    }

    /// Adds updates that came at `now`, in order, and wakes the shard. Never waits for the shard.
    pub fn push(&self, updates: &[(Key, Update)], now: Instant) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.since.get_or_insert(now);
        let push =
            |(key, update): &(Key, Update)| waiting.updates.push(key.clone(), update.clone());
        let lost: u64 = updates.iter().map(push).sum();
        self.queue.set_depth(waiting.updates.len());
        drop(waiting);
        if lost > 0 {
            self.queue.add_dropped(lost);
            self.conflated.increment(lost);
        }
        self.wake.notify_one();
    }

    /// Everything that waits.
    pub fn take(&self) -> Taken {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.queue.set_depth(0);
        Taken { updates: waiting.updates.take(), since: waiting.since.take() }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).updates.is_empty()
    }

    /// Waits until something was pushed.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }
}
