//! A compressed message takes no more memory than what came of it until it is to be served.

use super::*;

/// As long as messages usually may be.
const LONG: Bounds = Bounds { bytes: 65_536, fragments: 0 };
/// What is read from a socket at once.
const READ_BYTES: usize = 8 * 1024;

/// As many messages of that many zeros as a read has room for, compressed as well as can be.
fn bombs(length: usize) -> (usize, Vec<u8>) {
    let mut payload = compress_to_vec(&vec![0; length], 10);
    payload.push(0);
    let bomb = frame(0xc1, &payload);
    let count = READ_BYTES / bomb.len();
    (count, bomb.repeat(count))
}

/// Memory of messages that wait, in bytes.
fn held(incoming: &Vec<Incoming>) -> usize {
    let payloads = incoming.iter().map(|it| match it {
        Incoming::Text(text) => text.capacity(),
        Incoming::Binary(bytes) | Incoming::Ping(bytes) => bytes.capacity(),
        Incoming::Deflated(message) => message.capacity(),
        Incoming::Pong | Incoming::Close(_) => 0,
    });
    incoming.capacity() * size_of::<Incoming>() + payloads.sum::<usize>()
}

#[test]
fn a_read_full_of_bombs_stays_small_until_they_are_served() {
    let (count, bytes) = bombs(LONG.bytes);
    assert!(count > 80, "{count} bombs");
    let mut incoming = Vec::new();
    Assembler::new(DEFLATE).push(&bytes, LONG, Instant::now(), &mut incoming).unwrap();
    assert_eq!(incoming.len(), count);
    let held = held(&incoming);
    assert!(held <= 4 * READ_BYTES, "{held} bytes");
}

#[test]
fn a_compressed_message_is_known_to_be_bad_only_when_it_is_served() {
    let bad = [&compressed(b"\xff")[..], b"\xff\xff", &compressed(&[b'a'; MAX + 1])];
    let closes = [Close::BadUtf8, Close::ProtocolError, Close::TooBig];
    for (payload, close) in bad.into_iter().zip(closes) {
        let good = frame(0xc1, &compressed(b"ping"));
        let bytes = [good, frame(0xc1, payload), frame(0x83, b"")].concat();
        let mut incoming = Vec::new();
        let pushed = Assembler::new(DEFLATE).push(&bytes, BOUNDS, Instant::now(), &mut incoming);
        assert_eq!(pushed, Err(Close::ProtocolError));
        let read: Vec<_> = incoming.into_iter().map(|it| it.inflated(BOUNDS)).collect();
        assert_eq!(read, [Ok(text("ping")), Err(close)]);
    }
}
