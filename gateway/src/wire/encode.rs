//! Complete frames, ready to be written to any number of sockets.

use serde::Serialize;
use tickcast_shared::protocol::{Close, Closing, Plain};
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};
use tracing::error;

/// Longest payload of a control frame (RFC 6455 section 5.5).
const MAX_CONTROL_BYTES: usize = 125;

/// A text frame around `text`.
#[must_use]
pub fn text(text: &[u8]) -> Vec<u8> {
    frame(OpCode::Data(Data::Text), text)
}

/// A text frame around the JSON of `message`.
#[must_use]
pub fn json(message: &impl Serialize) -> Vec<u8> {
    match serde_json::to_vec(message) {
        Ok(json) => text(&json),
        Err(error) => {
            // Our own messages have string keys and no custom failure: this cannot be reached,
            // and if it were, one message is missing instead of a process.
            error!(%error, "a message could not be written as JSON");
            Vec::new()
        }
    }
}

/// The announcement of a close and the close frame itself.
#[must_use]
pub fn closing(close: Close, reconnect_after_ms: Option<u64>) -> Vec<u8> {
    let mut bytes = json(&Plain::Closing(Closing::of(close, reconnect_after_ms)));
    bytes.extend(close_frame(close.code(), close.reason()));
    bytes
}

/// A close frame.
#[must_use]
pub fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend(reason.bytes().take(MAX_CONTROL_BYTES - 2));
    frame(OpCode::Control(Control::Close), &payload)
}

/// A ping frame without payload.
#[must_use]
pub fn ping() -> Vec<u8> {
    frame(OpCode::Control(Control::Ping), &[])
}

/// The answer to a ping frame.
#[must_use]
pub fn pong(payload: &[u8]) -> Vec<u8> {
    frame(OpCode::Control(Control::Pong), payload)
}

fn frame(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader { is_final: true, opcode, mask: None, ..FrameHeader::default() };
    let length = payload.len() as u64;
    let mut bytes = Vec::with_capacity(header.len(length) + payload.len());
    // Writing to a Vec cannot fail.
    let _ = header.format(length, &mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_takes_one_three_or_nine_bytes() {
        assert_eq!(text(b"hi"), b"\x81\x02hi");
        assert_eq!(text(&[b'x'; 126])[..4], [0x81, 126, 0, 126]);
        assert_eq!(text(&vec![b'x'; 70_000])[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }

    #[test]
    fn a_close_carries_its_code_and_reason() {
        assert_eq!(close_frame(1000, "bye"), b"\x88\x05\x03\xe8bye");
        let both = closing(Close::SlowConsumer, Some(500));
        let announcement = String::from_utf8_lossy(&both);
        assert!(announcement.contains(r#""code":4000,"reason":"slow_consumer","reconnect":true"#));
    }
}
