//! The metrics of the publisher, in one place.

use metrics::{counter, gauge, histogram};
use std::time::Duration;
use tickcast_shared::bus::Error;

/// So many values and removals are written.
pub(crate) fn published(updates: u64) {
    counter!("tickcast_feed_published_total").increment(updates);
}

/// One call with everything that had gathered succeeded.
pub(crate) fn batch(took: Duration) {
    counter!("tickcast_feed_batches_total").increment(1);
    histogram!("tickcast_feed_bus_write_seconds").record(took.as_secs_f64());
}

/// A write failed, and so many updates with it; what is newest of them is written again.
pub(crate) fn unconfirmed(updates: u64) {
    counter!("tickcast_feed_unconfirmed_total").increment(updates);
}

/// Older states gave way to newer ones before they could be published.
pub(crate) fn conflated(updates: u64) {
    counter!("tickcast_feed_conflated_total").increment(updates);
}

/// Closed bars were given up: nothing could be written for too long.
pub(crate) fn bars_lost(bars: u64) {
    counter!("tickcast_feed_bars_lost_total").increment(bars);
}

/// A call to the bus failed.
pub(crate) fn failed(error: &Error) {
    let kind = match error {
        Error::Fenced => "fenced",
        Error::Refused(_) => "refused",
        Error::Link(_) => "link",
        Error::Unusable(_) => "unusable",
    };
    counter!("tickcast_feed_bus_errors_total", "kind" => kind).increment(1);
}

/// The group was taken over, and what the cache held of it went out as stale (`truth.md` 9).
pub(crate) fn taken_over() {
    counter!("tickcast_feed_takeovers_total").increment(1);
}

/// A heartbeat went out on every shard.
pub(crate) fn heartbeat() {
    counter!("tickcast_feed_heartbeats_total").increment(1);
}

/// The epoch that this feed writes under, and whether it is the one that writes; 0 while it does not
/// hold its group.
pub(crate) fn epoch(epoch: u64) {
    // An epoch is about 1.8e12; doubles are exact to 9e15.
    gauge!("tickcast_feed_epoch").set(epoch as f64);
    gauge!("tickcast_feed_active").set(f64::from(u8::from(epoch > 0)));
}
