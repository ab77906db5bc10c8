//! The metrics of the bus, in one place.

use metrics::{counter, gauge};

/// Something on the bus could not be decoded and was skipped; `what` is `value`, `topic`,
/// `heartbeat` or `message`.
pub(super) fn undecodable(what: &'static str) {
    counter!("tickcast_bus_undecodable_total", "what" => what).increment(1);
}

/// A message was dropped because the reader's queue was full; the hole in `n` makes it visible.
pub(super) fn overflowed() {
    counter!("tickcast_bus_overflow_total").increment(1);
}

/// The link to the bus was lost.
pub(super) fn link_lost() {
    counter!("tickcast_bus_link_losses_total").increment(1);
}

/// A shard's snapshot was taken, or could not be.
pub(super) fn snapshot(result: &'static str) {
    counter!("tickcast_bus_snapshots_total", "result" => result).increment(1);
}

/// How many shards of a cluster the writer cannot write at present.
pub(super) fn lost_shards(shards: usize) {
    gauge!("tickcast_bus_lost_shards").set(f64::from(u32::try_from(shards).unwrap_or(u32::MAX)));
}

/// Something was not written because its shard is lost; `what` is `values` (all are written again
/// when the shard is back) or `bars` (too many to keep).
pub(super) fn unwritten(what: &'static str, count: usize) {
    if count > 0 {
        counter!("tickcast_bus_unwritten_total", "what" => what).increment(count as u64);
    }
}
