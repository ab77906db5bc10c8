//! A simulated socket, and what its reader makes of the bytes.

use crate::client::conn::Written;
use serde::Deserialize;
use std::io::Cursor;
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

/// Takes bytes until it is full; a reader makes room.
#[derive(Debug)]
pub struct Socket {
    /// Bytes that it holds at most.
    pub capacity: usize,
    unread: usize,
    /// Everything it has taken so far, in order.
    pub wire: Vec<u8>,
}

/// A message as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Seen {
    Ticker { topic: u32, seq: u64 },
    Status { name: String },
    Subscribed { id: u64 },
    Synced { id: u64 },
    Unsubscribed { id: u64 },
    Pong { id: u64 },
    TopicsAdded { pattern: String, topics: Vec<String> },
    Lagging { active: bool, since: i64, skipped: u64 },
    Error { code: String },
}

impl Socket {
    /// An empty one.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, unread: 0, wire: Vec::new() }
    }

    /// Takes as much as fits, as send(2) does.
    pub fn write(&mut self, bytes: &[u8]) -> Written {
        let count = bytes.len().min(self.capacity.saturating_sub(self.unread));
        self.wire.extend_from_slice(&bytes[..count]);
        self.unread += count;
        if count == bytes.len() { Written::All } else { Written::Part(count) }
    }

    /// Its reader takes so many bytes out.
    pub fn read(&mut self, count: usize) {
        self.unread = self.unread.saturating_sub(count);
    }
}

/// The whole messages in `wire`, and what is left of it behind them. Every frame is checked.
pub fn messages(mut wire: &[u8]) -> (Vec<Seen>, &[u8]) {
    let mut seen = Vec::new();
    loop {
        let mut cursor = Cursor::new(wire);
        let Some((header, length)) = FrameHeader::parse(&mut cursor).unwrap() else { break };
        assert!(header.is_final && !header.rsv1 && header.mask.is_none(), "{header:?}");
        assert_eq!(header.opcode, OpCode::Data(Data::Text));
        let start = usize::try_from(cursor.position()).unwrap();
        let end = start + usize::try_from(length).unwrap();
        let Some(payload) = wire.get(start..end) else { break };
        seen.push(message(std::str::from_utf8(payload).unwrap()));
        wire = &wire[end..];
    }
    (seen, wire)
}

fn message(text: &str) -> Seen {
    // Most messages are values, and a debug build is slow at JSON.
    let value = text.strip_prefix(r#"{"type":"ticker","topic":"#).and_then(|rest| {
        let (topic, rest) = rest.split_once(r#","seq":"#)?;
        let (seq, rest) = rest.split_once(',')?;
        let is_whole = rest.ends_with("\"}");
        is_whole.then(|| Seen::Ticker { topic: topic.parse().unwrap(), seq: seq.parse().unwrap() })
    });
    value.unwrap_or_else(|| serde_json::from_str(text).unwrap_or_else(|it| panic!("{it}: {text}")))
}
