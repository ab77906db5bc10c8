//! The bodies of REST answers, as they are written and as the specification describes them.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use tickcast_shared::{
    clock::Micros,
    market::{ExchangeId, Reason, Source, State, Topic},
    protocol::ErrorCode,
};

/// The answer of `/v1/prices`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Prices {
    /// Each as `/v1/price/{symbol}` answers it.
    #[schemars(with = "Vec<crate::prices::Price<'static>>")]
    pub prices: Vec<Box<RawValue>>,
    /// Symbols that no feed has announced, as they were asked for.
    pub missing: Vec<String>,
}

/// The answer of `/v1/topics`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Topics {
    /// Full names, in order.
    pub topics: Vec<Topic>,
    /// To be sent for the next page; none at the end.
    pub cursor: Option<String>,
}

/// The answer of `/v1/symbols`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Symbols {
    /// All symbols of all exchanges, or of the one asked for.
    pub symbols: Vec<SymbolRow>,
}

/// A symbol of an exchange.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SymbolRow {
    /// Base and quote, as in `BTC-USDT`.
    pub symbol: String,
    /// Its exchange, or `index`.
    pub exchange: String,
    /// What is priced.
    pub base: String,
    /// In what.
    pub quote: String,
    /// The venue's own name of it.
    pub venue_symbol: String,
    /// How far its price may be believed.
    pub state: State,
    /// Whether it comes from a simulated venue.
    pub simulated: bool,
}

/// The answer of `/v1/exchanges`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Exchanges {
    /// All of them.
    pub exchanges: Vec<ExchangeRow>,
}

/// How an exchange is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExchangeRow {
    /// Its name.
    pub exchange: ExchangeId,
    /// Its state now.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Option<Micros>,
    /// When it last proved that it is alive.
    pub last_received: Option<Micros>,
    /// Reconnects of its feed since that was started.
    pub reconnects: u64,
    /// Whether prices come by WebSocket or REST now.
    pub source: Source,
}

/// The body of every refusal.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Refusal")]
pub struct Mistake {
    /// What was wrong.
    pub error: Explained,
}

/// What was wrong with a request.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RefusalCause")]
pub struct Explained {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what to change.
    pub message: String,
}
