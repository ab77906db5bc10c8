//! What a connection's bytes look like, as its upgrade agreed it.

use tickcast_shared::protocol::{SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK};

/// How messages are written for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Encoding {
    /// The notation of every message.
    pub format: Format,
    /// Whether messages may be compressed (permessage-deflate, RFC 7692), in both directions and
    /// without context takeover: each stands for itself, so that one compressed frame serves all.
    pub deflate: bool,
}

/// The notation of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Format {
    /// JSON in text frames.
    #[default]
    Json,
    /// The same as MessagePack in binary frames.
    MsgPack,
}

impl Format {
    /// The notation that a WebSocket subprotocol stands for.
    #[must_use]
    pub fn of_subprotocol(name: &str) -> Option<Self> {
        match name {
            SUBPROTOCOL_JSON => Some(Self::Json),
            SUBPROTOCOL_MSGPACK => Some(Self::MsgPack),
            _ => None,
        }
    }

    /// Its WebSocket subprotocol.
    #[must_use]
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => SUBPROTOCOL_JSON,
            Self::MsgPack => SUBPROTOCOL_MSGPACK,
        }
    }
}
