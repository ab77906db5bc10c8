//! The client protocol `tickcast.v1` as types: what a client may say, and what it is told.

pub mod asked;
pub mod close;
pub mod close_code;
pub mod command;
pub mod error_code;
pub mod kline;
pub mod message;

pub use asked::{Asked, DEFAULT_HISTORY, MAX_HISTORY, MAX_INTERVAL_MS};
pub use close::Close;
pub use close_code::CloseCode;
pub use command::{Command, Id, Request, RequestError, Subscribe};
pub use error_code::ErrorCode;
pub use kline::{KlineMessage, KlinesMessage};
pub use message::{
    Added, Closing, ErrorMessage, InForce, Plain, Rejected, ServerMessage, StatusScope,
    TickerMessage,
};

/// The protocol's name and version, sent in `welcome`.
pub const PROTOCOL: &str = "tickcast.v1";
/// The WebSocket subprotocol of the default encoding.
pub const SUBPROTOCOL_JSON: &str = "tickcast.v1.json";
/// The WebSocket subprotocol with the same messages as MessagePack.
pub const SUBPROTOCOL_MSGPACK: &str = "tickcast.v1.msgpack";
