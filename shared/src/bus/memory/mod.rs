//! The bus inside one process.

mod inbox;
mod letters;
mod publisher;
mod state;
mod subscriber;

pub use letters::MAX_LETTERS;
pub use publisher::MemoryPublisher;
pub use subscriber::MemorySubscriber;

use super::Group;
use crate::{
    clock::Micros,
    market::{Bar, Topic},
};
use state::State;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A bus in this process. Clones share it.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

impl Memory {
    /// The writing half.
    #[must_use]
    pub fn publisher(&self, group: Group) -> MemoryPublisher {
        MemoryPublisher::new(self.clone(), group)
    }

    /// The reading half.
    #[must_use]
    pub fn subscriber(&self) -> MemorySubscriber {
        MemorySubscriber::new(self.clone())
    }

    /// The newest bars of a topic that opened before `end`, oldest first.
    pub(super) fn bars_of(&self, topic: &Topic, end: Option<Micros>, limit: usize) -> Vec<Bar> {
        self.state().bars_of(topic, end, limit)
    }

    /// The state, even if another thread panicked while holding it: every step leaves it whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything, as a server does that comes back empty.
    #[cfg(test)]
    pub(super) fn flush(&self) {
        self.state().flush();
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}
