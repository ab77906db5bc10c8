//! Bytes of a client to messages; keeps nothing while a client is silent.

use super::{
    Encoding, Format,
    deflate::{self, InflateError},
    msgpack,
};
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
    /// A text message, or the JSON of a MessagePack message.
    Text(String),
    /// A MessagePack message that is none, or has no JSON: the reason, for an error to the client.
    Unreadable(String),
    /// A ping frame; to be answered with the same payload.
    Ping(Vec<u8>),
    /// A pong frame.
    Pong,
    /// A close frame; to be answered with the same code.
    Close(Option<u16>),
}

/// A message under way: what its first frame said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Begun {
    format: Format,
    /// Its payload is compressed.
    deflated: bool,
}

/// Puts frames and fragments together. Holds at most one message of the configured size (a
/// compressed one may be an eighth longer) plus one frame header; nothing between messages.
#[derive(Debug, Default)]
pub struct Assembler {
    /// Bytes of a frame that is not complete yet.
    partial: Vec<u8>,
    /// Payload of earlier fragments of the message under way.
    fragments: Vec<u8>,
    /// The message under way.
    begun: Option<Begun>,
    /// What the upgrade agreed.
    encoding: Encoding,
}

impl Assembler {
    /// For a connection of that encoding.
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        Self { encoding, ..Self::default() }
    }

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
            self.check(&header, length, max_message)?;
            // Checked above: a length within the limits fits.
            let end = usize::try_from(length).map_err(|_| Close::TooBig)? + start;
            let Some(payload) = bytes[used..].get(start..end) else { break };
            let payload = unmask(payload, header.mask);
            incoming.extend(self.frame(&header, payload, max_message)?);
            used += end;
        }
        Ok(used)
    }

    /// Refuses what can be refused before the payload has come.
    fn check(&self, header: &FrameHeader, length: u64, max_message: usize) -> Result<(), Close> {
        if header.mask.is_none() || header.rsv2 || header.rsv3 {
            return Err(Close::ProtocolError);
        }
        let begins = matches!(header.opcode, OpCode::Data(Data::Text | Data::Binary));
        // Marks a compressed message where that was agreed (RFC 7692 section 6.1).
        if header.rsv1 && !(begins && self.encoding.deflate) {
            return Err(Close::ProtocolError);
        }
        if let OpCode::Control(_) = header.opcode {
            let fits = header.is_final && length <= MAX_CONTROL_BYTES;
            return if fits { Ok(()) } else { Err(Close::ProtocolError) };
        }
        let deflated = header.rsv1 || self.begun.is_some_and(|message| message.deflated);
        let most = if deflated { deflate::compressed_limit(max_message) } else { max_message };
        if length.saturating_add(self.fragments.len() as u64) > most as u64 {
            return Err(Close::TooBig);
        }
        Ok(())
    }

    fn frame(
        &mut self,
        header: &FrameHeader,
        payload: Vec<u8>,
        max_message: usize,
    ) -> Result<Option<Incoming>, Close> {
        let begun = match (header.opcode, self.begun) {
            (OpCode::Control(Control::Ping), _) => return Ok(Some(Incoming::Ping(payload))),
            (OpCode::Control(Control::Pong), _) => return Ok(Some(Incoming::Pong)),
            (OpCode::Control(Control::Close), _) => return close_code(&payload).map(Some),
            (OpCode::Data(Data::Text), None) => {
                Begun { format: Format::Json, deflated: header.rsv1 }
            }
            (OpCode::Data(Data::Binary), None) if self.encoding.format == Format::Json => {
                return Err(Close::UnexpectedBinary);
            }
            (OpCode::Data(Data::Binary), None) => {
                Begun { format: Format::MsgPack, deflated: header.rsv1 }
            }
            (OpCode::Data(Data::Continue), Some(begun)) => begun,
            _ => return Err(Close::ProtocolError),
        };
        let message = if self.fragments.is_empty() {
            payload
        } else {
            self.fragments.extend_from_slice(&payload);
            std::mem::take(&mut self.fragments)
        };
        if header.is_final {
            self.begun = None;
            begun.read(message, max_message).map(Some)
        } else {
            self.begun = Some(begun);
            self.fragments = message;
            Ok(None)
        }
    }
}

impl Begun {
    /// What its payload says.
    fn read(self, payload: Vec<u8>, max_message: usize) -> Result<Incoming, Close> {
        let message = if self.deflated {
            deflate::inflate(payload, max_message).map_err(|error| match error {
                InflateError::TooBig => Close::TooBig,
                InflateError::Corrupt => Close::ProtocolError,
            })?
        } else {
            payload
        };
        match self.format {
            Format::Json => {
                String::from_utf8(message).map(Incoming::Text).map_err(|_| Close::BadUtf8)
            }
            Format::MsgPack => Ok(match msgpack::to_json(&message) {
                Ok(json) => Incoming::Text(json),
                Err(error) => {
                    Incoming::Unreadable(format!("a binary message is a MessagePack map: {error}"))
                }
            }),
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
mod tests;
