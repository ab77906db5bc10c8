//! The exchanges that can be simulated, and what differs between them as plain values.

use std::{fmt, time::Duration};

/// A simulated exchange; a closed set, each with its own protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
#[value(rename_all = "lower")]
pub enum Exchange {
    /// KuCoin spot.
    Kucoin,
    /// Binance spot.
    Binance,
    /// OKX v5 spot.
    Okx,
    /// Coinbase Exchange.
    Coinbase,
    /// Kraken spot, protocol v2.
    Kraken,
    /// Bybit v5 spot.
    Bybit,
}

impl Exchange {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Kucoin, Self::Binance, Self::Okx, Self::Coinbase, Self::Kraken, Self::Bybit];

    /// Its name in topics and settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kucoin => "kucoin",
            Self::Binance => "binance",
            Self::Okx => "okx",
            Self::Coinbase => "coinbase",
            Self::Kraken => "kraken",
            Self::Bybit => "bybit",
        }
    }

    /// How the exchange itself writes a pair.
    #[must_use]
    pub fn spelling(self, base: &str, quote: &str) -> String {
        match self {
            Self::Kucoin | Self::Okx | Self::Coinbase => format!("{base}-{quote}"),
            Self::Binance | Self::Bybit => format!("{base}{quote}"),
            Self::Kraken => format!("{base}/{quote}"),
        }
    }

    /// How often a symbol's summary (last price and volume) comes beside its quotes, if it does:
    /// Binance `@ticker` and Bybit `tickers` every second, KuCoin `/market/snapshot` every two,
    /// Kraken a `trade` now and then.
    #[must_use]
    pub fn summary_period(self) -> Option<Duration> {
        match self {
            Self::Kucoin => Some(Duration::from_secs(2)),
            Self::Binance | Self::Kraken | Self::Bybit => Some(Duration::from_secs(1)),
            Self::Okx | Self::Coinbase => None,
        }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How patient an exchange is. The defaults are the real exchanges' figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// KuCoin: the `pingInterval` it announces. Binance: how often it pings. OKX: unused.
    /// Coinbase, Kraken: how often a heartbeat comes. Bybit: how long a quote may stay the same
    /// until it is sent again.
    pub ping_interval: Duration,
    /// KuCoin: the `pingTimeout` it announces; a client is dropped after both together.
    /// Binance: how long it waits for a pong. OKX: how long a connection may carry nothing.
    /// Coinbase, Kraken: how long a client may take to subscribe to something. Bybit: how long it
    /// may say nothing.
    pub patience: Duration,
}

impl Timings {
    /// The real exchange's figures.
    #[must_use]
    pub fn of(exchange: Exchange) -> Self {
        let (interval, patience) = match exchange {
            Exchange::Kucoin => (18, 10),
            Exchange::Binance => (20, 60),
            Exchange::Okx => (30, 30),
            Exchange::Coinbase => (1, 5),
            Exchange::Kraken => (1, 60),
            Exchange::Bybit => (3, 600),
        };
        Self {
            ping_interval: Duration::from_secs(interval),
            patience: Duration::from_secs(patience),
        }
    }
}
