//! The order of a shutdown.

use crate::{door::Door, hub::Hub, reload::InForce};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tickcast_shared::admin::Readiness;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// Ends what serves clients to the last, once shutdown has begun: after the drain, or without one if
/// its task broke.
struct Last {
    stop: CancellationToken,
    drained: CancellationToken,
}

impl Drop for Last {
    fn drop(&mut self) {
        let (stop, drained) = (self.stop.clone(), self.drained.clone());
        tokio::spawn(async move {
            stop.cancelled().await;
            drained.cancel();
        });
    }
}

/// What shutdown needs.
#[derive(Debug)]
pub struct Drain {
    /// The connections.
    pub hub: Hub,
    /// Who is let in.
    pub door: Arc<Door>,
    /// What `/readyz` answers.
    pub readiness: Readiness,
    /// Says how long clients still come after it has failed.
    pub in_force: InForce,
    /// Ends the listeners.
    pub closed: CancellationToken,
    /// Ends what serves clients to the last.
    pub drained: CancellationToken,
}

impl Drain {
    /// Not ready, then (after the notice) not accepting, then closes spread over the window.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let last = Last { stop: stop.clone(), drained: self.drained };
        stop.cancelled().await;
        self.readiness.set(false);
        let connections = self.hub.report().await.open;
        info!(connections, "draining");
        let notice_ms = self.in_force.borrow().config.limits.drain_notice_ms;
        tokio::time::sleep(Duration::from_millis(notice_ms)).await;
        self.door.drain();
        self.closed.cancel();
        self.hub.drain().await;
        drop(last);
        Ok(())
    }
}
