//! The `[gateway]` section: one place for its keys and defaults.

use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, time::Duration};
use tickcast_shared::{market::ExchangeId, protocol::MAX_INTERVAL_MS};

/// Everything a gateway can be told; every key has a default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where operators look; loopback unless said otherwise.
    pub admin_listen: SocketAddr,
    /// The exchange of a bare symbol.
    pub default_exchange: ExchangeId,
    /// Exact origins of web pages that may connect; `*` allows all.
    pub allowed_origins: Vec<String>,
    /// Whether clients that offer permessage-deflate get it: less to transfer, more to compute.
    pub deflate: bool,
    /// Whether passes go through io_uring where the kernel allows it: less CPU a delivery.
    pub io_uring: bool,
    /// Event loops that serve connections; 0 = one per core.
    pub shards: usize,
    /// Bounds on what a client may do and how long things may take.
    pub limits: Limits,
}

/// The `[gateway.limits]` section, shown to clients in `welcome`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest message of a client, in bytes.
    pub max_message_bytes: usize,
    /// Most topics of a connection, expansions of patterns included.
    pub max_topics: usize,
    /// Shortest interval of a subscription; a client that asks for less gets this.
    pub min_interval_ms: u32,
    /// Interval of a subscription that names none.
    pub default_interval_ms: u32,
    /// Time for a connection to finish its HTTP head.
    pub handshake_timeout_ms: u64,
    /// How often the server pings; a client silent for three of them is gone.
    pub heartbeat_ms: u64,
    /// How long a client may take to accept what has been written to it.
    pub slow_client_timeout_ms: u64,
    /// On shutdown: time between failing `/readyz` and refusing new connections.
    pub drain_notice_ms: u64,
    /// On shutdown: time over which the closes are spread.
    pub drain_window_ms: u64,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin_listen: SocketAddr::from(([127, 0, 0, 1], 9090)),
            default_exchange: DEFAULT_EXCHANGE
                .parse()
                .unwrap_or_else(|_| unreachable!("a lower-case literal is a name")),
            allowed_origins: vec!["*".into()],
            deflate: false,
            io_uring: false,
            shards: 0,
            limits: Limits::default(),
        }
    }
}

/// The exchange of a bare symbol, unless configured.
const DEFAULT_EXCHANGE: &str = "kucoin";

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: 65_536,
            max_topics: 1024,
            min_interval_ms: 0,
            default_interval_ms: 0,
            handshake_timeout_ms: 5000,
            heartbeat_ms: 20_000,
            slow_client_timeout_ms: 10_000,
            drain_notice_ms: 1000,
            drain_window_ms: 20_000,
        }
    }
}

/// A value that no gateway can work with.
#[derive(Debug, thiserror::Error)]
#[error("{key} = {value}: {right}")]
pub struct BadValue {
    /// The key's full name.
    pub key: &'static str,
    /// What was configured.
    pub value: String,
    /// What would be right.
    pub right: &'static str,
}

/// Most shards that make sense; each is a thread.
const MAX_SHARDS: usize = 256;

impl GatewayConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`BadValue`] names the first key that is out of range.
    pub fn validate(&self) -> Result<(), BadValue> {
        let bad = |key, value: String, right| Err(BadValue { key, value, right });
        let limits = &self.limits;
        if self.shards > MAX_SHARDS {
            return bad("gateway.shards", self.shards.to_string(), "at most 256; 0 = one per core");
        }
        if !(1024..=16 << 20).contains(&limits.max_message_bytes) {
            let value = limits.max_message_bytes.to_string();
            return bad("gateway.limits.max_message_bytes", value, "1024 to 16777216 bytes");
        }
        if limits.max_topics == 0 {
            return bad("gateway.limits.max_topics", "0".into(), "at least 1");
        }
        for (key, value) in [
            ("gateway.limits.handshake_timeout_ms", limits.handshake_timeout_ms),
            ("gateway.limits.heartbeat_ms", limits.heartbeat_ms),
            ("gateway.limits.slow_client_timeout_ms", limits.slow_client_timeout_ms),
        ] {
            if !(50..=3_600_000).contains(&value) {
                return bad(key, value.to_string(), "50 to 3600000 milliseconds");
            }
        }
        for (key, value) in [
            ("gateway.limits.min_interval_ms", limits.min_interval_ms),
            ("gateway.limits.default_interval_ms", limits.default_interval_ms),
        ] {
            if value > MAX_INTERVAL_MS {
                return bad(key, value.to_string(), "0 to 3600000 milliseconds");
            }
        }
        match self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            None => Ok(()),
            Some(origin) => bad(
                "gateway.allowed_origins",
                format!("{origin:?}"),
                "\"*\" or exact origins such as \"https://example.com\", without a path",
            ),
        }
    }

    /// How many event loops to start.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        match self.shards {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        }
    }
}

impl Limits {
    /// `heartbeat_ms` as a duration.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    /// `slow_client_timeout_ms` as a duration.
    #[must_use]
    pub fn slow_client_timeout(&self) -> Duration {
        Duration::from_millis(self.slow_client_timeout_ms)
    }
}

/// `*`, or scheme and host as browsers send them (RFC 6454 section 6.2).
fn is_origin(text: &str) -> bool {
    text == "*"
        || text == "null"
        || text.split_once("://").is_some_and(|(scheme, host)| {
            !scheme.is_empty() && !host.is_empty() && !host.contains('/')
        })
}
