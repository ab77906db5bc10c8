//! Bars as every client sees them.

use crate::{
    bus::Stamp,
    market::{Bar, Topic},
};
use schemars::JsonSchema;
use serde::Serialize;

/// A bar in progress, or one that has just closed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename = "kline")]
pub struct KlineMessage<'a> {
    /// Full name.
    topic: &'a Topic,
    /// The bar as it is now.
    bar: &'a Bar,
    /// Steps when another feed takes over.
    epoch: u64,
    /// Counts the topic's values within an epoch.
    seq: u64,
}

impl<'a> KlineMessage<'a> {
    /// The message for a topic's newest bar.
    #[must_use]
    pub fn new(topic: &'a Topic, stamp: Stamp, bar: &'a Bar) -> Self {
        Self { topic, bar, epoch: stamp.epoch, seq: stamp.seq }
    }
}

/// Closed bars, oldest first: how a subscription begins, and what closed while it was interrupted.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename = "klines")]
pub struct KlinesMessage<'a> {
    /// Whose bars.
    pub topic: &'a Topic,
    /// The bars.
    pub bars: &'a [Bar],
}
