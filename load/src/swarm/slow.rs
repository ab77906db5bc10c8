//! Clients that read less than they are sent, or nothing.

use super::{client::Local, frames, group::Reading, reader::close_text};
use std::{future::Future, pin::Pin, time::Duration};
use tokio::{io::Interest, net::TcpStream, time::sleep};

/// Receive buffer of a slow client in bytes: the system's own would swallow seconds of updates
/// before the server notices anything.
pub(crate) const RECEIVE_BUFFER: u32 = 4096;
/// How often a trickling client reads.
const SIP_EVERY: Duration = Duration::from_millis(100);
/// Sips in a second.
const SIPS_PER_SECOND: u32 = 10;
/// Most that is read at the end, in bytes: more than any receive buffer holds.
const LAST_LOOK_BYTES: usize = 1024 * 1024;

/// Keeps the connection open and reads as little as it shall, until the swarm stops.
pub(super) async fn run<Stop: Future<Output = ()>>(
    local: &Local,
    reading: Reading,
    (stream, early): (TcpStream, Vec<u8>),
    mut stop: Pin<&mut Stop>,
) {
    let mut ended = None;
    // After a sip nobody knows where a frame begins.
    let early = (reading == Reading::Nothing).then_some(early);
    match reading {
        Reading::All | Reading::Nothing => tokio::select! {
            () = &mut stop => {}
            reset = stream.ready(Interest::ERROR) => {
                ended = Some(reset.map_or_else(|error| error.kind().to_string(), |_| RESET.into()));
            }
        },
        Reading::BytesPerSecond(bytes) => {
            let sip = usize::try_from(bytes / SIPS_PER_SECOND).unwrap_or(usize::MAX).max(1);
            let mut buffer = vec![0; sip];
            while ended.is_none() {
                tokio::select! {
                    () = &mut stop => break,
                    () = sleep(SIP_EVERY) => ended = sip_of(&stream, &mut buffer),
                }
            }
        }
    }
    if let Some(reason) = ended.or_else(|| last_look(&stream, early)) {
        local.tally.borrow_mut().part.evicted.add(reason, 1);
    }
}

/// The server has cut the connection, and what it said was lost with it.
const RESET: &str = "connection reset";

/// One small read; why the connection is over, if it is.
fn sip_of(stream: &TcpStream, buffer: &mut [u8]) -> Option<String> {
    match stream.try_read(buffer) {
        Ok(0) => Some("closed".to_owned()),
        Ok(_) => None,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => None,
        Err(error) => Some(error.kind().to_string()),
    }
}

/// Reads what the system has kept, after what came with the handshake: whether the server has
/// closed the connection, and why, if that is among it.
fn last_look(stream: &TcpStream, early: Option<Vec<u8>>) -> Option<String> {
    let is_aligned = early.is_some();
    let mut kept = early.unwrap_or_default();
    let mut piece = [0; 4096];
    let over = loop {
        match stream.try_read(&mut piece) {
            Ok(0) => break Some("closed".to_owned()),
            Ok(read) if kept.len() < LAST_LOOK_BYTES => kept.extend_from_slice(&piece[..read]),
            Ok(_) => break None,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break None,
            Err(error) => break Some(error.kind().to_string()),
        }
    };
    let mut rest = &kept[..];
    while is_aligned && let Ok(Some(frame)) = frames::first(rest) {
        if frame.opcode == frames::CLOSE {
            return Some(close_text(frame.payload));
        }
        rest = &rest[frame.size..];
    }
    over
}
