//! Why a connection is lost or cannot be had, and what to do about it.

use crate::exchange::RestFault;
use std::time::Duration;
use tickcast_shared::{bus::LinkState, market::Reason};

/// Least wait after a ban (HTTP 418), whatever the venue says (`exchanges.md`, point 7).
const BAN_WAIT: Duration = Duration::from_secs(120);
/// Least wait after a refusal for asking too often that names no time.
const LIMIT_WAIT: Duration = Duration::from_secs(10);
/// Least wait after a refusal that dialling again will hardly change: by region or firewall.
const REFUSAL_WAIT: Duration = Duration::from_secs(60);
/// Longest `Retry-After` that is believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// HTTP: the firewall refuses.
const FORBIDDEN: u16 = 403;
/// HTTP: banned, Binance's own use of the status.
const BANNED: u16 = 418;
/// HTTP: too many requests.
const TOO_MANY: u16 = 429;
/// HTTP: refused by region.
const LEGAL: u16 = 451;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// DNS, TCP or TLS failed.
    #[error("cannot reach the venue: {0}")]
    Unreachable(String),
    /// The dial took too long.
    #[error("the dial did not succeed within {0:?}")]
    DialTimeout(Duration),
    /// An HTTP status instead of a token or a WebSocket.
    #[error("the venue answered with HTTP status {status}")]
    Http {
        /// The status.
        status: u16,
        /// How long the venue asks to wait.
        retry_after: Option<Duration>,
    },
    /// The venue does not serve this region.
    #[error("the venue refuses this region: {0}")]
    Region(String),
    /// The venue's error instead of a token, or an answer without one.
    #[error("no usable token: {0}")]
    NoToken(RestFault),
    /// Connected, but no welcome.
    #[error("no welcome within {0:?}")]
    NoWelcome(Duration),
    /// Not one subscription was answered.
    #[error("no subscription was answered within {0:?}")]
    NoAck(Duration),
    /// The venue lists or accepts none of the symbols.
    #[error("the venue lists none of the configured symbols")]
    NothingListed,
    /// Acknowledged, but no ticker message.
    #[error("no ticker message for {silent:?}")]
    Mute {
        /// For how long.
        silent: Duration,
    },
    /// Not even an answer to a ping.
    #[error("no sign of life for {silent:?}")]
    NoProof {
        /// For how long.
        silent: Duration,
    },
    /// The token is unknown or expired.
    #[error("the venue refuses the token: {0}")]
    Token(String),
    /// Too many connections, topics or messages.
    #[error("the venue says that a limit is exceeded: {0}")]
    Limit(String),
    /// The venue gives the connection up.
    #[error("the venue gives the connection up: {0}")]
    Session(String),
    /// The venue announced that it will close the connection.
    #[error("the venue will close the connection: {0}")]
    Announced(String),
    /// Nothing is traded.
    #[error("the venue trades nothing now: {0}")]
    Maintenance(String),
    /// Closed by the venue.
    #[error("closed by the venue (code {code:?}, {reason:?})")]
    Closed {
        /// The close code.
        code: Option<u16>,
        /// The close reason.
        reason: String,
    },
    /// The socket failed, or the venue broke the WebSocket protocol.
    #[error("the socket failed: {0}")]
    Broken(String),
    /// The venue does not take our messages.
    #[error("a message could not be written within {0:?}")]
    WriteTimeout(Duration),
}

impl Loss {
    /// A short name for logs' limits and metrics.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::DialTimeout(_) => "dial_timeout",
            Self::Http { .. } => "http_status",
            Self::Region(_) => "region_refused",
            Self::NoToken(_) => "no_token",
            Self::NoWelcome(_) => "no_welcome",
            Self::NoAck(_) => "no_ack",
            Self::NothingListed => "nothing_listed",
            Self::Mute { .. } => "mute",
            Self::NoProof { .. } => "no_proof_of_life",
            Self::Token(_) => "token_refused",
            Self::Limit(_) => "limit_exceeded",
            Self::Session(_) => "session_ended",
            Self::Announced(_) => "announced",
            Self::Maintenance(_) => "maintenance",
            Self::Closed { .. } => "closed",
            Self::Broken(_) => "broken",
            Self::WriteTimeout(_) => "write_timeout",
        }
    }

    /// What an operator can do, in one sentence; `others` are the names of other venues.
    #[must_use]
    pub fn advice(&self, others: &str) -> String {
        match self {
            Self::Unreachable(_) | Self::DialTimeout(_) => {
                "check the network, DNS and firewall of this machine, and rest_url and ws_url if they are set".into()
            }
            Self::Region(_) => {
                format!("run the feed in a region that the venue serves, or use another venue: {others}")
            }
            Self::Http { status: BANNED | TOO_MANY, .. } | Self::Limit(_) => {
                "other programs at this address may be using the venue's limits up; waiting as the venue asks".into()
            }
            Self::Http { .. } | Self::NoToken(_) => {
                "the venue or something in between refuses; check rest_url and ws_url if they are set".into()
            }
            Self::NothingListed => "check the symbols in the configuration".into(),
            Self::Maintenance(_) => "nothing to do: it is dialled again until it trades".into(),
            _ => "nothing to do: it is dialled again by itself".into(),
        }
    }

    /// The shortest wait before dialling again that this loss demands.
    #[must_use]
    pub fn least_wait(&self) -> Duration {
        match self {
            Self::Http { status: BANNED, retry_after } => {
                retry_after.unwrap_or_default().clamp(BAN_WAIT, MAX_RETRY_AFTER)
            }
            Self::Http { status: TOO_MANY, retry_after } => {
                retry_after.unwrap_or(LIMIT_WAIT).min(MAX_RETRY_AFTER)
            }
            Self::Http { status: FORBIDDEN, .. } | Self::Region(_) => REFUSAL_WAIT,
            Self::Http { retry_after, .. } => retry_after.unwrap_or_default().min(MAX_RETRY_AFTER),
            Self::Limit(_) => LIMIT_WAIT,
            _ => Duration::ZERO,
        }
    }

    /// Whether the venue limits or bans this address for a while.
    #[must_use]
    pub fn asks_to_wait(&self) -> bool {
        matches!(self, Self::Http { status: BANNED | TOO_MANY, .. })
    }

    /// Whether it concerns every connection from this address to the venue.
    #[must_use]
    pub fn concerns_address(&self) -> bool {
        matches!(self, Self::Http { status: BANNED | TOO_MANY | FORBIDDEN, .. } | Self::Region(_))
    }

    /// The state of a link that is lost for this reason.
    #[must_use]
    pub fn link_state(&self) -> (LinkState, Reason) {
        match self {
            Self::Region(_) => (LinkState::Halted, Reason::REGION_REFUSED),
            Self::NothingListed => (LinkState::Halted, Reason::NOT_LISTED),
            Self::Maintenance(_) => (LinkState::Halted, Reason::MAINTENANCE),
            _ => (LinkState::Stale, Reason::LINK_LOST),
        }
    }

    /// A REST or handshake answer with an unwanted status.
    #[must_use]
    pub fn from_status(status: u16, retry_after: Option<Duration>) -> Self {
        if status == LEGAL {
            Self::Region("HTTP status 451".to_owned())
        } else {
            Self::Http { status, retry_after }
        }
    }
}

impl From<RestFault> for Loss {
    fn from(fault: RestFault) -> Self {
        match fault {
            RestFault::Region { message } => Self::Region(message),
            other => Self::NoToken(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_by_region_is_named_and_suggests_other_venues() {
        for loss in [
            Loss::from_status(451, None),
            Loss::from(RestFault::Region { message: "code 400302".into() }),
        ] {
            assert_eq!(loss.cause(), "region_refused");
            assert!(loss.advice("binance, okx").contains("binance, okx"));
            assert_eq!(loss.link_state(), (LinkState::Halted, Reason::REGION_REFUSED));
        }
    }

    #[test]
    fn a_ban_lasts_two_minutes_at_least() {
        let wait = |after| Loss::from_status(418, after).least_wait().as_secs();
        assert_eq!(wait(None), 120);
        assert_eq!(wait(Some(Duration::from_secs(300))), 300);
        assert_eq!(wait(Some(Duration::from_secs(1_000_000))), 3600);
    }
}
