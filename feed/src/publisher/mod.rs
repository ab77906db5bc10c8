//! From the outbox to the bus: lease, epochs, sequence numbers, batches.
//!
//! - [`phase`]: where the lease stands, pure
//! - [`succession`]: whether a standby's value may follow a former writer's, pure
//! - [`table`]: the group's topics and their numbers, pure
//! - [`writer`]: the calls to the bus
//!
//! Publishing is batched by nature: an idle publisher writes at once, and whatever arrives while a
//! call is in flight goes out together in the next one.

pub(crate) mod counters;
mod phase;
mod succession;
mod table;
#[cfg(test)]
mod tests;
mod writer;

use crate::outbox::Outbox;
use tickcast_shared::{
    admin::Readiness,
    bus::{self, Bus, Group},
    clock::Clock,
    market::{Ticker, Topic},
};
use tokio_util::sync::CancellationToken;
use writer::Writer;

/// Publishes what comes into the outbox until the token is cancelled, whatever happens to the bus.
///
/// It stands by, saying so, while another writer holds the group, and keeps the newest of what comes;
/// then it takes the group over: what it has heard itself goes out as it is, what only the cache
/// holds as `stale`, unconfigured topics as `halted` to be removed, `configured` ones that nobody
/// knows yet as they are given here. From then on it is ready. On cancellation it
/// writes what is pending and gives the lease back.
///
/// # Errors
/// None today: every fault of the bus is retried for ever.
pub async fn run(
    bus: Bus,
    group: Group,
    outbox: Outbox,
    configured: Vec<(Topic, Ticker)>,
    clock: Clock,
    readiness: Readiness,
    token: CancellationToken,
) -> Result<(), bus::Error> {
    let mut writer = Writer::new(&bus, group, outbox, configured, clock, readiness);
    writer.write(&token).await;
    Ok(())
}
