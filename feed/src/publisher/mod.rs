//! Stub.
use crate::outbox::Outbox;
use tickcast_shared::{admin::Readiness, bus::{self, Bus, Group}, clock::Clock, market::{Ticker, Topic}};
use tokio_util::sync::CancellationToken;
/// Stub.
///
/// # Errors
/// Never.
pub async fn run(_bus: Bus, _group: Group, _outbox: Outbox, _configured: Vec<(Topic, Ticker)>, _clock: Clock, _readiness: Readiness, token: CancellationToken) -> Result<(), bus::Error> {
    token.cancelled().await;
    Ok(())
}
