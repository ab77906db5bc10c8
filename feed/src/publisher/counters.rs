//! The metrics of the publisher, in one place.

use crate::metrics;
use std::time::Duration;
use tickcast_shared::bus::Error;

/// So many values and removals are written.
pub(crate) fn published(updates: u64) {
    metrics::PUBLISHED.of([]).increment(updates);
}

/// One call with everything that had gathered succeeded.
pub(crate) fn batch(took: Duration) {
    metrics::BATCHES.of([]).increment(1);
    metrics::BUS_WRITE.of([]).record(took.as_secs_f64());
}

/// Everything that has come until now is written; the oldest of it came so long ago.
pub(crate) fn written(delay: Duration) {
    metrics::BUS_DELAY.of([]).record(delay);
}

/// A write failed, and so many updates with it; what is newest of them is written again.
pub(crate) fn unconfirmed(updates: u64) {
    metrics::UNCONFIRMED.of([]).increment(updates);
}

/// Older states gave way to newer ones before they could be published.
pub(crate) fn conflated(updates: u64) {
    metrics::CONFLATED.of([]).increment(updates);
}

/// Closed bars were given up: nothing could be written for too long.
pub(crate) fn bars_lost(bars: u64) {
    metrics::BARS_LOST.of([]).increment(bars);
}

/// A call to the bus failed.
pub(crate) fn failed(error: &Error) {
    let kind = match error {
        Error::Fenced => "fenced",
        Error::Refused(_) => "refused",
        Error::Link(_) => "link",
        Error::Unusable(_) => "unusable",
    };
    metrics::BUS_ERRORS.of([kind]).increment(1);
}

/// The group was taken over, and what the cache held of it went out as stale (`truth.md` 9).
pub(crate) fn taken_over() {
    metrics::TAKEOVERS.of([]).increment(1);
}

/// A heartbeat went out on every shard.
pub(crate) fn heartbeat() {
    metrics::HEARTBEATS.of([]).increment(1);
}

/// The epoch that this feed writes under, and whether it is the one that writes; 0 while it does not
/// hold its group.
pub(crate) fn epoch(epoch: u64) {
    // An epoch is about 1.8e12; doubles are exact to 9e15.
    metrics::EPOCH.of([]).set(epoch as f64);
    metrics::ACTIVE.of([]).set(f64::from(u8::from(epoch > 0)));
}
