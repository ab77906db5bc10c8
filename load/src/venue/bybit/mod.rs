//! Bybit v5: quotes and last prices on channels of their own, quotes sent again when nothing moves.

pub(super) mod rest;
pub(super) mod session;
pub(super) mod wire;

pub(super) use session::Session;

use super::stage::Stage;
use std::sync::Arc;
use tokio::time::sleep_until;

/// Sends each quote again once it has not changed for so long, until the exchange ends.
pub(super) async fn resend(stage: Arc<Stage>) {
    loop {
        let next = stage.tell_again(stage.timings.ping_interval);
        tokio::select! {
            () = stage.stop.cancelled() => return,
            () = sleep_until(next.into()) => {}
        }
    }
}
