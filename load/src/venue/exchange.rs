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
}

impl Exchange {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Kucoin, Self::Binance, Self::Okx];

    /// Its name in topics and settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kucoin => "kucoin",
            Self::Binance => "binance",
            Self::Okx => "okx",
        }
    }

    /// How the exchange itself writes a pair.
    #[must_use]
    pub fn spelling(self, base: &str, quote: &str) -> String {
        match self {
            Self::Kucoin | Self::Okx => format!("{base}-{quote}"),
            Self::Binance => format!("{base}{quote}"),
        }
    }

    /// How often a symbol's summary (last price and volume) comes beside its quotes, if it does:
    /// Binance `@ticker` every second, KuCoin `/market/snapshot` every two.
    #[must_use]
    pub fn summary_period(self) -> Option<Duration> {
        match self {
            Self::Kucoin => Some(Duration::from_secs(2)),
            Self::Binance => Some(Duration::from_secs(1)),
            Self::Okx => None,
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
    pub ping_interval: Duration,
    /// KuCoin: the `pingTimeout` it announces; a client is dropped after both together.
    /// Binance: how long it waits for a pong. OKX: how long a connection may carry nothing.
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
        };
        Self {
            ping_interval: Duration::from_secs(interval),
            patience: Duration::from_secs(patience),
        }
    }
}
