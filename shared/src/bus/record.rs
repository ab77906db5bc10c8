//! What the cache holds for a topic.

use super::Group;
use crate::{
    clock::Micros,
    market::{Bar, ExchangeId, Price, Reason, Source, Ticker},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The place of a value in its topic's history; compared epoch first.
#[derive(
    Debug, Clone, Copy, Default, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash,
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

/// The value of a topic. A build that does not know a variant skips such values and shows the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A ticker's full state.
    Ticker(Ticker),
    /// A ticker made of several venues' tickers.
    Index(Index),
    /// The newest bar of a kline topic, open or closed.
    Kline(Bar),
}

impl Body {
    /// The ticker in it; a kline has none.
    #[must_use]
    pub fn ticker(&self) -> Option<&Ticker> {
        match self {
            Self::Ticker(ticker) | Self::Index(Index { ticker, .. }) => Some(ticker),
            Self::Kline(_) => None,
        }
    }

    /// The bar in it, if it is a kline.
    #[must_use]
    pub fn bar(&self) -> Option<&Bar> {
        match self {
            Self::Kline(bar) => Some(bar),
            Self::Ticker(_) | Self::Index(_) => None,
        }
    }
}

/// The price of a symbol across venues (`truth.md` 14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// `last_price` is the index; bid and ask are unknown.
    pub ticker: Ticker,
    /// Whose prices it is the median of.
    pub sources: Vec<IndexSource>,
    /// Whose prices are left out.
    pub excluded: Vec<Excluded>,
}

/// A venue's share in an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IndexSource {
    /// Which venue.
    pub exchange: ExchangeId,
    /// The middle of its quote.
    pub price: Price,
    /// When the feed received it.
    pub received_ts: Micros,
}

/// A venue that an index leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Excluded {
    /// Which venue.
    pub exchange: ExchangeId,
    /// Why: a short snake_case code.
    pub reason: Reason,
}

/// Whether a feed's link to a venue delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
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
