//! The part of the gateway's messages that a terminal needs. Unknown types, keys and states are
//! not errors: the protocol grows by addition.

use serde::{Deserialize, de::IgnoredAny};
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Price},
};

/// A message of the gateway.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Incoming {
    /// The first message of a connection.
    Welcome(Welcome),
    /// The answer to our subscription.
    Subscribed(Subscribed),
    /// A topic's full state.
    Ticker(Box<Quote>),
    /// A bar in progress, or one that has just closed.
    Kline {
        /// Whose.
        topic: String,
        /// The bar.
        bar: Bar,
    },
    /// Bars that have closed, oldest first.
    Klines {
        /// Whose.
        topic: String,
        /// The bars.
        bars: Vec<Bar>,
    },
    /// This client is slow.
    Lagging {
        /// Or was, until now.
        active: bool,
    },
    /// A topic, an exchange or the bus is in another state.
    Status(Status),
    /// New listings joined a pattern.
    TopicsAdded {
        /// As it was subscribed to.
        pattern: String,
        /// What joined it.
        topics: Vec<IgnoredAny>,
    },
    /// A request could not be served.
    Error {
        /// What kind of mistake.
        code: String,
        /// What to change.
        message: String,
    },
    /// The gateway is about to close.
    Closing(Advice),
    /// Anything else.
    #[serde(other)]
    Other,
}

/// How a gateway greets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Welcome {
    /// What it calls itself.
    #[serde(default)]
    pub server: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// Its clock.
    pub time: Micros,
    /// How often it asks for a sign of life.
    pub heartbeat_ms: Option<u64>,
}

/// What something is like, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// `topic`, `exchange` or `bus`.
    pub scope: String,
    /// Which.
    pub name: String,
    /// The state.
    pub state: Belief,
    /// A short code; none when all is well.
    pub reason: Option<String>,
}

/// What became of a subscription.
#[derive(Debug, Deserialize)]
pub struct Subscribed {
    /// Accepted topics.
    pub topics: Vec<IgnoredAny>,
    /// Accepted patterns.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// What was refused, and why.
    #[serde(default)]
    pub rejected: Vec<Rejected>,
}

impl Subscribed {
    /// Whether nothing at all was accepted.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.patterns.is_empty()
    }
}

/// A refused topic.
#[derive(Debug, Deserialize)]
pub struct Rejected {
    /// As we wrote it.
    pub topic: String,
    /// What kind of mistake.
    pub code: String,
    /// What to change.
    pub message: String,
}

/// The gateway's word on why it closes and whether to come back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Advice {
    /// The status code of the close frame to come.
    pub code: u16,
    /// Its reason.
    pub reason: String,
    /// Whether to come back.
    pub reconnect: bool,
    /// How long to wait before.
    pub reconnect_after_ms: Option<u64>,
}

/// What a ticker says that fits on a line.
#[derive(Debug, Clone, Deserialize)]
pub struct Quote {
    /// Full name.
    pub topic: String,
    /// Last traded price.
    pub last_price: Option<Price>,
    /// Best bid.
    pub bid_price: Option<Price>,
    /// Best ask.
    pub ask_price: Option<Price>,
    /// How far the price may be believed.
    pub state: Belief,
    /// Whether it comes from a simulated exchange.
    pub simulated: bool,
    /// When the feed last heard of it.
    pub received_ts: Option<Micros>,
    /// Of a kline: its newest bar.
    #[serde(skip)]
    pub bar: Option<Bar>,
}

impl Quote {
    /// A kline's newest bar, which stands on a line like a price.
    pub fn of_bar(topic: String, bar: Bar) -> Self {
        Self {
            topic,
            last_price: Some(bar.close),
            bid_price: None,
            ask_price: None,
            state: Belief::Live,
            simulated: false,
            received_ts: None,
            bar: Some(bar),
        }
    }
}

/// How far a price may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Belief {
    /// It was the price.
    Stale,
    /// It is not traded.
    Halted,
    /// There is none yet.
    Pending,
    /// It is the price now.
    Live,
    /// A state that this program does not know, or nobody to vouch for one: not to be taken for live.
    #[serde(other)]
    Unknown,
}

impl Belief {
    /// Its word; whatever is not live is loud.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stale => "STALE",
            Self::Halted => "HALTED",
            Self::Pending => "pending",
            Self::Live => "live",
            Self::Unknown => "NOT LIVE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_states_yet_unknown_are_no_errors() {
        let other = serde_json::from_str(r#"{"type":"weather","wind":3}"#).unwrap();
        assert!(matches!(other, Incoming::Other));
        let text = r#"{"type":"ticker","topic":"t","last_price":"1.50","bid_price":null,
            "ask_price":null,"state":"auction","simulated":false,"received_ts":null,"new":1}"#;
        let Incoming::Ticker(quote) = serde_json::from_str(text).unwrap() else {
            panic!("a ticker is a ticker")
        };
        assert_eq!(quote.state, Belief::Unknown);
        assert_eq!(quote.last_price.unwrap().to_string(), "1.50");
    }
}
