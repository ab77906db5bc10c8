//! The metrics of what is derived, in one place.

use crate::metrics;
use tickcast_shared::market::{ExchangeId, Interval, Reason};

/// An index has no value any more.
pub(super) fn index_stale(reason: &Reason) {
    metrics::INDEX_STALE.of([&reason.to_string()]).increment(1);
}

/// A venue is left out of an index for being too far from the others.
pub(super) fn index_outlier(exchange: &ExchangeId) {
    metrics::INDEX_OUTLIERS.of([&exchange.to_string()]).increment(1);
}

/// A bar is closed.
pub(super) fn bar_closed(interval: Interval, complete: bool) {
    let complete = if complete { "true" } else { "false" };
    metrics::BARS_CLOSED.of([interval.as_str(), complete]).increment(1);
}

/// A price came for a bar that is closed.
pub(super) fn late() {
    metrics::KLINE_LATE.of([]).increment(1);
}

/// A bar was begun by another writer and is gone on with.
pub(super) fn bar_inherited() {
    metrics::BARS_INHERITED.of([]).increment(1);
}

/// Prices were passed over before any bar saw them.
pub(super) fn missed() {
    metrics::KLINE_GAPS.of([]).increment(1);
}
