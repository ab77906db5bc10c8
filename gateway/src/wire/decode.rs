//! Bytes of a client to messages (RFC 6455, read strictly); keeps nothing while a client is silent.

mod header;
mod message;

pub use message::{Bounds, Deflated};

use super::{Encoding, Format};
use header::{Head, Partial};
use message::{Kind, Message};
use std::time::Instant;
use tickcast_shared::protocol::Close;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// Longest payload of a control frame (RFC 6455 section 5.5).
const MAX_CONTROL_BYTES: u64 = 125;
/// Status codes that may not stand in a close frame (RFC 6455 section 7.4.1).
const UNSENDABLE_CODES: [u16; 4] = [1004, 1005, 1006, 1015];

/// What a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(String),
    /// A binary message, on a connection whose messages are binary.
    Binary(Vec<u8>),
    /// A compressed message, not looked into: it may be a thousand times as long as what was read.
    Deflated(Deflated),
    /// A ping frame; to be answered with the same payload.
    Ping(Vec<u8>),
    /// A pong frame.
    Pong,
    /// A close frame; to be answered with the same code. Nothing is read after it.
    Close(Option<u16>),
}

impl Incoming {
    /// The same, and a compressed message as what it says; for who serves it next.
    ///
    /// # Errors
    /// [`Close`] if it says nothing or too much: nothing that came after it is to be answered.
    pub fn inflated(self, bounds: Bounds) -> Result<Self, Close> {
        match self {
            Self::Deflated(message) => message.inflate(bounds),
            other => Ok(other),
        }
    }
}

/// Puts frames and fragments together. Holds at most one message of the configured size (a
/// compressed one may be an eighth longer), one control frame and one header; nothing between
/// messages.
#[derive(Debug, Default)]
pub struct Assembler {
    /// What has come of a message or frame that is not complete yet.
    under_way: Option<Box<UnderWay>>,
    /// What the upgrade agreed.
    encoding: Encoding,
    /// The client has closed or broken the protocol: whatever follows is not looked at.
    is_over: bool,
}

/// A message, a frame, or only a part of a header.
#[derive(Debug)]
struct UnderWay {
    /// When its first byte came.
    since: Instant,
    header: Partial,
    /// The frame whose header is complete.
    frame: Option<Frame>,
    /// Payload of that frame if it is a control frame.
    control: Vec<u8>,
    /// The message, from the header of its first frame to the end of its last.
    message: Option<Message>,
}

/// A frame whose payload is not complete yet.
#[derive(Debug, Clone, Copy)]
struct Frame {
    opcode: OpCode,
    is_final: bool,
    /// The key for the next byte comes first.
    mask: [u8; 4],
    /// Bytes that have not come.
    left: usize,
}

impl Assembler {
    /// For a connection of that encoding.
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        Self { encoding, ..Self::default() }
    }

    /// Takes what was read from the socket at `now`; every complete message goes to `incoming`.
    ///
    /// # Errors
    /// [`Close`] says how the client broke the protocol: what it sent before that is in `incoming`
    /// and may be answered, then the connection is to be closed.
    pub fn push(
        &mut self,
        mut input: &[u8],
        bounds: Bounds,
        now: Instant,
        incoming: &mut Vec<Incoming>,
    ) -> Result<(), Close> {
        while !input.is_empty() && !self.is_over {
            let mut state = self.under_way.take().unwrap_or_else(|| Box::new(UnderWay::since(now)));
            let complete = state
                .frame(&mut input, self.encoding, bounds)
                .inspect_err(|_| self.is_over = true)?;
            self.is_over = matches!(complete, Some(Incoming::Close(_)));
            incoming.extend(complete);
            if !state.is_complete() {
                self.under_way = Some(state);
            }
        }
        Ok(())
    }

    /// When the first byte came of what is not complete yet: a message, or a frame between messages.
    #[must_use]
    pub fn since(&self) -> Option<Instant> {
        self.under_way.as_ref().map(|state| state.since)
    }

    /// Bytes of memory that what is not complete yet takes.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn held(&self) -> usize {
        self.under_way.as_ref().map_or(0, |state| {
            let message = state.message.as_ref().map_or(0, Message::capacity);
            size_of::<UnderWay>() + state.control.capacity() + message
        })
    }
}

impl UnderWay {
    fn since(now: Instant) -> Self {
        Self {
            since: now,
            header: Partial::default(),
            frame: None,
            control: Vec::new(),
            message: None,
        }
    }

    /// Nothing of it is awaited any more.
    fn is_complete(&self) -> bool {
        self.header.is_empty() && self.frame.is_none() && self.message.is_none()
    }

    /// Takes bytes up to the end of a frame or of the input; what they complete.
    fn frame(
        &mut self,
        input: &mut &[u8],
        encoding: Encoding,
        bounds: Bounds,
    ) -> Result<Option<Incoming>, Close> {
        let mut frame = match self.frame.take() {
            Some(frame) => frame,
            None => match self.header.take(input)? {
                Some(head) => self.begin(&head, encoding, bounds)?,
                None => return Ok(None),
            },
        };
        let (chunk, rest) = input.split_at(frame.left.min(input.len()));
        *input = rest;
        self.keep(&frame, chunk, bounds)?;
        frame.skip(chunk.len());
        if frame.left > 0 {
            self.frame = Some(frame);
            return Ok(None);
        }
        self.end(&frame)
    }

    /// Refuses what can be refused before the payload has come.
    fn begin(&mut self, head: &Head, encoding: Encoding, bounds: Bounds) -> Result<Frame, Close> {
        let is_control = matches!(head.opcode, OpCode::Control(_));
        // Marks a compressed message where that was agreed (RFC 7692 section 6.1).
        let begins = matches!(head.opcode, OpCode::Data(Data::Text | Data::Binary));
        if (head.rsv1 && !(begins && encoding.deflate))
            || (is_control && (!head.is_final || head.length > MAX_CONTROL_BYTES))
        {
            return Err(Close::ProtocolError);
        }
        if !is_control {
            let message = match (head.opcode, self.message.take()) {
                (OpCode::Data(Data::Continue), Some(message)) => message,
                (OpCode::Data(Data::Text), None) => Message::new(Kind::Text, head.rsv1),
                (OpCode::Data(Data::Binary), None) if encoding.format == Format::Json => {
                    return Err(Close::UnexpectedBinary);
                }
                (OpCode::Data(Data::Binary), None) => Message::new(Kind::Binary, head.rsv1),
                _ => return Err(Close::ProtocolError),
            };
            self.message.insert(message).expect_fragment(head.length, bounds)?;
        }
        // Checked above and against the bounds: it is small enough.
        let left = usize::try_from(head.length).map_err(|_| Close::TooBig)?;
        Ok(Frame { opcode: head.opcode, is_final: head.is_final, mask: head.mask, left })
    }

    /// Keeps the next bytes of a frame's payload.
    fn keep(&mut self, frame: &Frame, chunk: &[u8], bounds: Bounds) -> Result<(), Close> {
        match &mut self.message {
            Some(message) if matches!(frame.opcode, OpCode::Data(_)) => {
                let whole = frame.is_final.then_some(frame.left);
                message.append(chunk, frame.mask, whole, bounds)
            }
            _ => {
                self.control.reserve_exact(frame.left);
                message::unmask(&mut self.control, chunk, frame.mask);
                Ok(())
            }
        }
    }

    /// What a complete frame says.
    fn end(&mut self, frame: &Frame) -> Result<Option<Incoming>, Close> {
        let control = std::mem::take(&mut self.control);
        match frame.opcode {
            OpCode::Control(Control::Ping) => Ok(Some(Incoming::Ping(control))),
            OpCode::Control(Control::Close) => close_code(&control).map(Some),
            OpCode::Control(_) => Ok(Some(Incoming::Pong)),
            OpCode::Data(_) if !frame.is_final => Ok(None),
            OpCode::Data(_) => self.message.take().map(Message::read).transpose(),
        }
    }
}

impl Frame {
    /// So many bytes of its payload have come.
    fn skip(&mut self, count: usize) {
        self.left -= count;
        self.mask.rotate_left(count % 4);
    }
}

fn close_code(payload: &[u8]) -> Result<Incoming, Close> {
    match payload {
        [] => Ok(Incoming::Close(None)),
        [_] => Err(Close::ProtocolError),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            let sendable =
                matches!(code, 1000..=1014 | 3000..=4999) && !UNSENDABLE_CODES.contains(&code);
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
