//! The `[feed]` section: which symbols of which exchanges, and how patient to be.

pub mod error;
pub mod partition;
pub mod plan;
pub mod selection;
pub mod timing;

pub use error::{ConfigError, ConfigErrors};
pub use partition::Partition;
pub use plan::VenuePlan;
pub use selection::Selection;
pub use timing::Timing;

use crate::{backfill::Extent, derive::Rules};
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use tickcast_shared::{bus::Group, market::Interval};

/// Port of the feed's admin listener.
const ADMIN_PORT: u16 = 9091;
/// The group whose topics a feed writes, unless configured otherwise.
const GROUP: &str = "main";
/// Fewest venues that make an index (`truth.md` 14).
const INDEX_QUORUM: usize = 2;
/// Bars of each interval that are asked of the venues at start: what a chart shows at first, for one
/// request of most venues.
const BACKFILL_BARS: usize = 500;
/// More than that would only keep the venues busy.
const MAX_BACKFILL_BARS: usize = 5000;

/// What a pattern of symbols may expand to: more than any venue lists of spot instruments, so that
/// it stops a broken list and nothing else.
const MAX_SYMBOLS: usize = 5000;
/// Refused messages kept on the bus: hours of a venue that goes wrong, some 10 MB of Redis' memory.
const MAX_DEAD_LETTERS: usize = 10_000;

/// The contents of `[feed]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedConfig {
    /// Where operators ask for health, metrics and dead letters.
    pub admin_listen: SocketAddr,
    /// Name of the set of topics that this feed writes; one feed at a time holds it.
    pub group: String,
    /// Which part of the symbols this feed takes, such as `1/3`; all of them where it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// The exchanges, each at most once.
    pub exchange: Vec<ExchangeConfig>,
    /// Symbols that the patterns of one exchange may expand to.
    pub max_symbols: usize,
    /// Whether this feed announces indexes. They are made of its own exchanges, so of several feeds
    /// only one should announce those of a symbol.
    pub index: bool,
    /// Fewest exchanges that make an index; 0: no index.
    pub index_quorum: usize,
    /// Whether this feed makes klines.
    pub klines: bool,
    /// The lengths of their bars.
    pub kline_intervals: Vec<Interval>,
    /// Whether bars from before the start are asked of the exchanges.
    pub backfill: bool,
    /// How many of each interval, at most 5000.
    pub backfill_bars: usize,
    /// About how many refused messages are kept on the bus for `tickcast dlq`; 0: none.
    pub max_dead_letters: usize,
    /// Patience with the venues.
    pub timing: Timing,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self {
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, ADMIN_PORT)),
            group: GROUP.to_owned(),
            partition: None,
            exchange: Vec::new(),
            max_symbols: MAX_SYMBOLS,
            index: true,
            index_quorum: INDEX_QUORUM,
            klines: true,
            kline_intervals: Interval::ALL.to_vec(),
            backfill: true,
            backfill_bars: BACKFILL_BARS,
            max_dead_letters: MAX_DEAD_LETTERS,
            timing: Timing::default(),
        }
    }
}

/// A time to show as an example, in milliseconds.
const SAMPLE_MS: u64 = 10_000;

impl FeedConfig {
    /// The defaults with every list and option filled: the list of keys that may be set, and where
    /// examples in messages come from.
    #[must_use]
    pub fn sample() -> Self {
        let mut sample = Self::default();
        sample.exchange.push(ExchangeConfig {
            name: "kucoin".to_owned(),
            symbols: vec!["BTC-USDT".to_owned()],
            rest_url: Some("http://127.0.0.1:7000".to_owned()),
            ws_url: Some("ws://127.0.0.1:7000".to_owned()),
            simulated: false,
        });
        sample.partition = Some("1/3".to_owned());
        let timing = &mut sample.timing;
        let unset = [&mut timing.idle_ms, &mut timing.quiet_ms, &mut timing.proof_ms];
        for unset in unset.into_iter().chain([&mut timing.rotate_ms]) {
            *unset = Some(SAMPLE_MS);
        }
        sample
    }
}

/// The contents of one `[[feed.exchange]]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExchangeConfig {
    /// The exchange's name, such as `kucoin`.
    pub name: String,
    /// Symbols as `BASE-QUOTE` in upper case, patterns such as `*-USDT` and `BTC-*`, or `all`:
    /// what the venue lists and trades of these.
    pub symbols: Vec<String>,
    /// Another REST base address, for simulators and proxies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest_url: Option<String>,
    /// Another WebSocket base address. KuCoin's always comes from its token answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ws_url: Option<String>,
    /// Says from the start that the venue is a simulator. One that owns up in its handshake is
    /// marked without it; a real one never is by what it sends.
    pub simulated: bool,
}

impl FeedConfig {
    /// What to connect to, if everything is sound.
    ///
    /// # Errors
    /// [`ConfigErrors`] with one line per mistake: the key, the value and what would be right.
    pub fn plan(&self) -> Result<Vec<VenuePlan>, ConfigErrors> {
        plan::plan(self)
    }

    /// What is in force in a feed with these settings once it has been given others: a key that is not
    /// named here takes effect after a restart. The addresses of an exchange that it has stay as they
    /// are.
    #[must_use]
    pub fn followed_by(&self, wanted: &Self) -> Self {
        let exchange = wanted.exchange.iter().map(|entry| {
            let known = self.exchange.iter().find(|known| known.name == entry.name);
            let symbols = entry.symbols.clone();
            known.map_or_else(|| entry.clone(), |known| ExchangeConfig { symbols, ..known.clone() })
        });
        Self { exchange: exchange.collect(), max_symbols: wanted.max_symbols, ..self.clone() }
    }

    /// What is asked of the exchanges at start.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let intervals = if self.backfill { self.rules().intervals } else { Vec::new() };
        Extent { intervals, bars: self.backfill_bars.min(MAX_BACKFILL_BARS) }
    }

    /// What is derived from the tickers.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let mut intervals = if self.klines { self.kline_intervals.clone() } else { Vec::new() };
        intervals.sort_unstable();
        intervals.dedup();
        Rules { index_quorum: if self.index { self.index_quorum } else { 0 }, intervals }
    }

    /// The part of the symbols that this feed takes; all of them where none that makes sense is
    /// named, which [`Self::plan`] refuses.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// The name under which this feed and its standbys write.
    #[must_use]
    pub fn bus_group(&self) -> Group {
        self.partition().group(&self.group)
    }
}
