//! What RFC 6455 forbids is refused at the first byte that shows it, and what is unfinished takes
//! no more memory than it may become.

use super::*;
use std::time::Duration;

/// Room for a header, a control frame and the bookkeeping of a message.
const OVERHEAD: usize = 512;

/// Refused with `close`, whole and byte by byte; what was read before.
fn refused(encoding: Encoding, bytes: &[u8], close: Close) -> Vec<Incoming> {
    let (mut whole, mut cut) = (Vec::new(), Vec::new());
    let pushed = Assembler::new(encoding).push(bytes, BOUNDS, Instant::now(), &mut whole);
    assert_eq!(pushed, Err(close), "{bytes:x?}");
    let mut assembler = Assembler::new(encoding);
    let mut refused = bytes
        .iter()
        .filter_map(|it| assembler.push(&[*it], BOUNDS, Instant::now(), &mut cut).err());
    assert_eq!((refused.next(), refused.next()), (Some(close), None), "{bytes:x?}");
    assert_eq!(whole, cut, "{bytes:x?}");
    assert_eq!((assembler.held(), assembler.since()), (0, None));
    whole
}

#[test]
fn a_length_takes_as_few_bytes_as_it_can_and_is_not_negative() {
    let mask = [0; 4];
    let header = |bytes: &[u8]| [bytes, &mask].concat();
    for bytes in [
        header(&[0x81, 0xfe, 0, 125]),
        header(&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 5]),
        header(&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]),
        header(&[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        header(&[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        header(&[0x89, 0xfe, 0, 9]),
        header(&[0x89, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        refused(Encoding::default(), &bytes, Close::ProtocolError);
    }
    let gib = header(&[0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0]);
    refused(Encoding::default(), &gib, Close::TooBig);
}

#[test]
fn frames_that_stand_in_the_wrong_place_are_refused_at_their_header() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        refused(BOTH, &[0x80 | opcode, 0x80, 0, 0, 0, 0], Close::ProtocolError);
    }
    let start = frame(0x01, b"a");
    for next in [[0x81, 0x85], [0x02, 0x85], [0x01, 0x85], [0x09, 0x80], [0xa0, 0x85]] {
        let bytes = [&start[..], &next, &[0; 4]].concat();
        refused(BOTH, &bytes, Close::ProtocolError);
    }
    for orphan in [[0x80, 0x85], [0x00, 0x85]] {
        refused(BOTH, &[&orphan[..], &[0; 4]].concat(), Close::ProtocolError);
    }
    // Unmasked, whatever it is.
    for first in [0x81, 0x82, 0x88, 0x89, 0x8a] {
        refused(BOTH, &[first, 0], Close::ProtocolError);
    }
}

#[test]
fn what_came_before_a_mistake_is_read() {
    let bytes = [frame(0x81, b"a"), frame(0x89, b"b"), frame(0xa1, b"c")].concat();
    let read = refused(Encoding::default(), &bytes, Close::ProtocolError);
    assert_eq!(read, [text("a"), Incoming::Ping(b"b".into())]);
}

#[test]
fn nothing_is_read_after_a_close_or_a_mistake() {
    for last in [frame(0x88, b""), frame(0x83, b"")] {
        let mut assembler = Assembler::default();
        let _ = push_next(&mut assembler, &last);
        let after = [frame(0x81, b"a"), frame(0xff, b"b")].concat();
        assert_eq!(push_next(&mut assembler, &after), Ok(vec![]));
        assert_eq!((assembler.held(), assembler.since()), (0, None));
    }
    let bytes = [frame(0x88, b""), frame(0xff, b"")].concat();
    assert_eq!(push(&bytes), Ok(vec![Incoming::Close(None)]));
}

#[test]
fn close_codes_are_those_that_may_be_sent() {
    let allowed = [1000..=1003, 1007..=1014, 3000..=4999];
    for code in 0..=u16::MAX {
        let wanted = match allowed.iter().any(|range| range.contains(&code)) {
            true => Ok(vec![Incoming::Close(Some(code))]),
            false => Err(Close::ProtocolError),
        };
        assert_eq!(push(&frame(0x88, &code.to_be_bytes())), wanted, "{code}");
    }
}

#[test]
fn bad_text_is_noticed_at_the_byte_that_spoils_it() {
    for (good, bad) in [
        (&b"a\xce\xba"[..], 0xff),
        (b"\xf4", 0x90),
        (b"\xed", 0xa0),
        (b"\xe0", 0x80),
        (b"\xf0\x90\x80", b'a'),
        (b"\xc3", b'a'),
        (b"", 0xc0),
    ] {
        // The frame goes on after what has come; and so does the message.
        for first in [0x81, 0x01] {
            let whole = frame(first, &[good, &[bad], &[b'x'; 50]].concat());
            let mut assembler = Assembler::default();
            let (before, after) = whole.split_at(6 + good.len());
            assert_eq!(push_next(&mut assembler, before), Ok(vec![]), "{good:x?}");
            assert_eq!(push_next(&mut assembler, &after[..1]), Err(Close::BadUtf8), "{good:x?}");
        }
        let fragments = [frame(0x01, good), frame(0x00, &[bad])].concat();
        refused(Encoding::default(), &fragments, Close::BadUtf8);
    }
    refused(Encoding::default(), &frame(0x81, b"abc\xf0\x90\x80"), Close::BadUtf8);
    let compressed = frame(0xc1, &compressed(b"abc\xf0\x90\x80"));
    assert_eq!(push_to(BOTH, &compressed), Err(Close::BadUtf8));
}

#[test]
fn a_message_has_no_more_fragments_than_allowed() {
    let bounds = Bounds { bytes: MAX, fragments: 3 };
    let send = |count: usize| {
        let mut frames = vec![frame(0x00, b"a"); count];
        frames[0] = frame(0x01, b"a");
        frames.insert(1, frame(0x8a, b""));
        frames[count] = frame(0x80, b"b");
        let mut incoming = Vec::new();
        let bytes = frames.concat();
        Assembler::default()
            .push(&bytes, bounds, Instant::now(), &mut incoming)
            .map(|()| incoming.pop())
    };
    assert_eq!(send(3), Ok(Some(text("aab"))));
    assert_eq!(send(4), Err(Close::Policy));
}

#[test]
fn the_clock_of_a_message_runs_from_its_first_byte_to_its_last() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut assembler = Assembler::default();
    let mut push = |bytes: &[u8], seconds| {
        assembler.push(bytes, BOUNDS, at(seconds), &mut Vec::new()).unwrap();
        assembler.since().map(|since| since.duration_since(start).as_secs())
    };
    // A header, byte by byte.
    assert_eq!(push(&[0x81], 1), Some(1));
    assert_eq!(push(&frame(0x81, b"ab")[1..7], 2), Some(1));
    assert_eq!(push(&frame(0x81, b"ab")[7..], 3), None);
    // Fragments, with a ping between them.
    assert_eq!(push(&frame(0x01, b"ab"), 4), Some(4));
    assert_eq!(push(&frame(0x89, b"ab"), 5), Some(4));
    assert_eq!(push(&frame(0x00, b"ab"), 6), Some(4));
    // The end of one message and the start of another.
    let both = [frame(0x80, b""), vec![0x89]].concat();
    assert_eq!(push(&both, 7), Some(7));
    assert_eq!(push(&frame(0x89, b"")[1..], 8), None);
}

/// The most that an assembler held while these bytes came in pieces of that size.
fn most_held(encoding: Encoding, bytes: &[u8], piece: usize, bounds: Bounds) -> usize {
    let mut assembler = Assembler::new(encoding);
    let held = bytes.chunks(piece).map(|piece| {
        assembler.push(piece, bounds, Instant::now(), &mut Vec::new()).unwrap();
        assembler.held()
    });
    held.max().unwrap_or_default()
}

#[test]
fn what_is_unfinished_takes_no_more_memory_than_the_longest_message() {
    let bytes = 65_536;
    let bounds = Bounds { bytes, fragments: 0 };
    let header = [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let one_frame = [&header[..], &vec![b'a'; bytes - 1]].concat();
    let tiny: Vec<u8> = (0..bytes).flat_map(|at| frame(u8::from(at == 0), b"a")).collect();
    for piece in [1, 13, 1460, 8192] {
        for bytes_sent in [&one_frame, &tiny] {
            let held = most_held(Encoding::default(), bytes_sent, piece, bounds);
            assert!(held <= bytes + OVERHEAD, "{held} bytes in pieces of {piece}");
        }
    }
    let most = deflate::compressed_limit(bytes);
    let tiny: Vec<u8> = (0..most).flat_map(|at| frame(0x41 * u8::from(at == 0), b"a")).collect();
    let held = most_held(DEFLATE, &tiny, 1460, bounds);
    assert!(held <= most + OVERHEAD, "{held} bytes");
    // A header promises much and costs nothing.
    assert!(most_held(Encoding::default(), &header, 1, bounds) <= OVERHEAD);
}
