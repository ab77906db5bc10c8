//! The listener for operators, the same for feed and gateway: health, readiness, metrics, queues.

mod listen;
mod measure;
pub mod queues;
mod reserve;
mod server;

pub use listen::{BACKLOG, BindError, bind};
pub use queues::{Queue, QueueRow, Queues};
pub use server::{Admin, serve};

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// Whether the process should be sent work: what `/readyz` answers. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicU8>);

/// What a process is ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Nothing yet, or nothing any more.
    None,
    /// To take over from another process, which does the work.
    Standby,
    /// The work.
    Active,
}

impl Readiness {
    /// Ready or not from now on.
    pub fn set(&self, ready: bool) {
        self.enter(if ready { Service::Active } else { Service::None });
    }

    /// Ready for that from now on.
    pub fn enter(&self, service: Service) {
        self.0.store(service as u8, Ordering::Release);
    }

    /// Ready for the work now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.service() == Service::Active
    }

    /// What it is ready for now.
    #[must_use]
    pub fn service(&self) -> Service {
        let now = self.0.load(Ordering::Acquire);
        let known = [Service::Active, Service::Standby];
        known.into_iter().find(|service| *service as u8 == now).unwrap_or(Service::None)
    }
}
