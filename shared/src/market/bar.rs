//! One bar of a kline: open, high, low and close of an interval.

use super::Price;
use crate::clock::Micros;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a bar was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BarSource {
    /// From the tickers that the feed published.
    Ticker,
    /// By the venue, back-filled from its REST interface.
    Venue,
}

/// A bar. There is no volume: a difference of 24-hour volumes is not one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bar {
    /// When it begins, aligned to UTC.
    pub open_time: Micros,
    /// When it ends: the next one's `open_time`.
    pub close_time: Micros,
    /// First price in it.
    pub open: Price,
    /// Highest price in it.
    pub high: Price,
    /// Lowest price in it.
    pub low: Price,
    /// Last price in it.
    pub close: Price,
    /// Prices that went into it; 0 where its venue made it.
    pub ticks: u64,
    /// Whether it is final.
    pub closed: bool,
    /// Whether it was seen from its beginning to its end.
    pub complete: bool,
    /// Who made it.
    pub source: BarSource,
}
