//! The bounded queue between the memory bus and one of its readers.

use crate::{
    admin::{Queue, Queues},
    bus::{Event, counters},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use tokio::sync::Notify;

/// Most messages that wait for a reader: some seconds of a busy market, and small enough to hold.
pub(super) const CAPACITY: usize = 1024;

/// Messages on their way to one reader. When it is full, new ones are dropped and counted; the
/// reader sees the hole in `n` and asks for a snapshot.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    events: Mutex<VecDeque<Event>>,
    arrived: Notify,
    queue: OnceLock<Arc<Queue>>,
}

impl Inbox {
    /// Adds a message, or drops it when the reader is too far behind.
    pub(super) fn push(&self, event: Event) {
        let mut events = self.events();
        if events.len() >= CAPACITY {
            counters::overflowed();
            self.queue.get().inspect(|queue| queue.add_dropped(1));
            return;
        }
        events.push_back(event);
        self.queue.get().inspect(|queue| queue.set_depth(events.len()));
        drop(events);
        self.arrived.notify_one();
    }

    pub(super) fn pop(&self) -> Option<Event> {
        let mut events = self.events();
        let event = events.pop_front();
        self.queue.get().inspect(|queue| queue.set_depth(events.len()));
        event
    }

    /// Waits until something has arrived since the last wait.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    pub(super) fn show_in(&self, queues: &Queues) {
        self.queue.get_or_init(|| queues.register("bus_inbox", CAPACITY));
    }

    fn events(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
