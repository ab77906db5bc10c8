//! What is missing of a frame or an event that a socket has taken in part.

use super::Encoding;
use std::io::Cursor;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

/// What ends an event. The head of a stream has no such bytes in it, and counts to its first event.
const END_OF_EVENT: &[u8] = b"\n\n";

/// What is missing of the unit in which `done` bytes end, where whole units begin at `start`.
#[must_use]
pub fn rest(bytes: &[u8], mut start: usize, done: usize, encoding: Encoding) -> &[u8] {
    let length = if encoding.only_listens() { of_event } else { of_frame };
    while start < done {
        let Some(length) = length(&bytes[start..]) else { return &[] };
        let end = start.saturating_add(length);
        if done < end {
            return bytes.get(done..end).unwrap_or_default();
        }
        start = end;
    }
    &[]
}

fn of_frame(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(bytes);
    let (_, length) = FrameHeader::parse(&mut cursor).ok()??;
    let size = cursor.position().saturating_add(length);
    Some(usize::try_from(size).unwrap_or(usize::MAX))
}

fn of_event(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(END_OF_EVENT.len()).position(|it| it == END_OF_EVENT)?;
    Some(at + END_OF_EVENT.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_an_empty_line() {
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
        for units in [
            vec![":\n\n", "data: {\"a\":1}\n\n", "data: 2\n\n"],
            vec![head, "data: {\"type\":\"welcome\"}\n\n", ":\n\n"],
        ] {
            let bytes = units.concat();
            // A head and what follows it are one.
            let ends: Vec<usize> = (0..bytes.len())
                .filter(|at| bytes[..*at].ends_with("\n\n"))
                .chain([bytes.len()])
                .collect();
            for done in 1..=bytes.len() {
                let end = ends.iter().find(|end| **end >= done).copied().unwrap();
                let missing = rest(bytes.as_bytes(), 0, done, Encoding::EVENTS);
                assert_eq!(missing, &bytes.as_bytes()[done..end], "{done} of {bytes:?}");
            }
        }
    }
}
