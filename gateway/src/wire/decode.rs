//! Bytes of a client to messages; keeps nothing while a client is silent.

use std::io::Cursor;
use tickcast_shared::protocol::Close;
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

/// Longest frame header: 2 bytes, 8 of length, 4 of mask (RFC 6455 section 5.2).
const MAX_HEADER_BYTES: usize = 14;
/// Longest payload of a control frame (RFC 6455 section 5.5).
const MAX_CONTROL_BYTES: u64 = 125;
/// Status codes that may not stand in a close frame (RFC 6455 section 7.4.1).
const UNSENDABLE_CODES: [u16; 3] = [1005, 1006, 1015];

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(String),
    /// A ping frame; to be answered with the same payload.
    Ping(Vec<u8>),
    /// A pong frame.
    Pong,
    /// A close frame; to be answered with the same code.
    Close(Option<u16>),
}

/// Puts frames and fragments together. Holds at most one message of the configured size plus one
/// frame header.
#[derive(Debug, Default)]
pub struct Assembler {
    /// Bytes of a frame that is not complete yet.
    partial: Vec<u8>,
    /// Payload of earlier fragments of a message.
    fragments: Option<Vec<u8>>,
}

impl Assembler {
    /// Takes what was read from the socket. `each` gets every complete message in order and may
    /// stop the reading with an error of its own.
    ///
    /// # Errors
    /// [`Close`] says how the client broke the protocol; the connection is to be closed with it.
    pub fn push(&mut self, input: &[u8], max_message: usize) -> Result<Vec<Incoming>, Close> {
        let mut incoming = Vec::new();
        if self.partial.is_empty() {
            let used = self.frames(input, max_message, &mut incoming)?;
            self.partial.extend_from_slice(&input[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(input);
            let used = self.frames(&joined, max_message, &mut incoming)?;
            if used < joined.len() {
                joined.drain(..used);
                self.partial = joined;
            }
        }
        Ok(incoming)
    }

    /// Reads all complete frames; returns how many bytes they took.
    fn frames(
        &mut self,
        bytes: &[u8],
        max_message: usize,
        incoming: &mut Vec<Incoming>,
    ) -> Result<usize, Close> {
        let mut used = 0;
        while let Some((header, start, length)) = parse_header(&bytes[used..])? {
            let held = self.fragments.as_ref().map_or(0, Vec::len) as u64;
            check(&header, length, held, max_message)?;
            // Checked above: a length within the limits fits.
            let end = usize::try_from(length).map_err(|_| Close::TooBig)? + start;
            let Some(payload) = bytes[used..].get(start..end) else { break };
            let payload = unmask(payload, header.mask);
            incoming.extend(self.frame(&header, payload)?);
            used += end;
        }
        Ok(used)
    }

    fn frame(&mut self, header: &FrameHeader, payload: Vec<u8>) -> Result<Option<Incoming>, Close> {
        match header.opcode {
            OpCode::Control(Control::Ping) => Ok(Some(Incoming::Ping(payload))),
            OpCode::Control(Control::Pong) => Ok(Some(Incoming::Pong)),
            OpCode::Control(Control::Close) => close_code(&payload).map(Some),
            OpCode::Data(Data::Text) if self.fragments.is_none() => {
                self.data(header.is_final, payload)
            }
            OpCode::Data(Data::Continue) => match self.fragments.take() {
                None => Err(Close::ProtocolError),
                Some(mut message) => {
                    message.extend_from_slice(&payload);
                    self.data(header.is_final, message)
                }
            },
            OpCode::Data(Data::Binary) if self.fragments.is_none() => Err(Close::UnexpectedBinary),
            _ => Err(Close::ProtocolError),
        }
    }

    fn data(&mut self, is_final: bool, message: Vec<u8>) -> Result<Option<Incoming>, Close> {
        if !is_final {
            self.fragments = Some(message);
            return Ok(None);
        }
        match String::from_utf8(message) {
            Ok(text) => Ok(Some(Incoming::Text(text))),
            Err(_) => Err(Close::BadUtf8),
        }
    }
}

/// The header at the start of `bytes`, its size and the payload's; nothing when incomplete.
fn parse_header(bytes: &[u8]) -> Result<Option<(FrameHeader, usize, u64)>, Close> {
    let mut cursor = Cursor::new(&bytes[..bytes.len().min(MAX_HEADER_BYTES)]);
    match FrameHeader::parse(&mut cursor) {
        Ok(Some((header, length))) => {
            let start = usize::try_from(cursor.position()).map_err(|_| Close::ProtocolError)?;
            Ok(Some((header, start, length)))
        }
        Ok(None) => Ok(None),
        Err(_) => Err(Close::ProtocolError),
    }
}

/// Refuses what can be refused before the payload has come.
fn check(header: &FrameHeader, length: u64, held: u64, max_message: usize) -> Result<(), Close> {
    if header.mask.is_none() || header.rsv1 || header.rsv2 || header.rsv3 {
        return Err(Close::ProtocolError);
    }
    match header.opcode {
        OpCode::Control(_) if !header.is_final || length > MAX_CONTROL_BYTES => {
            Err(Close::ProtocolError)
        }
        OpCode::Data(_) if length.saturating_add(held) > max_message as u64 => Err(Close::TooBig),
        _ => Ok(()),
    }
}

fn unmask(payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mask = mask.unwrap_or_default();
    payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

fn close_code(payload: &[u8]) -> Result<Incoming, Close> {
    match payload {
        [] => Ok(Incoming::Close(None)),
        [_] => Err(Close::ProtocolError),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            let sendable = matches!(code, 1000..=1014 | 3000..=4999)
                && code != 1004
                && !UNSENDABLE_CODES.contains(&code);
            if !sendable {
                Err(Close::ProtocolError)
            } else if std::str::from_utf8(reason).is_err() {
                Err(Close::BadUtf8)
            } else {
                Ok(Incoming::Close(Some(code)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX: usize = 1000;

    /// A masked frame as a client sends it.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let mut bytes = vec![first];
        match payload.len() {
            len @ 0..=125 => bytes.push(0x80 | u8::try_from(len).unwrap()),
            len => {
                bytes.push(0x80 | 126);
                bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
            }
        }
        bytes.extend(mask);
        bytes.extend(unmask(payload, Some(mask)));
        bytes
    }

    fn push(bytes: &[u8]) -> Result<Vec<Incoming>, Close> {
        Assembler::default().push(bytes, MAX)
    }

    #[test]
    fn reads_messages_and_control_frames() {
        let mut bytes = frame(0x81, b"ping");
        bytes.extend(frame(0x89, b"x"));
        bytes.extend(frame(0x88, b"\x03\xe8bye"));
        let wanted = vec![
            Incoming::Text("ping".into()),
            Incoming::Ping(b"x".into()),
            Incoming::Close(Some(1000)),
        ];
        assert_eq!(push(&bytes), Ok(wanted));
    }

    #[test]
    fn joins_fragments_around_control_frames() {
        let mut bytes = frame(0x01, "gr\u{fc}".as_bytes());
        bytes.extend(frame(0x8a, b""));
        bytes.extend(frame(0x80, "\u{df}e".as_bytes()));
        let wanted = vec![Incoming::Pong, Incoming::Text("gr\u{fc}\u{df}e".into())];
        assert_eq!(push(&bytes), Ok(wanted));
    }

    #[test]
    fn refuses_what_breaks_the_protocol() {
        let unmasked = b"\x81\x02hi".to_vec();
        let cases = [
            (unmasked, Close::ProtocolError),
            (frame(0xc1, b"x"), Close::ProtocolError),
            (frame(0x83, b"x"), Close::ProtocolError),
            (frame(0x80, b"x"), Close::ProtocolError),
            (frame(0x09, b"x"), Close::ProtocolError),
            (frame(0x89, &[b'x'; 126]), Close::ProtocolError),
            (frame(0x88, b"x"), Close::ProtocolError),
            (frame(0x88, b"\x03\xed"), Close::ProtocolError),
            (frame(0x88, b"\x03\xe8\xff"), Close::BadUtf8),
            (frame(0x82, b"x"), Close::UnexpectedBinary),
            (frame(0x81, b"\xff"), Close::BadUtf8),
            (frame(0x81, &[b'x'; MAX + 1]), Close::TooBig),
            ([frame(0x01, b"a"), frame(0x81, b"b")].concat(), Close::ProtocolError),
            ([frame(0x01, &[b'a'; MAX]), frame(0x80, b"b")].concat(), Close::TooBig),
        ];
        for (bytes, close) in cases {
            assert_eq!(push(&bytes), Err(close), "{:x?}", &bytes[..bytes.len().min(8)]);
        }
    }

    #[test]
    fn a_huge_length_is_refused_before_its_payload() {
        assert_eq!(push(&[0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]), Err(Close::TooBig));
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_same_messages(
            messages in proptest::collection::vec("[a-z]{0,300}", 1..5),
            cut in 1_usize..40,
        ) {
            let bytes: Vec<u8> =
                messages.iter().flat_map(|text| frame(0x81, text.as_bytes())).collect();
            let mut assembler = Assembler::default();
            let mut read = Vec::new();
            for piece in bytes.chunks(cut) {
                read.extend(assembler.push(piece, MAX).unwrap());
            }
            let wanted: Vec<Incoming> = messages.into_iter().map(Incoming::Text).collect();
            prop_assert_eq!(read, wanted);
            prop_assert!(assembler.partial.is_empty() && assembler.partial.capacity() == 0);
        }

        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = push(&bytes);
        }
    }
}
