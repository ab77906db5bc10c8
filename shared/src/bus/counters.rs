//! The metrics of the bus's reading half, in one place.

use metrics::counter;

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
