//! The listener for operators, the same for feed and gateway: health, readiness, metrics, queues.

mod listen;
pub mod queues;
mod reserve;
mod server;

pub use listen::{BACKLOG, BindError, bind};
pub use queues::{Queue, QueueRow, Queues};
pub use server::{Admin, serve};

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether the process should be sent work: what `/readyz` answers. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Ready or not from now on.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// Ready now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
