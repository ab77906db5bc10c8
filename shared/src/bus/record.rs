//! What the cache holds for a topic.

use super::Group;
use crate::{
    clock::Micros,
    market::{ExchangeId, Reason, Source, Ticker},
};
use serde::{Deserialize, Serialize};

/// The place of a value in its topic's history; compared epoch first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Stamp {
    /// Steps whenever another writer takes the group over.
    pub epoch: u64,
    /// Counts a topic's values within an epoch.
    pub seq: u64,
}

/// A topic's last value with everything that a gateway needs to judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose writer wrote it.
    pub group: Group,
    /// Its place in the topic's history.
    pub stamp: Stamp,
    /// When the feed sealed it.
    pub published: Micros,
    /// The value.
    pub body: Body,
}

/// The value of a topic, one variant a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A ticker's full state.
    Ticker(Ticker),
}

impl Body {
    /// The ticker in it.
    #[must_use]
    pub fn ticker(&self) -> &Ticker {
        let Self::Ticker(ticker) = self;
        ticker
    }
}

/// Whether a feed's link to a venue delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Not connected yet.
    Pending,
    /// Connected and proven within the venue's limit.
    Live,
    /// Down; being dialled again.
    Stale,
    /// The venue is closed or refuses us for good.
    Halted,
}

/// One venue's link as the feed sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// Which venue.
    pub exchange: ExchangeId,
    /// Whether it delivers.
    pub state: LinkState,
    /// Why it is in that state.
    pub reason: Reason,
    /// Since when.
    pub since: Micros,
    /// Last proof of life on the writer's clock: any frame the venue must send.
    pub proven: Option<Micros>,
    /// How often the link was dialled again after having been up.
    pub reconnects: u64,
    /// Stream or REST.
    pub source: Source,
}
