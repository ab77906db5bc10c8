//! A client that sees every byte: it reads as slowly as a test wants, and every encoding.

use super::{DEADLINE, Stage, schema};
use bytes::{Buf, BytesMut};
use serde_json::Value;
use std::io::ErrorKind;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Asks for a receive buffer so small that a gateway soon has to wait for its client, and large
/// enough to be emptied quickly.
pub const NARROW_BYTES: u32 = 16 * 1024;
/// A sender's mask of zeros leaves its payload as it is.
const MASK: [u8; 4] = [0; 4];

/// A connection that has finished its handshake.
pub struct RawClient {
    pub socket: TcpStream,
    /// The head of the answer to its handshake.
    pub head: String,
    /// As in its `welcome`, which has been read.
    pub name: String,
    received: BytesMut,
}

/// Something that the gateway sent.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// A message, and the first byte of the frame that it came in.
    Message(Value, u8),
    Ping,
    Close(u16),
    /// The end of the connection, by a reset or not.
    End,
}

impl RawClient {
    /// Dials with a small receive buffer; `headers` are added to the handshake.
    pub async fn dial(stage: &Stage, query: &str, headers: &str) -> Self {
        Self::dial_and(stage, query, headers, b"").await
    }

    /// The same, with these bytes behind the handshake, in one piece with it.
    pub async fn dial_and_send(stage: &Stage, behind: &[u8]) -> Self {
        Self::dial_and(stage, "", "", behind).await
    }

    async fn dial_and(stage: &Stage, query: &str, headers: &str, behind: &[u8]) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(NARROW_BYTES).unwrap();
        let mut socket = socket.connect(stage.address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let head = format!(
            "GET /ws{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             {headers}\r\n"
        );
        socket.write_all(&[head.as_bytes(), behind].concat()).await.unwrap();
        let (head, name, received) = (String::new(), String::new(), BytesMut::new());
        let mut client = Self { socket, head, name, received };
        client.head = client.read_head().await;
        let welcome = client.message().await;
        client.name = welcome["connection_id"].as_str().unwrap().to_owned();
        client
    }

    async fn read_head(&mut self) -> String {
        loop {
            if let Some(at) = self.received.windows(4).position(|it| it == b"\r\n\r\n") {
                let head = self.received.split_to(at + 4);
                return String::from_utf8(head.to_vec()).unwrap();
            }
            assert!(self.receive().await, "the handshake was not answered");
        }
    }

    /// Sends a text frame of at most 125 bytes.
    pub async fn send(&mut self, text: &str) {
        self.socket.write_all(&masked(0x81, text.as_bytes())).await.unwrap();
    }

    /// Reads a single byte if there is one.
    pub fn nibble(&mut self) {
        let mut byte = [0];
        match self.socket.try_read(&mut byte) {
            Ok(count) => self.received.extend_from_slice(&byte[..count]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
    }

    /// Reads what comes next; false at the end.
    async fn receive(&mut self) -> bool {
        let read = timeout(DEADLINE, self.socket.read_buf(&mut self.received)).await;
        read.expect("nothing came in time").unwrap_or(0) > 0
    }

    /// The next frame, which must be whole.
    pub async fn frame(&mut self) -> Frame {
        loop {
            if let Some((first, payload)) = split_frame(&mut self.received) {
                return match first {
                    0x88 => Frame::Close(u16::from_be_bytes([payload[0], payload[1]])),
                    0x89 => Frame::Ping,
                    _ => {
                        let message = decode(first, &payload);
                        schema::check(&message);
                        Frame::Message(message, first)
                    }
                };
            }
            if !self.receive().await {
                return Frame::End;
            }
        }
    }

    /// The next message; pings are passed over.
    pub async fn message(&mut self) -> Value {
        loop {
            match self.frame().await {
                Frame::Message(message, _) => return message,
                Frame::Ping => {}
                other => panic!("{other:?} instead of a message"),
            }
        }
    }

    /// The next message of that type, and those before it.
    pub async fn until(&mut self, kind: &str) -> (Vec<Value>, Value) {
        let mut before = Vec::new();
        loop {
            let message = self.message().await;
            if message["type"] == kind {
                return (before, message);
            }
            before.push(message);
        }
    }

    /// Everything up to the close frame or the end, and which of them it was.
    pub async fn rest(&mut self) -> (Vec<Value>, Frame) {
        let mut messages = Vec::new();
        loop {
            match self.frame().await {
                Frame::Message(message, _) => messages.push(message),
                Frame::Ping => {}
                end => return (messages, end),
            }
        }
    }
}

/// A client's frame with a payload of at most 65535 bytes.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = match u8::try_from(payload.len()) {
        Ok(short @ 0..126) => vec![0x80 | short],
        _ => {
            let long = u16::try_from(payload.len()).unwrap().to_be_bytes();
            vec![0x80 | 126, long[0], long[1]]
        }
    };
    [&[first][..], &length, &MASK, payload].concat()
}

/// Takes a whole frame off the front: its first byte and its payload.
fn split_frame(bytes: &mut BytesMut) -> Option<(u8, BytesMut)> {
    let (&first, &length) = (bytes.first()?, bytes.get(1)?);
    let extended = |from: &[u8]| from.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let (header, length) = match length {
        127 => (10, extended(bytes.get(2..10)?)),
        126 => (4, extended(bytes.get(2..4)?)),
        length => (2, usize::from(length)),
    };
    if bytes.len() < header + length {
        return None;
    }
    bytes.advance(header);
    Some((first, bytes.split_to(length)))
}

/// The message of a text or binary frame, compressed or not. Bare text comes as a JSON string.
fn decode(first: u8, payload: &[u8]) -> Value {
    // A flush marker and an empty last block end what a sender without context takeover leaves open.
    let inflated = (first & 0x40 != 0).then(|| {
        let whole = [payload, &[0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff]].concat();
        miniz_oxide::inflate::decompress_to_vec(&whole).unwrap()
    });
    let payload = inflated.as_deref().unwrap_or(payload);
    match first & 0xf {
        1 => {
            let text = std::str::from_utf8(payload).unwrap();
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
        }
        2 => rmp_serde::from_slice(payload).unwrap(),
        opcode => panic!("a frame with opcode {opcode}"),
    }
}
