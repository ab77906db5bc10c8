//! A case: what a client writes, in which pieces, and what it hears; and how cases are run.

use crate::support::{DEADLINE, Stage};
use bytes::{Buf, BytesMut};
use futures_util::{StreamExt, stream};
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec};
use std::fmt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::timeout,
};

/// Cases that run at the same time.
const AT_ONCE: usize = 16;
/// Frames of the gateway that may wait for the case to hear them.
const UNHEARD: usize = 64;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Opcodes with FIN; without it where a fragment is to follow.
pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const END: u8 = 0x80;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;
pub const FIRST_TEXT: u8 = 0x01;
pub const MIDDLE: u8 = 0x00;
/// RSV1: the message is compressed.
pub const DEFLATED: u8 = 0x40;

/// What a client hears.
#[derive(Clone, PartialEq)]
pub enum Heard {
    /// The first byte of the frame, less its mark of compression, and the payload, inflated.
    Frame(u8, Vec<u8>),
    Close(Option<u16>),
    /// The end of the connection.
    End,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(first, payload) => {
                let start = payload[..payload.len().min(24)].escape_ascii();
                write!(f, "frame {first:#x} of {} bytes, \"{start}\"", payload.len())
            }
            Self::Close(code) => write!(f, "close {code:?}"),
            Self::End => write!(f, "the end"),
        }
    }
}

enum Step {
    /// Write these bytes, so many at a time.
    Write(Vec<u8>, usize),
    /// Wait for this.
    Hear(Heard),
}

pub struct Case {
    name: String,
    /// Added to the handshake.
    headers: &'static str,
    /// Of the answer to the handshake; none: no extension.
    extension: Option<&'static str>,
    steps: Vec<Step>,
}

pub fn case(name: impl Into<String>) -> Case {
    Case { name: name.into(), headers: "", extension: None, steps: Vec::new() }
}

impl Case {
    /// Offers an extension; the answer has these parameters, or it is declined.
    pub fn offers(self, headers: &'static str, extension: Option<&'static str>) -> Self {
        Self { headers, extension, ..self }
    }

    pub fn writes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.chops(bytes, usize::MAX)
    }

    /// Writes so many bytes at a time.
    pub fn chops(mut self, bytes: impl Into<Vec<u8>>, size: usize) -> Self {
        self.steps.push(Step::Write(bytes.into(), size));
        self
    }

    pub fn hears(mut self, first: u8, payload: impl Into<Vec<u8>>) -> Self {
        self.steps.push(Step::Hear(Heard::Frame(first, payload.into())));
        self
    }

    /// The gateway closes with that code.
    pub fn hears_close(mut self, code: impl Into<Option<u16>>) -> Self {
        let close = Heard::Close(code.into());
        self.steps.extend([close, Heard::End].map(Step::Hear));
        self
    }

    /// Nothing is wrong with the connection, and the client closes it.
    pub fn ends_well(self) -> Self {
        self.writes(frame(CLOSE, 1000_u16.to_be_bytes())).hears_close(1000)
    }

    /// What went otherwise.
    async fn run(self, stage: &Stage) -> Option<String> {
        let name = self.name.clone();
        let went = timeout(DEADLINE * 3, self.go(stage)).await;
        let wrong = went.unwrap_or_else(|_| Some("it took too long".into()));
        wrong.map(|wrong| format!("  {name}: {wrong}"))
    }

    async fn go(self, stage: &Stage) -> Option<String> {
        let (extension, mut write, mut heard) = dial(stage, self.headers).await;
        if extension.as_deref() != self.extension {
            return Some(format!("agreed on {extension:?} instead of {:?}", self.extension));
        }
        for (at, step) in self.steps.into_iter().enumerate() {
            match step {
                Step::Write(bytes, size) => {
                    for piece in bytes.chunks(size) {
                        // A gateway that has closed already does not read; what it said counts.
                        let _ = write.write_all(piece).await;
                    }
                }
                Step::Hear(wanted) => {
                    let next = heard.recv().await.unwrap_or(Heard::End);
                    if next != wanted {
                        return Some(format!("step {at}: {next:?} instead of {wanted:?}"));
                    }
                }
            }
        }
        None
    }
}

/// A connection to the echo path: the extension that was agreed, and its two directions.
async fn dial(
    stage: &Stage,
    headers: &str,
) -> (Option<String>, OwnedWriteHalf, mpsc::Receiver<Heard>) {
    let mut socket = TcpStream::connect(stage.address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let head = format!(
        "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         {headers}\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let (mut read, write) = socket.into_split();
    let mut bytes = BytesMut::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break bytes.split_to(at + 4);
        }
        assert!(read.read_buf(&mut bytes).await.unwrap() > 0, "the handshake was not answered");
    };
    let head = String::from_utf8(head.to_vec()).unwrap();
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    let (tell, heard) = mpsc::channel(UNHEARD);
    tokio::spawn(listen(read, bytes, tell));
    let name = "sec-websocket-extensions: ";
    (head.lines().find_map(|line| line.strip_prefix(name)).map(Into::into), write, heard)
}

/// Passes on everything that is heard, up to the end.
async fn listen(mut socket: OwnedReadHalf, mut bytes: BytesMut, tell: mpsc::Sender<Heard>) {
    loop {
        let heard = split(&mut bytes);
        let ended = heard.is_none() && socket.read_buf(&mut bytes).await.unwrap_or(0) == 0;
        let told = heard.or(ended.then_some(Heard::End)).map(|heard| tell.send(heard));
        if let Some(told) = told {
            // Fails when the case is over.
            let _ = told.await;
        }
        if ended {
            return;
        }
    }
}

/// Takes a whole frame of the gateway off the front.
fn split(bytes: &mut BytesMut) -> Option<Heard> {
    let (&first, &length) = (bytes.first()?, bytes.get(1)?);
    let number = |from: &[u8]| from.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let (header, length) = match length {
        127 => (10, number(bytes.get(2..10)?)),
        126 => (4, number(bytes.get(2..4)?)),
        length => (2, usize::from(length)),
    };
    if bytes.len() < header + length {
        return None;
    }
    bytes.advance(header);
    let payload = bytes.split_to(length).to_vec();
    Some(match first {
        CLOSE => Heard::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
        _ if first & DEFLATED != 0 => Heard::Frame(first ^ DEFLATED, inflated(payload)),
        _ => Heard::Frame(first, payload),
    })
}

fn inflated(mut payload: Vec<u8>) -> Vec<u8> {
    // A flush marker and an empty last block end what a sender without context takeover leaves open.
    payload.extend([0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff]);
    decompress_to_vec(&payload).unwrap()
}

/// A message's payload as it is compressed for the wire.
pub fn deflated(message: &[u8]) -> Vec<u8> {
    // Its last block is marked as such, so an empty block follows, less its tail.
    [compress_to_vec(message, 6), vec![0]].concat()
}

/// A masked frame.
pub fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..126), _) => bytes.push(0x80 | short),
        (_, Ok(medium)) => {
            bytes.push(0x80 | 126);
            bytes.extend(medium.to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// A message in fragments of so many bytes; `first` is the first byte of its first frame.
pub fn fragmented(first: u8, payload: &[u8], size: usize) -> Vec<u8> {
    let count = payload.len().div_ceil(size);
    let fragments = payload.chunks(size).enumerate().map(|(at, fragment)| {
        let opcode = if at == 0 { first & 0x7f } else { MIDDLE };
        frame(if at + 1 == count { opcode | END } else { opcode }, fragment)
    });
    fragments.collect::<Vec<_>>().concat()
}

/// Runs them all; fails with the list of those that went otherwise.
pub async fn run(count: usize, cases: Vec<Case>) {
    assert_eq!(cases.len(), count, "the suite has as many");
    let stage = Stage::start(|_| {}).await;
    let runs = stream::iter(cases).map(|case| case.run(&stage)).buffer_unordered(AT_ONCE);
    let failed: Vec<String> = runs.filter_map(async |failed| failed).collect().await;
    assert!(failed.is_empty(), "{} of {count} cases:\n{}", failed.len(), failed.join("\n"));
}
