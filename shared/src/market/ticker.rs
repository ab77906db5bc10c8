//! One topic's full state: the price, and how far it may be believed.

use super::{Price, Quantity};
use crate::clock::Micros;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// How far a value may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Announced, nothing received yet.
    Pending,
    /// Backed by proof of life within the venue's limit.
    Live,
    /// The last known value; the reason says what is missing.
    Stale,
    /// The venue does not trade it, or it is no longer configured.
    Halted,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The venue's WebSocket.
    Stream,
    /// The venue's REST interface.
    Poll,
}

/// Why a topic, an exchange or the bus is in its state: a short snake_case code.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// All is well; the reason of `live`.
    pub const NONE: Self = Self::new("none");
    /// Announced, and no value has come yet.
    pub const AWAITING_DATA: Self = Self::new("awaiting_data");
    /// The feed took over and has not heard from the venue yet.
    pub const RESTART: Self = Self::new("restart");
    /// The feed's connection to the venue is down.
    pub const LINK_LOST: Self = Self::new("link_lost");
    /// The venue's REST tells another price than its silent subscription, or cannot be asked.
    pub const SUBSCRIPTION_LOST: Self = Self::new("subscription_lost");
    /// The venue's quotes crossed for longer than a moment.
    pub const CROSSED: Self = Self::new("crossed");
    /// The venue's price has jumped, and nothing confirms it yet.
    pub const UNCONFIRMED: Self = Self::new("unconfirmed");
    /// The topic is no longer configured.
    pub const UNCONFIGURED: Self = Self::new("unconfigured");
    /// The venue says that it trades nothing now.
    pub const MAINTENANCE: Self = Self::new("maintenance");
    /// The venue refused or does not list the symbol.
    pub const NOT_LISTED: Self = Self::new("not_listed");
    /// The venue refuses this region.
    pub const REGION_REFUSED: Self = Self::new("region_refused");
    /// The gateway cannot reach the bus.
    pub const BUS_LOST: Self = Self::new("bus_lost");
    /// The feed's heartbeats have stopped.
    pub const FEED_LOST: Self = Self::new("feed_lost");
    /// A cached value whose feed has not yet proven that it lives.
    pub const UNPROVEN: Self = Self::new("unproven");
    /// Fewer venues than an index needs have a price that counts.
    pub const QUORUM: Self = Self::new("quorum");
    /// The two venues of an index are too far apart.
    pub const DISAGREE: Self = Self::new("disagree");
    /// Left out of an index: nothing received yet.
    pub const PENDING: Self = Self::new("pending");
    /// Left out of an index: the venue's price is stale.
    pub const STALE: Self = Self::new("stale");
    /// Left out of an index: the venue does not trade the symbol.
    pub const HALTED: Self = Self::new("halted");
    /// Left out of an index: bid or ask is unknown.
    pub const NO_QUOTE: Self = Self::new("no_quote");
    /// Left out of an index: bid and ask are too far apart.
    pub const WIDE_SPREAD: Self = Self::new("wide_spread");
    /// Left out of an index: too far from the other venues.
    pub const OUTLIER: Self = Self::new("outlier");

    const fn new(code: &'static str) -> Self {
        Self(Cow::Borrowed(code))
    }

    /// The code itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The full state of one ticker topic. `None` means unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticker {
    /// The venue's own name of the symbol, such as `BTCUSDT`.
    pub venue_symbol: String,
    /// Last traded price, in the quote currency.
    pub last_price: Option<Price>,
    /// Best bid, in the quote currency.
    pub bid_price: Option<Price>,
    /// Size at the best bid, in the base currency.
    pub bid_qty: Option<Quantity>,
    /// Best ask, in the quote currency.
    pub ask_price: Option<Price>,
    /// Size at the best ask, in the base currency.
    pub ask_qty: Option<Quantity>,
    /// Price 24 hours ago.
    pub open_24h: Option<Price>,
    /// Highest price of the last 24 hours.
    pub high_24h: Option<Price>,
    /// Lowest price of the last 24 hours.
    pub low_24h: Option<Price>,
    /// Traded in the last 24 hours, in the base currency.
    pub volume_24h: Option<Quantity>,
    /// Traded in the last 24 hours, in the quote currency.
    pub quote_volume_24h: Option<Quantity>,
    /// How far the value may be believed.
    pub state: State,
    /// Why it is in that state.
    pub reason: Reason,
    /// Since when it is in that state.
    pub state_since: Micros,
    /// Stream or REST.
    pub source: Source,
    /// True for everything that comes from a simulated venue.
    pub simulated: bool,
    /// When the venue made the quote.
    pub exchange_ts: Option<Micros>,
    /// When the venue last matched a trade.
    pub trade_ts: Option<Micros>,
    /// When the feed received the last message that changed or confirmed the value.
    pub received_ts: Option<Micros>,
}

impl Ticker {
    /// A ticker that has been announced and has no value yet.
    #[must_use]
    pub fn pending(venue_symbol: &str, simulated: bool, now: Micros) -> Self {
        Self {
            venue_symbol: venue_symbol.to_owned(),
            last_price: None,
            bid_price: None,
            bid_qty: None,
            ask_price: None,
            ask_qty: None,
            open_24h: None,
            high_24h: None,
            low_24h: None,
            volume_24h: None,
            quote_volume_24h: None,
            state: State::Pending,
            reason: Reason::AWAITING_DATA,
            state_since: now,
            source: Source::Stream,
            simulated,
            exchange_ts: None,
            trade_ts: None,
            received_ts: None,
        }
    }

    /// Moves to another state; `state_since` changes only if the state or the reason does.
    pub fn enter(&mut self, state: State, reason: Reason, now: Micros) {
        if self.state != state || self.reason != reason {
            self.state = state;
            self.reason = reason;
            self.state_since = now;
        }
    }

    /// Whether there is anything to show: a last price or both sides of a quote (`truth.md` 2).
    #[must_use]
    pub fn is_priced(&self) -> bool {
        self.last_price.is_some() || (self.bid_price.is_some() && self.ask_price.is_some())
    }
}
