//! Complete frames and events, ready to be written to any number of sockets.

use super::{Encoding, Format, msgpack};
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
    frame(OpCode::Data(Data::Text), false, text)
}

/// A frame around `message` in a connection's format, never compressed: what only one connection
/// gets is not worth a compressor's time.
#[must_use]
pub fn message(message: &impl Serialize, encoding: Encoding) -> Vec<u8> {
    data(encoding.format, &payload(message))
}

/// A message of ours as JSON.
#[must_use]
pub(super) fn payload(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message)
        // Our own messages have string keys and no custom failure: this cannot be reached, and if
        // it were, one message is empty instead of a process gone.
        .inspect_err(|error| error!(%error, "a message could not be written as JSON"))
        .unwrap_or_default()
}

/// A frame around a message of ours, given as JSON, in `format`.
#[must_use]
pub(super) fn data(format: Format, json: &[u8]) -> Vec<u8> {
    match format {
        Format::Json => text(json),
        Format::MsgPack => packed(json).map(|packed| binary(&packed)).unwrap_or_default(),
        Format::Events => event(json),
    }
}

/// An event with `data` alone; JSON of ours has no line breaks.
fn event(json: &[u8]) -> Vec<u8> {
    [b"data: ", json, b"\n\n"].concat()
}

/// The MessagePack of a message of ours.
pub(super) fn packed(json: &[u8]) -> Option<Vec<u8>> {
    msgpack::from_json(json)
        // As above: what we wrote ourselves is JSON, and an id has been read before it is echoed.
        .inspect_err(|error| error!(%error, "a message could not be written as MessagePack"))
        .ok()
}

/// A binary frame around `bytes`.
#[must_use]
pub fn binary(bytes: &[u8]) -> Vec<u8> {
    frame(OpCode::Data(Data::Binary), false, bytes)
}

/// A frame around the compressed payload of a message in `format`.
#[must_use]
pub fn deflated(format: Format, compressed: &[u8]) -> Vec<u8> {
    let opcode = match format {
        Format::Json | Format::Events => Data::Text,
        Format::MsgPack => Data::Binary,
    };
    frame(OpCode::Data(opcode), true, compressed)
}

/// The announcement of a close in the connection's format, and the close frame itself. With events the
/// end of the stream stands for the frame, and a browser is told its time to come back.
#[must_use]
pub fn closing(close: Close, reconnect_after_ms: Option<u64>, encoding: Encoding) -> Vec<u8> {
    let announcement = message(&Plain::Closing(Closing::of(close, reconnect_after_ms)), encoding);
    let retry = reconnect_after_ms.map(|wait| format!("retry: {wait}\n"));
    match encoding.format {
        Format::Events => [retry.unwrap_or_default().into_bytes(), announcement].concat(),
        _ => [announcement, close_frame(close.code(), close.reason())].concat(),
    }
}

/// A close frame.
#[must_use]
pub fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend(reason.bytes().take(MAX_CONTROL_BYTES - 2));
    frame(OpCode::Control(Control::Close), false, &payload)
}

/// A sign of life that clients answer or ignore by themselves: a ping frame without payload, or a
/// comment between events.
#[must_use]
pub fn heartbeat(encoding: Encoding) -> Vec<u8> {
    match encoding.format {
        Format::Events => b":\n\n".to_vec(),
        _ => frame(OpCode::Control(Control::Ping), false, &[]),
    }
}

/// The answer to a ping frame.
#[must_use]
pub fn pong(payload: &[u8]) -> Vec<u8> {
    frame(OpCode::Control(Control::Pong), false, payload)
}

/// `rsv1` marks a compressed message (RFC 7692 section 6).
fn frame(opcode: OpCode, rsv1: bool, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader { is_final: true, rsv1, opcode, mask: None, ..FrameHeader::default() };
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

    const MSGPACK: Encoding = Encoding { format: Format::MsgPack, deflate: true };

    #[test]
    fn a_length_takes_one_three_or_nine_bytes() {
        assert_eq!(text(b"hi"), b"\x81\x02hi");
        assert_eq!(text(&[b'x'; 126])[..4], [0x81, 126, 0, 126]);
        assert_eq!(text(&vec![b'x'; 70_000])[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }

    #[test]
    fn a_message_is_framed_in_the_format_and_never_compressed() {
        let deflate = Encoding { deflate: true, ..Encoding::default() };
        assert_eq!(message(&["a"; 9], deflate), text(br#"["a","a","a","a","a","a","a","a","a"]"#));
        assert_eq!(message(&["a", "b"], MSGPACK), b"\x82\x05\x92\xa1a\xa1b");
    }

    #[test]
    fn a_close_carries_its_code_and_reason() {
        assert_eq!(close_frame(1000, "bye"), b"\x88\x05\x03\xe8bye");
        let both = closing(Close::SlowConsumer, Some(500), Encoding::default());
        let announcement = String::from_utf8_lossy(&both);
        assert!(announcement.contains(r#""code":4000,"reason":"slow_consumer","reconnect":true"#));
        let packed = closing(Close::SlowConsumer, Some(500), MSGPACK);
        let end = close_frame(4000, "slow_consumer");
        assert!(packed[0] == 0x82 && packed.ends_with(&end));
    }

    #[test]
    fn an_event_is_a_line_of_data_and_an_empty_one() {
        let event = message(&["a", "b"], Encoding::EVENTS);
        assert_eq!(event, b"data: [\"a\",\"b\"]\n\n");
        assert_eq!(heartbeat(Encoding::EVENTS), b":\n\n");
        let close = closing(Close::Restart, Some(500), Encoding::EVENTS);
        let text = String::from_utf8(close).unwrap();
        assert!(text.starts_with("retry: 500\ndata: {\"type\":\"closing\""), "{text}");
        assert!(text.ends_with("}\n\n"), "{text}");
    }
}
