//! From the outbox to the bus: lease, epochs, sequence numbers, batches.
//!
//! - [`phase`]: where the lease stands, pure
//! - [`succession`]: whether a standby's value may follow a former writer's, pure
//! - [`table`]: the group's topics and their numbers, pure
//! - [`closings`]: closed bars until they are known to be written, pure
//! - [`batches`]: changes sorted by shard
//! - [`shelf`]: bars of back-fills on their way to the writer
//! - [`writer`]: the calls to the bus
//!
//! Publishing is batched by nature: an idle publisher writes at once, and whatever arrives while a
//! call is in flight goes out together in the next one.

mod batches;
mod closings;
pub(crate) mod counters;
mod phase;
mod pieces;
mod sampled;
mod shelf;
mod succession;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod writer;

pub use shelf::{NotKept, Requests, Shelf, shelf};

use crate::{derive::Rules, outbox::Outbox, standing::Standing};
use tickcast_shared::{
    admin::Readiness,
    bus::{self, Bus, Group},
    clock::Clock,
    market::{Ticker, Topic},
    progress::Mark,
};
use tokio_util::sync::CancellationToken;
use writer::Writer;

/// What a publisher answers for.
#[derive(Debug)]
pub struct Assignment {
    /// The set of topics.
    pub group: Group,
    /// The venues' topics, each as it is before anything is heard of it.
    pub configured: Vec<(Topic, Ticker)>,
    /// What is derived from them.
    pub rules: Rules,
    /// Bars that others want to be kept.
    pub requests: Requests,
    /// Where it tells which epoch it holds.
    pub standing: Standing,
    /// Where it marks its turns.
    pub mark: Mark,
}

/// Publishes what comes into the outbox, and what is derived from it, until the token is cancelled,
/// whatever happens to the bus.
///
/// It stands by, saying so, while another writer holds the group, and keeps the newest of what comes;
/// then it takes the group over: what it has heard itself goes out as it is, what only the cache
/// holds as `stale`, unconfigured topics as `halted` to be removed, configured ones that nobody
/// knows yet as they are given here. From then on it is ready. On cancellation it
/// writes what is pending and gives the lease back.
///
/// # Errors
/// None today: every fault of the bus is retried for ever.
pub async fn run(
    bus: Bus,
    assignment: Assignment,
    outbox: Outbox,
    clock: Clock,
    readiness: Readiness,
    token: CancellationToken,
) -> Result<(), bus::Error> {
    let mut writer = Writer::new(&bus, assignment, outbox, clock, readiness);
    writer.write(&token).await;
    Ok(())
}
