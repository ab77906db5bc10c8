//! One client: dials, listens, and comes back when it is told to.

use super::{
    Shared,
    book::{ABNORMAL, Value},
};
use crate::swarm::{
    dial::{NotIn, Opening},
    frames,
};
use memchr::memmem;
use std::{sync::Arc, time::Duration};
use tickcast_shared::{backoff::Backoff, clock::Micros};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, sleep_until, timeout},
};

/// Between dials that fail, and before the first one when nobody has said how long to wait.
const AGAIN: Backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(8) };
/// A connection without even a ping for so long is dead: what `protocol.md` tells clients.
const SILENCE: Duration = Duration::from_secs(30);
/// How values begin.
const TICKER: &[u8] = br#"{"type":"ticker""#;
/// How an announcement of the end begins.
const CLOSING: &[u8] = br#"{"type":"closing""#;
/// What it says about coming back.
const AFTER: &[u8] = br#""reconnect_after_ms":"#;
/// The state of a value that may be believed.
const LIVE: &[u8] = br#""state":"live""#;

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
struct Parting {
    code: u16,
    /// When to come back, if the server said so.
    after: Option<Duration>,
}

/// Dials when its time has come, and again for ever.
pub(super) async fn run(shared: Arc<Shared>, number: usize, at: Instant) {
    sleep_until(at).await;
    let mut failures = 0;
    loop {
        let query = vec![("topics", shared.config.topics.join(","))];
        let opening = Opening { query, source: shared.config.source, ..Opening::default() };
        let wait = match Box::pin(shared.target.dial(&opening)).await {
            Err(reason) => {
                let mut book = shared.book();
                book.unanswered += u64::from(reason == NotIn::TimedOut);
                book.refused(reason.to_string());
                None
            }
            Ok((stream, early)) => {
                shared.book().connected(number);
                let parting =
                    Listener { shared: &shared, number, kept: early }.listen(stream).await;
                let now = std::time::Instant::now();
                shared.book().lost(number, parting.code, parting.after.is_some(), now);
                failures = 0;
                parting.after
            }
        };
        failures += 1;
        sleep(wait.unwrap_or_else(|| AGAIN.random_delay(failures))).await;
    }
}

/// One connection, as it is heard.
struct Listener<'a> {
    shared: &'a Shared,
    number: usize,
    /// Bytes of a frame that has not come whole.
    kept: Vec<u8>,
}

impl Listener<'_> {
    /// Until it ends.
    async fn listen(mut self, mut stream: TcpStream) -> Parting {
        let mut after = None;
        loop {
            let mut replies = Vec::new();
            if let Some(code) = self.take(&mut after, &mut replies) {
                // It knows already that we go.
                let _ = stream.write_all(&frames::masked(frames::CLOSE, &code.to_be_bytes())).await;
                return Parting { code, after };
            }
            // Where it cannot be written, the next read ends.
            let _ = stream.write_all(&replies).await;
            match timeout(SILENCE, stream.read_buf(&mut self.kept)).await {
                Ok(Ok(1..)) => {}
                _ => return Parting { code: ABNORMAL, after },
            }
        }
    }

    /// All frames that have come whole; the code of the close if that is among them.
    fn take(&mut self, after: &mut Option<Duration>, replies: &mut Vec<u8>) -> Option<u16> {
        let mut taken = 0;
        let mut code = None;
        while code.is_none() {
            let frame = match frames::first(&self.kept[taken..]) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(_) => return Some(ABNORMAL),
            };
            taken += frame.size;
            match frame.opcode {
                frames::CLOSE => code = Some(close_code(frame.payload)),
                frames::PING => replies.extend(frames::masked(frames::PONG, frame.payload)),
                frames::TEXT if frame.payload.starts_with(TICKER) => self.ticker(frame.payload),
                frames::TEXT if frame.payload.starts_with(CLOSING) => {
                    *after = reconnect_after(frame.payload);
                }
                _ => {}
            }
        }
        self.kept.drain(..taken);
        code
    }

    fn ticker(&self, message: &[u8]) {
        let Some(fields) = self.shared.scanner.fields(message) else { return };
        let Micros(now) = self.shared.clock.now();
        let age = fields.published.map(|Micros(then)| now.saturating_sub(then).max(0));
        let value = Value {
            topic: fields.topic,
            stamp: (fields.epoch, fields.seq),
            is_live: memmem::find(message, LIVE).is_some(),
            age: age.and_then(|age| u64::try_from(age).ok()),
        };
        self.shared.book().value(self.number, value, std::time::Instant::now());
    }
}

/// The code in a close frame; 1005 stands for none (RFC 6455 section 7.1.5).
fn close_code(payload: &[u8]) -> u16 {
    payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
}

/// What a `closing` message says about coming back.
fn reconnect_after(message: &[u8]) -> Option<Duration> {
    let text = message.get(memmem::find(message, AFTER)? + AFTER.len()..)?;
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let millis = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_at_the_end_is_understood() {
        let closing = br#"{"type":"closing","code":1012,"reason":"service restart","reconnect":true,"reconnect_after_ms":320}"#;
        assert_eq!(reconnect_after(closing), Some(Duration::from_millis(320)));
        let never =
            br#"{"type":"closing","code":4500,"reconnect":false,"reconnect_after_ms":null}"#;
        assert_eq!(reconnect_after(never), None);
        assert_eq!((close_code(b"\x03\xf4bye"), close_code(b"")), (1012, 1005));
    }
}
