//! What a client is told. All keys of a type are always present, `null` when unknown.

use super::{Close, CloseCode, ErrorCode, Id, PROTOCOL};
use crate::{
    bus::{Body, Excluded, IndexSource, Record, Stamp},
    clock::Micros,
    market::{Pattern, Price, Quantity, Source, State, Ticker, Topic},
};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// A message of the server, except for the values themselves.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage<'a, L: Serialize> {
    /// The first message of a connection.
    Welcome {
        /// [`PROTOCOL`].
        protocol: &'static str,
        /// Always `tickcast`.
        server: &'static str,
        /// The server's version.
        version: &'static str,
        /// Names this connection in the server's logs.
        connection_id: &'a str,
        /// The server's clock.
        time: Micros,
        /// How often the server pings.
        heartbeat_ms: u64,
        /// The limits in force.
        limits: &'a L,
        /// What this server offers beyond the protocol's core.
        features: &'a [&'a str],
    },
    /// The answer to `{"op":"ping"}`.
    Pong {
        /// The request's.
        id: Option<&'a Id>,
        /// The server's clock.
        time: Micros,
    },
    /// The answer to `subscribe`; the present values follow.
    Subscribed {
        /// The request's.
        id: Option<&'a Id>,
        /// Full names and the settings in force.
        topics: Vec<InForce<'a>>,
        /// What the client wrote, to the full name, where the two differ.
        aliases: BTreeMap<&'a str, &'a str>,
        /// Patterns accepted, in full.
        #[serde(serialize_with = "pattern_texts")]
        #[schemars(with = "Vec<String>")]
        patterns: Vec<&'a Pattern>,
        /// What could not be subscribed, as the client wrote it.
        rejected: Vec<Rejected<'a>>,
    },
    /// All present values of a subscription have been sent.
    Synced {
        /// The request's.
        id: Option<&'a Id>,
    },
    /// The answer to `unsubscribe`.
    Unsubscribed {
        /// The request's.
        id: Option<&'a Id>,
        /// Topics and patterns, in full.
        topics: Vec<&'a str>,
    },
    /// The answer to `list`.
    Subscriptions {
        /// The request's.
        id: Option<&'a Id>,
        /// Topics and the settings in force.
        topics: Vec<InForce<'a>>,
        /// Patterns.
        #[serde(serialize_with = "pattern_texts")]
        #[schemars(with = "Vec<String>")]
        patterns: Vec<&'a Pattern>,
    },
    /// The answer to `topics`.
    Topics {
        /// The request's.
        id: Option<&'a Id>,
        /// One page of the registry.
        topics: &'a [Topic],
        /// To be sent for the next page.
        cursor: Option<&'a str>,
    },
    /// The answer to `auth`: the connection may do what the token says.
    Authorized {
        /// The request's.
        id: Option<&'a Id>,
        /// When another token is due; none if never.
        expires: Option<Micros>,
    },
    /// New topics joined a pattern.
    TopicsAdded(Added<'a>),
    /// A topic, an exchange or the bus changed its state.
    Status {
        /// What changed.
        scope: StatusScope,
        /// Its name.
        name: &'a str,
        /// Its state now.
        state: State,
        /// Why.
        reason: &'a str,
        /// Since when.
        since: Option<Micros>,
    },
    /// This client is slow and gets newest values only, or has caught up again.
    Lagging {
        /// Whether it lags now.
        active: bool,
        /// When it fell behind.
        since: Micros,
        /// Values that newer ones replaced unsent since then.
        skipped: u64,
    },
    /// A request could not be served; the connection stays open.
    Error(ErrorMessage<'a>),
    /// The last message before the server closes.
    Closing(Closing),
}

/// A topic with the settings in force.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InForce<'a> {
    /// Full name.
    pub topic: &'a Topic,
    /// At most one message in that time; 0 = every update.
    pub interval_ms: u32,
    /// Smallest move worth a message; 0 = any.
    pub min_change_bps: u32,
    /// At least one message in that time while a change filter is set.
    pub max_silence_ms: u32,
}

/// A topic that could not be subscribed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rejected<'a> {
    /// What the client wrote.
    pub topic: &'a str,
    /// What kind of mistake.
    pub code: ErrorCode,
    /// What to change, for a human.
    pub message: String,
}

/// New topics that joined a pattern.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Added<'a> {
    /// The pattern in full.
    pub pattern: &'a str,
    /// Full names.
    pub topics: &'a [&'a Topic],
}

/// What a `status` message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusScope {
    /// One topic.
    Topic,
    /// All topics of an exchange.
    Exchange,
    /// All topics.
    Bus,
}

/// Why a request could not be served.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorMessage<'a> {
    /// The request's.
    pub id: Option<&'a Id>,
    /// What kind of mistake.
    pub code: ErrorCode,
    /// What to change, for a human.
    pub message: &'a str,
    /// The key that is wrong.
    pub field: Option<&'a str>,
    /// When to try again.
    pub retry_after_ms: Option<u64>,
}

/// Announces a close.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Closing {
    /// The status code of the close frame that follows.
    #[schemars(with = "CloseCode")]
    pub code: u16,
    /// Its reason.
    pub reason: &'static str,
    /// Whether to come back.
    pub reconnect: bool,
    /// How long to wait before.
    pub reconnect_after_ms: Option<u64>,
}

impl Closing {
    /// The announcement of a close.
    #[must_use]
    pub fn of(close: Close, reconnect_after_ms: Option<u64>) -> Self {
        Self {
            code: close.code(),
            reason: close.reason(),
            reconnect: close.reconnect(),
            reconnect_after_ms,
        }
    }
}

/// A ticker as every client sees it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename = "ticker")]
pub struct TickerMessage<'a> {
    /// Full name.
    topic: &'a Topic,
    /// Its exchange, or `index`.
    exchange: &'a str,
    /// Base and quote, as in `BTC-USDT`.
    symbol: &'a str,
    /// Last traded price, or the index, in the quote currency.
    last_price: Option<Price>,
    /// Best bid.
    bid_price: Option<Price>,
    /// Size at the best bid, in the base currency.
    bid_qty: Option<Quantity>,
    /// Best ask.
    ask_price: Option<Price>,
    /// Size at the best ask.
    ask_qty: Option<Quantity>,
    /// Price 24 hours ago.
    open_24h: Option<Price>,
    /// Highest price of the last 24 hours.
    high_24h: Option<Price>,
    /// Lowest price of the last 24 hours.
    low_24h: Option<Price>,
    /// Traded in the last 24 hours, in the base currency.
    volume_24h: Option<Quantity>,
    /// The same in the quote currency.
    quote_volume_24h: Option<Quantity>,
    /// How far the value may be believed.
    state: State,
    /// The venue's WebSocket, or its REST interface.
    source: Source,
    /// True for everything that comes from a simulated venue.
    simulated: bool,
    /// When the venue made the quote.
    exchange_ts: Option<Micros>,
    /// When the venue last matched a trade.
    trade_ts: Option<Micros>,
    /// When the feed received it.
    received_ts: Option<Micros>,
    /// When the feed published it.
    published_ts: Micros,
    /// Steps when another feed takes over.
    epoch: u64,
    /// Counts the topic's values within an epoch; holes are conflation, not loss.
    seq: u64,
    /// Of an index only: whose prices it is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<&'a [IndexSource]>,
    /// Of an index only: whose it leaves out, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    excluded: Option<&'a [Excluded]>,
}

impl<'a> TickerMessage<'a> {
    /// The message for a topic's value, in the state that the gateway may vouch for.
    #[must_use]
    pub fn new(topic: &'a Topic, record: &'a Record, ticker: &Ticker, state: State) -> Self {
        let Stamp { epoch, seq } = record.stamp;
        let index = match &record.body {
            Body::Index(index) => Some(index),
            Body::Ticker(_) | Body::Kline(_) => None,
        };
        Self {
            topic,
            exchange: topic.exchange(),
            symbol: topic.symbol(),
            last_price: ticker.last_price,
            bid_price: ticker.bid_price,
            bid_qty: ticker.bid_qty,
            ask_price: ticker.ask_price,
            ask_qty: ticker.ask_qty,
            open_24h: ticker.open_24h,
            high_24h: ticker.high_24h,
            low_24h: ticker.low_24h,
            volume_24h: ticker.volume_24h,
            quote_volume_24h: ticker.quote_volume_24h,
            state,
            source: ticker.source,
            simulated: ticker.simulated,
            exchange_ts: ticker.exchange_ts,
            trade_ts: ticker.trade_ts,
            received_ts: ticker.received_ts,
            published_ts: record.published,
            epoch,
            seq,
            sources: index.map(|it| it.sources.as_slice()),
            excluded: index.map(|it| it.excluded.as_slice()),
        }
    }
}

fn pattern_texts<S: Serializer>(patterns: &[&Pattern], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(patterns.iter().map(|pattern| pattern.as_str()))
}

/// A message without `limits` still needs their type.
pub type Plain<'a> = ServerMessage<'a, ()>;

impl<'a, L: Serialize> ServerMessage<'a, L> {
    /// The first message of a connection.
    #[must_use]
    pub fn welcome(
        connection_id: &'a str,
        time: Micros,
        heartbeat_ms: u64,
        limits: &'a L,
        features: &'a [&'a str],
    ) -> Self {
        Self::Welcome {
            protocol: PROTOCOL,
            server: "tickcast",
            version: env!("CARGO_PKG_VERSION"),
            connection_id,
            time,
            heartbeat_ms,
            limits,
            features,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lagging_is_written_as_the_protocol_says() {
        let message = Plain::Lagging { active: true, since: Micros(17), skipped: 12 };
        let json = serde_json::to_string(&message).unwrap();
        assert_eq!(json, r#"{"type":"lagging","active":true,"since":17,"skipped":12}"#);
    }
}
