//! What one can subscribe to: `<channel>:<exchange>:<symbol>[:<interval>]`.

use super::{
    ExchangeId, Interval, ParseError, Symbol, exchange::is_exchange, symbol::is_symbol, written,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

/// The first part of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Last price and best quotes.
    Ticker,
    /// Open, high, low and close of an interval.
    Kline,
}

impl Channel {
    /// The channel's name in a topic.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ticker => "ticker",
            Self::Kline => "kline",
        }
    }
}

/// A full topic name, checked: its parts exist and are well formed. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(
    description = "A full name: `ticker:exchange:symbol` or `kline:exchange:symbol:interval`.",
    extend("pattern" = written::topic(), "examples" = ["ticker:kucoin:BTC-USDT"])
)]
pub struct Topic(Arc<str>);

impl Topic {
    /// The ticker of a symbol on an exchange.
    #[must_use]
    pub fn ticker(exchange: &ExchangeId, symbol: &Symbol) -> Self {
        Self(format!("ticker:{exchange}:{symbol}").into())
    }

    /// The bars of a symbol on an exchange.
    #[must_use]
    pub fn kline(exchange: &ExchangeId, symbol: &Symbol, interval: Interval) -> Self {
        Self(format!("kline:{exchange}:{symbol}:{interval}").into())
    }

    /// The bars that are made of this ticker; of a kline topic, another interval's.
    #[must_use]
    pub fn to_kline(&self, interval: Interval) -> Self {
        Self(format!("kline:{}:{}:{interval}", self.exchange(), self.symbol()).into())
    }

    /// A topic as a client may write it: in full, or a bare symbol, which means the ticker of the
    /// default exchange.
    ///
    /// # Errors
    /// [`ParseError::Topic`] when it is neither.
    pub fn parse_client(text: &str, default_exchange: &ExchangeId) -> Result<Self, ParseError> {
        match text.parse::<Symbol>() {
            Ok(symbol) => Ok(Self::ticker(default_exchange, &symbol)),
            Err(_) => text.parse(),
        }
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Ticker or kline.
    #[must_use]
    pub fn channel(&self) -> Channel {
        if self.0.starts_with("kline:") { Channel::Kline } else { Channel::Ticker }
    }

    /// The exchange's name.
    #[must_use]
    pub fn exchange(&self) -> &str {
        self.part(1)
    }

    /// The symbol, `BASE-QUOTE`.
    #[must_use]
    pub fn symbol(&self) -> &str {
        self.part(2)
    }

    /// The length of a kline topic's bars.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        self.0.split(':').nth(3)?.parse().ok()
    }

    /// A topic has at least three parts by construction.
    fn part(&self, n: usize) -> &str {
        self.0.split(':').nth(n).unwrap_or("")
    }
}

fn is_topic(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(5, ':').collect();
    match parts[..] {
        ["ticker", exchange, symbol] => is_exchange(exchange) && is_symbol(symbol),
        ["kline", exchange, symbol, interval] => {
            is_exchange(exchange) && is_symbol(symbol) && interval.parse::<Interval>().is_ok()
        }
        _ => false,
    }
}

impl FromStr for Topic {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if is_topic(text) { Ok(Self(text.into())) } else { Err(ParseError::Topic(text.into())) }
    }
}

impl TryFrom<String> for Topic {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> Self {
        topic.0.as_ref().into()
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_parts() {
        let topic: Topic = "kline:binance:ETH-USDT:1m".parse().unwrap();
        assert_eq!(topic.channel(), Channel::Kline);
        assert_eq!((topic.exchange(), topic.symbol()), ("binance", "ETH-USDT"));
        assert_eq!(topic.interval(), Some(Interval::M1));
        assert_eq!(topic.to_kline(Interval::D1).as_str(), "kline:binance:ETH-USDT:1d");
    }

    #[test]
    fn takes_a_bare_symbol_for_the_default_exchange() {
        let kucoin = "kucoin".parse().unwrap();
        let topic = Topic::parse_client("BTC-USDT", &kucoin).unwrap();
        assert_eq!(topic.as_str(), "ticker:kucoin:BTC-USDT");
        assert!(Topic::parse_client("btc", &kucoin).is_err());
    }

    #[test]
    fn refuses_unknown_channels_and_intervals() {
        for text in ["trade:kucoin:BTC-USDT", "kline:kucoin:BTC-USDT", "kline:kucoin:BTC-USDT:2m"] {
            assert!(text.parse::<Topic>().is_err(), "{text}");
        }
        assert!("ticker:kucoin:BTC-USDT:1m".parse::<Topic>().is_err());
        assert!("ticker:Kucoin:BTC-USDT".parse::<Topic>().is_err());
    }
}
