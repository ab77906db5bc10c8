//! The header of a client's frame, however it is cut.

use std::io::Cursor;
use tickcast_shared::protocol::Close;
use tokio_tungstenite::tungstenite::protocol::frame::{FrameHeader, coding::OpCode};

/// Longest frame header: 2 bytes, 8 of length, 4 of mask (RFC 6455 section 5.2).
const MAX_HEADER_BYTES: usize = 14;
/// Bytes that tell how long the header is.
const LEAST_BYTES: usize = 2;

/// A complete header that is in order by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub is_final: bool,
    pub rsv1: bool,
    pub opcode: OpCode,
    pub mask: [u8; 4],
    pub length: u64,
}

/// What has come of a header.
#[derive(Debug, Default)]
pub(super) struct Partial {
    bytes: [u8; MAX_HEADER_BYTES],
    count: usize,
}

impl Partial {
    /// Whether no byte of a header has come.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes the bytes of a header from the front of `input`; the header once it is complete.
    pub fn take(&mut self, input: &mut &[u8]) -> Result<Option<Head>, Close> {
        while self.count < self.wanted() {
            let Some((byte, rest)) = input.split_first() else { return Ok(None) };
            self.bytes[self.count] = *byte;
            self.count += 1;
            *input = rest;
        }
        let header = &self.bytes[..std::mem::take(&mut self.count)];
        parse(header).map(Some)
    }

    /// Size of the header as far as that is known.
    fn wanted(&self) -> usize {
        if self.count < LEAST_BYTES {
            return LEAST_BYTES;
        }
        let length = match self.bytes[1] & 0x7f {
            127 => 8,
            126 => 2,
            _ => 0,
        };
        let mask = if self.bytes[1] & 0x80 == 0 { 0 } else { 4 };
        LEAST_BYTES + length + mask
    }
}

/// Refuses what no frame of a client may be: unmasked, with reserved bits or opcodes, with a length
/// that is negative or takes more bytes than it needs (RFC 6455 section 5.2).
fn parse(bytes: &[u8]) -> Result<Head, Close> {
    match FrameHeader::parse(&mut Cursor::new(bytes)) {
        Ok(Some((header, length))) => {
            let FrameHeader { is_final, rsv1, rsv2, rsv3, opcode, mask } = header;
            let is_shortest = header.len(length) == bytes.len();
            match mask {
                Some(mask) if !rsv2 && !rsv3 && is_shortest && length >> 63 == 0 => {
                    Ok(Head { is_final, rsv1, opcode, mask, length })
                }
                _ => Err(Close::ProtocolError),
            }
        }
        // All its bytes are there: this is a reserved opcode.
        Ok(None) | Err(_) => Err(Close::ProtocolError),
    }
}
