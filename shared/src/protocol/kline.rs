//! Bars as every client sees them.

use crate::{
    bus::Stamp,
    market::{Bar, Topic},
};
use serde::Serialize;

/// A bar in progress, or one that has just closed.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "kline")]
pub struct KlineMessage<'a> {
    topic: &'a Topic,
    bar: &'a Bar,
    epoch: u64,
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
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "klines")]
pub struct KlinesMessage<'a> {
    /// Whose bars.
    pub topic: &'a Topic,
    /// The bars.
    pub bars: &'a [Bar],
}
