//! Why somebody was not let in, and when to try again.

use axum::http::StatusCode;
use std::time::Duration;
use tickcast_shared::protocol::ErrorCode;

/// Waits that are told where no bucket says how long: somewhere in here, so that those who were
/// refused together do not come back together.
const LATER: std::ops::RangeInclusive<u64> = 2..=8;
/// The same where room is expected soon.
const SOON: std::ops::RangeInclusive<u64> = 1..=3;

/// Which bound was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `max_connections`, or the descriptors of the process.
    Connections,
    /// `max_connections_per_ip`
    ConnectionsPerAddress,
    /// `max_handshakes`
    Handshakes,
    /// `dials_per_second`
    Dials,
    /// `dials_per_second_per_ip`
    DialsPerAddress,
    /// `requests_per_second_per_ip`
    Requests,
    /// `max_memory_mib`, or the memory of the cgroup.
    Memory,
    /// The process is shutting down.
    Draining,
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Which bound was met.
    pub cause: Cause,
    /// When it makes sense to try again.
    pub retry_after: Duration,
}

impl Refused {
    pub(super) fn after(cause: Cause, retry_after: Duration) -> Self {
        Self { cause, retry_after }
    }

    pub(super) fn soon(cause: Cause) -> Self {
        Self::after(cause, Duration::from_secs(rand::random_range(SOON)))
    }

    pub(super) fn later(cause: Cause) -> Self {
        Self::after(cause, Duration::from_secs(rand::random_range(LATER)))
    }
}

impl Cause {
    /// Its name in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::ConnectionsPerAddress => "connections_per_ip",
            Self::Handshakes => "handshakes",
            Self::Dials => "dials",
            Self::DialsPerAddress => "dials_per_ip",
            Self::Requests => "requests_per_ip",
            Self::Memory => "memory",
            Self::Draining => "draining",
        }
    }

    /// The HTTP status: 429 where the client itself is asked to slow down.
    #[must_use]
    pub fn status(self) -> StatusCode {
        if self.is_the_clients() {
            StatusCode::TOO_MANY_REQUESTS
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }

    /// The error's code.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        if self.is_the_clients() { ErrorCode::RateLimited } else { ErrorCode::Overloaded }
    }

    /// What a human reads.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Connections => "this gateway has as many connections as it can serve",
            Self::ConnectionsPerAddress => "too many connections of one address",
            Self::Handshakes => "too many handshakes at once; try again shortly",
            Self::Dials => "too many new connections at once; try again shortly",
            Self::DialsPerAddress => "too many new connections of one address",
            Self::Requests => "too many requests of one address",
            Self::Memory => "this gateway is short of memory",
            Self::Draining => "this gateway is shutting down; another one takes over",
        }
    }

    fn is_the_clients(self) -> bool {
        matches!(self, Self::ConnectionsPerAddress | Self::DialsPerAddress | Self::Requests)
    }
}
