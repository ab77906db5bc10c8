//! What a connection tells whoever shows it.

use super::message::Incoming;
use crate::outcome::Failure;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Pieces of news that may wait to be shown: enough for a burst. With a reader that is slow for
/// longer, the gateway notices and sends the newest values only.
pub const WAITING_NEWS: usize = 256;

/// Something that happened to a connection.
#[derive(Debug)]
pub enum News {
    /// It is being made.
    Dialling,
    /// It stands, and the topics have been asked for.
    Connected,
    /// A message came: its text, and what it says.
    Message(Utf8Bytes, Incoming),
    /// A sign of life that says nothing else.
    Alive,
    /// A ping was answered after this time.
    Answered(Duration),
    /// Something did not go as the user asked.
    Warning(String),
    /// It is gone, and will be made again.
    Lost {
        /// Why, and what may help.
        why: String,
        /// After this time.
        again_after: Duration,
    },
    /// It is gone for good.
    Over(Failure),
}
