//! The reading half of a hostile client: frames in, and why there are no more.

use super::outcome::Outcome;
use crate::swarm::frames;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use tokio::{io::AsyncReadExt, net::tcp::OwnedReadHalf};

/// What a server said.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// An error message's code.
    Error(String),
    /// The welcome, with the heartbeat that it promises.
    Welcome(Duration),
    /// A ping frame, to be answered with this by those who do.
    Ping(Vec<u8>),
    /// Anything else.
    Other,
    /// Nothing more will come.
    Over(Outcome),
}

/// Cuts what comes into frames.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) stream: OwnedReadHalf,
    kept: Vec<u8>,
}

/// The keys of a message that matter here.
#[derive(Deserialize)]
struct Message {
    r#type: String,
    #[serde(default)]
    code: Value,
    #[serde(default)]
    heartbeat_ms: u64,
}

impl Ear {
    pub(super) fn new(stream: OwnedReadHalf, early: Vec<u8>) -> Self {
        Self { stream, kept: early }
    }

    /// The next frame. May be given up and asked again without losing anything.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            match self.cut() {
                Ok(Some(heard)) => return heard,
                Ok(None) => {}
                Err(wrong) => return Heard::Over(Outcome::Garbled(wrong.to_owned())),
            }
            match self.stream.read_buf(&mut self.kept).await {
                Ok(0) => return Heard::Over(Outcome::Ended),
                Ok(_) => {}
                Err(error) => return Heard::Over(Outcome::of(error.kind())),
            }
        }
    }

    /// Reads on until nothing more will come.
    pub(super) async fn end(&mut self) -> Outcome {
        loop {
            if let Heard::Over(outcome) = self.next().await {
                return outcome;
            }
        }
    }

    fn cut(&mut self) -> Result<Option<Heard>, &'static str> {
        let Some(frame) = frames::first(&self.kept)? else { return Ok(None) };
        let heard = match frame.opcode {
            frames::CLOSE => Heard::Over(closed(frame.payload)),
            frames::PING => Heard::Ping(frames::masked(frames::PONG, frame.payload)),
            frames::TEXT => message(frame.payload),
            _ => Heard::Other,
        };
        let size = frame.size;
        self.kept.drain(..size);
        Ok(Some(heard))
    }
}

fn closed(payload: &[u8]) -> Outcome {
    match payload.split_first_chunk::<2>() {
        Some((code, reason)) => {
            let reason = String::from_utf8_lossy(reason).into_owned();
            Outcome::Closed(u16::from_be_bytes(*code), reason)
        }
        // What RFC 6455 section 7.1.5 calls it.
        None => Outcome::Closed(1005, String::new()),
    }
}

fn message(payload: &[u8]) -> Heard {
    // Values are many, and nothing in them matters here.
    if payload.starts_with(br#"{"type":"ticker"#) {
        return Heard::Other;
    }
    match serde_json::from_slice::<Message>(payload) {
        Ok(message) if message.r#type == "error" => {
            Heard::Error(message.code.as_str().unwrap_or("without a code").to_owned())
        }
        Ok(message) if message.r#type == "welcome" => {
            Heard::Welcome(Duration::from_millis(message.heartbeat_ms))
        }
        _ => Heard::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_welcomes_are_told_apart() {
        let error = br#"{"type":"error","id":null,"code":"rate_limited","retry_after_ms":200}"#;
        assert_eq!(message(error), Heard::Error("rate_limited".to_owned()));
        let welcome = br#"{"type":"welcome","heartbeat_ms":1500,"limits":{}}"#;
        assert_eq!(message(welcome), Heard::Welcome(Duration::from_millis(1500)));
        for other in ["pong", r#"{"type":"ticker","code":1}"#, r#"{"type":"closing","code":1012}"#]
        {
            assert_eq!(message(other.as_bytes()), Heard::Other);
        }
        assert_eq!(closed(b"\x03\xf1too big"), Outcome::Closed(1009, "too big".to_owned()));
    }
}
