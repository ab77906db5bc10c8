//! The `[gateway.limits]` section: what one client, one address and the whole node may take.

use super::BadValue;
use crate::wire::Bounds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tickcast_shared::protocol::MAX_INTERVAL_MS;

/// Bounds on what clients may do and how long things may take, shown to them in `welcome`.
/// 0 means no limit of this kind wherever a count or a rate is limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open connections of the node; 0 = what its descriptors allow, less a reserve.
    pub max_connections: usize,
    /// Open connections of one client address (IPv6: of one /64).
    pub max_connections_per_ip: usize,
    /// Connections of the node that have not finished their handshake.
    pub max_handshakes: usize,
    /// New connections a second of the node.
    pub dials_per_second: u32,
    /// New connections a second of one client address; four times as many at once.
    pub dials_per_second_per_ip: u32,
    /// REST requests a second of one client address; four times as many at once.
    pub requests_per_second_per_ip: u32,
    /// Messages and pings a second of a connection.
    pub commands_per_second: u32,
    /// Messages and pings of a connection at once.
    pub command_burst: u32,
    /// Longest message of a client, in bytes.
    pub max_message_bytes: usize,
    /// Most fragments of a message.
    pub max_fragments: u32,
    /// Time from the first byte of a message to its last.
    pub message_timeout_ms: u64,
    /// Most topics of a connection, expansions of patterns included.
    pub max_topics: usize,
    /// Most patterns of a connection: each is held against every topic there is.
    pub max_patterns: usize,
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
    /// Memory of the process in MiB from which on it refuses clients; 0 = what its cgroup allows.
    pub max_memory_mib: u64,
    /// On shutdown: time between failing `/readyz` and refusing new connections.
    pub drain_notice_ms: u64,
    /// On shutdown: time over which the closes are spread.
    pub drain_window_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 0,
            max_connections_per_ip: 1000,
            max_handshakes: 4096,
            dials_per_second: 0,
            dials_per_second_per_ip: 50,
            requests_per_second_per_ip: 50,
            commands_per_second: 5,
            command_burst: 20,
            max_message_bytes: 65_536,
            max_fragments: 256,
            message_timeout_ms: 10_000,
            max_topics: 1024,
            max_patterns: 64,
            min_interval_ms: 0,
            default_interval_ms: 0,
            handshake_timeout_ms: 5000,
            heartbeat_ms: 20_000,
            slow_client_timeout_ms: 10_000,
            max_memory_mib: 0,
            drain_notice_ms: 1000,
            drain_window_ms: 20_000,
        }
    }
}

impl Limits {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`BadValue`] names the first key that is out of range.
    pub fn validate(&self) -> Result<(), BadValue> {
        let bad = |key: &'static str, value: u64, right: &'static str| {
            Err(BadValue { key: key.into(), value: value.to_string(), right: right.into() })
        };
        if !(1024..=16 << 20).contains(&self.max_message_bytes) {
            let value = self.max_message_bytes as u64;
            return bad("gateway.limits.max_message_bytes", value, "1024 to 16777216 bytes");
        }
        if self.max_topics == 0 {
            return bad("gateway.limits.max_topics", 0, "at least 1");
        }
        if self.max_patterns == 0 {
            return bad("gateway.limits.max_patterns", 0, "at least 1");
        }
        if self.commands_per_second > 0 && self.command_burst == 0 {
            return bad("gateway.limits.command_burst", 0, "at least 1");
        }
        for (key, value) in [
            ("gateway.limits.message_timeout_ms", self.message_timeout_ms),
            ("gateway.limits.handshake_timeout_ms", self.handshake_timeout_ms),
            ("gateway.limits.heartbeat_ms", self.heartbeat_ms),
            ("gateway.limits.slow_client_timeout_ms", self.slow_client_timeout_ms),
        ] {
            if !(50..=3_600_000).contains(&value) {
                return bad(key, value, "50 to 3600000 milliseconds");
            }
        }
        for (key, value) in [
            ("gateway.limits.min_interval_ms", self.min_interval_ms),
            ("gateway.limits.default_interval_ms", self.default_interval_ms),
        ] {
            if value > MAX_INTERVAL_MS {
                return bad(key, value.into(), "0 to 3600000 milliseconds");
            }
        }
        Ok(())
    }

    /// `heartbeat_ms` as a duration.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    /// `message_timeout_ms` as a duration.
    #[must_use]
    pub fn message_timeout(&self) -> Duration {
        Duration::from_millis(self.message_timeout_ms)
    }

    /// What one message of a client may take.
    #[must_use]
    pub fn message_bounds(&self) -> Bounds {
        Bounds { bytes: self.max_message_bytes, fragments: self.max_fragments }
    }

    /// `slow_client_timeout_ms` as a duration.
    #[must_use]
    pub fn slow_client_timeout(&self) -> Duration {
        Duration::from_millis(self.slow_client_timeout_ms)
    }
}
