//! Where a venue is reached, and what its REST answers can mean.

use super::Keepalive;

/// Base addresses of a venue, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// REST, such as `https://api.kucoin.com`.
    pub rest: String,
    /// WebSocket, such as `wss://ws.okx.com:8443`; `None` when the venue names it in an answer.
    pub ws: Option<String>,
}

impl Addresses {
    /// Base addresses from their text.
    #[must_use]
    pub fn new(rest: &str, ws: Option<&str>) -> Self {
        let trimmed = |url: &str| url.trim_end_matches('/').to_owned();
        Self { rest: trimmed(rest), ws: ws.map(trimmed) }
    }

    /// The WebSocket address with the venue's path, once, whether or not the base has it already.
    #[must_use]
    pub fn ws_with(&self, path: &str) -> String {
        let base = self.ws.as_deref().unwrap_or_default();
        if base.ends_with(path) { base.to_owned() } else { format!("{base}{path}") }
    }
}

/// The first step towards a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Dial this socket.
    Socket(Socket),
    /// POST to this address first and read the answer with [`super::Exchange::socket`].
    Token {
        /// The whole address.
        url: String,
    },
}

/// A socket to dial.
#[derive(Clone, PartialEq, Eq)]
pub struct Socket {
    /// The whole address; it may carry a token and so is kept out of `Debug` and logs.
    pub url: String,
    /// How to keep it alive.
    pub keepalive: Keepalive,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("Socket").field("url", &shown).finish_non_exhaustive()
    }
}

/// What is wrong with a venue's REST answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestFault {
    /// The venue does not serve this region (`truth.md` 18).
    #[error("the venue refuses this region: {message}")]
    Region {
        /// The venue's code and words.
        message: String,
    },
    /// The venue's own error.
    #[error("the venue answered with code {code}: {message}")]
    Venue {
        /// The venue's code.
        code: String,
        /// The venue's words.
        message: String,
    },
    /// Not the documented shape.
    #[error("the answer is not what the venue documents")]
    Garbage,
}
