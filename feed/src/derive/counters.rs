//! The metrics of what is derived, in one place.

use metrics::counter;
use tickcast_shared::market::{ExchangeId, Interval, Reason};

/// An index has no value any more.
pub(super) fn index_stale(reason: &Reason) {
    counter!("tickcast_feed_index_stale_total", "reason" => reason.to_string()).increment(1);
}

/// A venue is left out of an index for being too far from the others.
pub(super) fn index_outlier(exchange: &ExchangeId) {
    counter!("tickcast_feed_index_outliers_total", "exchange" => exchange.to_string()).increment(1);
}

/// A bar is closed.
pub(super) fn bar_closed(interval: Interval, complete: bool) {
    let complete = if complete { "true" } else { "false" };
    counter!(
        "tickcast_feed_bars_closed_total",
        "interval" => interval.as_str(), "complete" => complete
    )
    .increment(1);
}

/// A price came for a bar that is closed.
pub(super) fn late() {
    counter!("tickcast_feed_kline_late_total").increment(1);
}

/// A bar was begun by another writer and is gone on with.
pub(super) fn bar_inherited() {
    counter!("tickcast_feed_bars_inherited_total").increment(1);
}

/// Prices were passed over before any bar saw them.
pub(super) fn missed() {
    counter!("tickcast_feed_kline_gaps_total").increment(1);
}
