//! Market data in frames that a client may not expect.

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder},
};
use std::io::{self, Write};
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

/// How market data is put into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Each message a text frame, as the exchange does it.
    #[default]
    Text,
    /// Each message a binary frame, compressed with gzip (RFC 1952).
    Gzip,
    /// Each message a binary frame, compressed with bare deflate (RFC 1951).
    Deflate,
    /// Messages that are due together in one text frame, as a JSON array.
    Batched,
}

/// Frames that no exchange should send, in turn.
const GARBAGE: [&str; 8] = [
    "",
    "garbage",
    "{\"topic\":\"/market/ticker:BTC-USDT\",\"data\":{\"bestAsk\":\"6",
    "[]",
    "{}",
    "null",
    "{\"channel\":\"nonsense\",\"type\":17,\"data\":[[[]]],\"event\":{},\"stream\":null}",
    "\u{0}\u{1}\u{fffd}",
];

impl Framing {
    /// Messages that are due together, as frames.
    pub(in crate::venue) fn frames(self, texts: Vec<Utf8Bytes>) -> Vec<Message> {
        match self {
            Self::Text => texts.into_iter().map(Message::Text).collect(),
            Self::Gzip => texts.iter().map(|text| binary(gzip(text))).collect(),
            Self::Deflate => texts.iter().map(|text| binary(deflate(text))).collect(),
            Self::Batched if texts.is_empty() => Vec::new(),
            Self::Batched => {
                let all: Vec<&str> = texts.iter().map(Utf8Bytes::as_str).collect();
                vec![Message::text(format!("[{}]", all.join(",")))]
            }
        }
    }
}

/// Garbage number `count`: text of several kinds, and now and then bytes that are none.
pub(in crate::venue) fn garbage(count: u64) -> Message {
    let kinds = GARBAGE.len() as u64 + 1;
    let kind = usize::try_from(count % kinds).unwrap_or_default();
    match GARBAGE.get(kind) {
        Some(text) => Message::text(*text),
        None => Message::Binary(Bytes::from_static(&[0x1f, 0x8b, 0xff, 0x00, 0xc3, 0x28])),
    }
}

/// Writing to memory does not fail; an empty frame would show it.
fn binary(compressed: io::Result<Vec<u8>>) -> Message {
    Message::Binary(compressed.unwrap_or_default().into())
}

fn gzip(text: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

fn deflate(text: &str) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::{DeflateDecoder, GzDecoder};
    use std::io::Read;

    fn texts() -> Vec<Utf8Bytes> {
        vec!["{\"a\":1}".into(), "{\"b\":2}".into()]
    }

    #[test]
    fn compressed_frames_hold_one_message_each() {
        let mut unpacked = String::new();
        for frame in Framing::Gzip.frames(texts()) {
            GzDecoder::new(&*frame.into_data()).read_to_string(&mut unpacked).unwrap();
        }
        for frame in Framing::Deflate.frames(texts()) {
            assert!(frame.is_binary());
            DeflateDecoder::new(&*frame.into_data()).read_to_string(&mut unpacked).unwrap();
        }
        assert_eq!(unpacked, "{\"a\":1}{\"b\":2}{\"a\":1}{\"b\":2}");
    }

    #[test]
    fn a_batch_is_an_array() {
        assert_eq!(Framing::Batched.frames(texts()), [Message::text("[{\"a\":1},{\"b\":2}]")]);
        assert!(Framing::Batched.frames(Vec::new()).is_empty());
        assert_eq!(Framing::Text.frames(texts()).len(), 2);
    }
}
