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

impl Encoding {
    /// Server-sent events.
    pub const EVENTS: Self = Self { format: Format::Events, deflate: false };

    /// Whether the client can say nothing, and is alive as long as its kernel acknowledges.
    #[must_use]
    pub fn only_listens(self) -> bool {
        self.format == Format::Events
    }
}

/// The notation of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Format {
    /// JSON in text frames.
    #[default]
    Json,
    /// The same as MessagePack in binary frames.
    MsgPack,
    /// JSON in the `data` fields of server-sent events (WHATWG HTML, section 9.2); no frames at all.
    Events,
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

    /// Its WebSocket subprotocol; none if it is not spoken on WebSockets.
    #[must_use]
    pub fn subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Json => Some(SUBPROTOCOL_JSON),
            Self::MsgPack => Some(SUBPROTOCOL_MSGPACK),
            Self::Events => None,
        }
    }
}
