//! Every bounded queue of the process, with its name, bound and drops.

use serde::Serialize;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// The counters of one queue, updated by its owner.
#[derive(Debug)]
pub struct Queue {
    name: String,
    capacity: usize,
    depth: AtomicUsize,
    dropped: AtomicU64,
}

impl Queue {
    /// Says how many entries wait now.
    pub fn set_depth(&self, depth: usize) {
        self.depth.store(depth, Ordering::Relaxed);
    }

    /// Counts entries that gave way to newer ones or were refused.
    pub fn add_dropped(&self, dropped: u64) {
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
    }
}

/// All queues of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Queues(Arc<Mutex<Vec<Arc<Queue>>>>);

/// One line of `/queues`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueRow {
    /// The queue's name.
    pub name: String,
    /// Its bound, in entries.
    pub capacity: usize,
    /// Entries waiting.
    pub depth: usize,
    /// Entries that gave way to newer ones or were refused, since the start.
    pub dropped: u64,
}

impl Queues {
    /// Adds a queue to the list, in the place of one of this name that nobody uses any more.
    #[must_use]
    pub fn register(&self, name: impl Into<String>, capacity: usize) -> Arc<Queue> {
        let queue = Arc::new(Queue {
            name: name.into(),
            capacity,
            depth: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
        });
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|known| known.name != queue.name || Arc::strong_count(known) > 1);
        queues.push(queue.clone());
        drop(queues);
        queue
    }

    /// The queues as they are now.
    #[must_use]
    pub fn rows(&self) -> Vec<QueueRow> {
        let queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |queue: &Arc<Queue>| QueueRow {
            name: queue.name.clone(),
            capacity: queue.capacity,
            depth: queue.depth.load(Ordering::Relaxed),
            dropped: queue.dropped.load(Ordering::Relaxed),
        };
        queues.iter().map(row).collect()
    }
}
