//! The way of updates into a shard: bounded, and the newest value is never what is dropped.

use super::{Key, Update};
use std::sync::{Arc, Mutex, PoisonError};
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
    waiting: Mutex<Conflating<Key, Update>>,
    wake: Notify,
    queue: Arc<Queue>,
    conflated: CounterSeries,
}

impl Mailbox {
    /// An empty one for a shard.
    #[must_use]
    pub fn new(shard: usize, queues: &Queues, conflated: CounterSeries) -> Self {
        Self {
            waiting: Mutex::new(Conflating::new(CAPACITY)),
            wake: Notify::new(),
            queue: queues.register(format!("shard_{shard}_updates"), CAPACITY),
            conflated,
        }
    }

    /// Adds updates in order and wakes the shard. Never waits for the shard.
    pub fn push(&self, updates: &[(Key, Update)]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let lost: u64 =
            updates.iter().map(|(key, update)| waiting.push(key.clone(), update.clone())).sum();
        self.queue.set_depth(waiting.len());
        drop(waiting);
        if lost > 0 {
            self.queue.add_dropped(lost);
            self.conflated.increment(lost);
        }
        self.wake.notify_one();
    }

    /// Everything that waits, in order.
    pub fn take(&self) -> Vec<(Key, Update)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.queue.set_depth(0);
        waiting.take()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Waits until something was pushed.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }
}
