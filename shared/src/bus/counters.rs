//! The metrics of the bus, in one place.

use crate::metric::table;

/// Something on the bus could not be decoded and was skipped; `what` is `value`, `topic`,
/// `heartbeat` or `message`.
pub(super) fn undecodable(what: &'static str) {
    table::BUS_UNDECODABLE.of([what]).increment(1);
}

/// A message was dropped because the reader's queue was full; the hole in `n` makes it visible.
pub(super) fn overflowed() {
    table::BUS_OVERFLOW.of([]).increment(1);
}

/// The link to the bus was lost.
pub(super) fn link_lost() {
    table::BUS_LINK_LOSSES.of([]).increment(1);
}

/// A shard's snapshot was taken, or could not be.
pub(super) fn snapshot(result: &'static str) {
    table::BUS_SNAPSHOTS.of([result]).increment(1);
}

/// How many shards of a cluster the writer cannot write at present.
pub(super) fn lost_shards(shards: usize) {
    table::BUS_LOST_SHARDS.of([]).set(f64::from(u32::try_from(shards).unwrap_or(u32::MAX)));
}

/// Something was not written because its shard is lost; `what` is `values` (all are written again
/// when the shard is back) or `bars` (too many to keep).
pub(super) fn unwritten(what: &'static str, count: usize) {
    if count > 0 {
        table::BUS_UNWRITTEN.of([what]).increment(count as u64);
    }
}
