//! A message while its fragments come: never more memory than it may have bytes.

use super::Incoming;
use crate::wire::deflate::{self, InflateError};
use tickcast_shared::protocol::Close;

/// How much room a message's payload gets at first, in bytes; most commands are shorter.
const LEAST_ROOM: usize = 64;

/// What a message may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Longest message, in bytes.
    pub bytes: usize,
    /// Most frames that it may come in; 0 = any number.
    pub fragments: u32,
}

/// What a message consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
}

/// A message under way.
#[derive(Debug)]
pub(super) struct Message {
    kind: Kind,
    /// Its payload is compressed.
    deflated: bool,
    payload: Vec<u8>,
    /// Bytes at the start of an uncompressed text that are whole characters.
    checked: usize,
    /// Frames that have begun.
    fragments: u32,
}

/// A complete message that is still compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deflated {
    kind: Kind,
    payload: Vec<u8>,
}

impl Message {
    pub fn new(kind: Kind, deflated: bool) -> Self {
        Self { kind, deflated, payload: Vec::new(), checked: 0, fragments: 0 }
    }

    /// Memory that its payload takes, in bytes.
    #[cfg(any(test, feature = "testing"))]
    pub fn capacity(&self) -> usize {
        self.payload.capacity()
    }

    /// A fragment of that length comes next.
    pub fn expect_fragment(&mut self, length: u64, bounds: Bounds) -> Result<(), Close> {
        self.fragments = self.fragments.saturating_add(1);
        if length.saturating_add(self.payload.len() as u64) > self.most(bounds) as u64 {
            return Err(Close::TooBig);
        }
        if bounds.fragments > 0 && self.fragments > bounds.fragments {
            return Err(Close::Policy);
        }
        Ok(())
    }

    /// Most bytes of its payload.
    fn most(&self, bounds: Bounds) -> usize {
        if self.deflated { deflate::compressed_limit(bounds.bytes) } else { bounds.bytes }
    }

    /// Adds the next bytes. `whole`: how many bytes, these included, the message still gets, if
    /// that is known. Text that cannot become UTF-8 any more is refused at once, as it cannot be
    /// made good (RFC 6455 section 8.1 asks for it at the end at the latest).
    pub fn append(
        &mut self,
        chunk: &[u8],
        mask: [u8; 4],
        whole: Option<usize>,
        bounds: Bounds,
    ) -> Result<(), Close> {
        let most = whole.map_or(self.most(bounds), |left| self.payload.len() + left);
        self.make_room(chunk.len(), most);
        unmask(&mut self.payload, chunk, mask);
        if self.kind == Kind::Text && !self.deflated {
            self.check_utf8()?;
        }
        Ok(())
    }

    /// Doubles, so that bytes that come one by one are not copied each time, but never past `most`.
    fn make_room(&mut self, more: usize, most: usize) {
        let (wanted, capacity) = (self.payload.len() + more, self.payload.capacity());
        if wanted > capacity {
            let room = wanted.max(capacity.saturating_mul(2)).max(LEAST_ROOM).min(most);
            self.payload.reserve_exact(room.max(wanted) - self.payload.len());
        }
    }

    fn check_utf8(&mut self) -> Result<(), Close> {
        match std::str::from_utf8(&self.payload[self.checked..]) {
            Ok(text) => self.checked += text.len(),
            // The last character is not complete, and good so far.
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Close::BadUtf8),
        }
        Ok(())
    }

    /// What it says, now that it is complete.
    pub fn read(self) -> Result<Incoming, Close> {
        let Self { kind, payload, .. } = self;
        if self.deflated {
            return Ok(Incoming::Deflated(Deflated { kind, payload }));
        }
        kind.read(payload)
    }
}

impl Kind {
    fn read(self, payload: Vec<u8>) -> Result<Incoming, Close> {
        match self {
            Self::Text => {
                String::from_utf8(payload).map(Incoming::Text).map_err(|_| Close::BadUtf8)
            }
            Self::Binary => Ok(Incoming::Binary(payload)),
        }
    }
}

impl Deflated {
    /// The message, which is a text or binary one.
    pub(super) fn inflate(self, bounds: Bounds) -> Result<Incoming, Close> {
        let inflated = deflate::inflate(self.payload, bounds.bytes);
        self.kind.read(inflated.map_err(|error| match error {
            InflateError::TooBig => Close::TooBig,
            InflateError::Corrupt => Close::ProtocolError,
        })?)
    }

    /// Memory that its payload takes, in bytes.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.payload.capacity()
    }
}

/// Appends bytes with their mask taken off; its first key belongs to the first of them.
pub(super) fn unmask(payload: &mut Vec<u8>, chunk: &[u8], mask: [u8; 4]) {
    let start = payload.len();
    payload.extend_from_slice(chunk);
    for bytes in payload[start..].chunks_mut(mask.len()) {
        for (byte, key) in bytes.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
}
