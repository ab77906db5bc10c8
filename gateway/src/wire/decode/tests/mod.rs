//! Every way of cutting, compressing and breaking what a client sends.

mod deflated;
mod strict;

use super::*;
use crate::wire::{deflate, msgpack};
use miniz_oxide::deflate::compress_to_vec;
use proptest::prelude::*;

const MAX: usize = 1000;
const BOUNDS: Bounds = Bounds { bytes: MAX, fragments: 0 };
const DEFLATE: Encoding = Encoding { format: Format::Json, deflate: true };
const MSGPACK: Encoding = Encoding { format: Format::MsgPack, deflate: false };
const BOTH: Encoding = Encoding { format: Format::MsgPack, deflate: true };

/// A payload as a client compresses it: the last block is marked as such, an empty one follows.
fn compressed(message: &[u8]) -> Vec<u8> {
    let mut payload = compress_to_vec(message, 6);
    payload.push(0);
    payload
}

/// A masked frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(0x80 | u8::try_from(len).unwrap()),
        len => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
    }
    bytes.extend(mask);
    message::unmask(&mut bytes, payload, mask);
    bytes
}

fn push(bytes: &[u8]) -> Result<Vec<Incoming>, Close> {
    push_to(Encoding::default(), bytes)
}

fn push_to(encoding: Encoding, bytes: &[u8]) -> Result<Vec<Incoming>, Close> {
    push_next(&mut Assembler::new(encoding), bytes)
}

fn push_next(assembler: &mut Assembler, bytes: &[u8]) -> Result<Vec<Incoming>, Close> {
    let mut incoming = Vec::new();
    let pushed = assembler.push(bytes, BOUNDS, Instant::now(), &mut incoming);
    // A mistake in a compressed message comes before one in what follows it.
    let read: Vec<_> =
        incoming.into_iter().map(|it| it.inflated(BOUNDS)).collect::<Result<_, _>>()?;
    pushed.map(|()| read)
}

fn binary(bytes: &[u8]) -> Incoming {
    Incoming::Binary(bytes.into())
}

fn text(text: &str) -> Incoming {
    Incoming::Text(text.into())
}

#[test]
fn reads_messages_and_control_frames() {
    let mut bytes = frame(0x81, b"ping");
    bytes.extend(frame(0x89, b"x"));
    bytes.extend(frame(0x88, b"\x03\xe8bye"));
    let wanted = vec![
        Incoming::Text("ping".into()),
        Incoming::Ping(b"x".into()),
        Incoming::Close(Some(1000)),
    ];
    assert_eq!(push(&bytes), Ok(wanted));
}

#[test]
fn joins_fragments_around_control_frames() {
    let mut bytes = frame(0x01, "gr\u{fc}".as_bytes());
    bytes.extend(frame(0x8a, b""));
    bytes.extend(frame(0x80, "\u{df}e".as_bytes()));
    let wanted = vec![Incoming::Pong, Incoming::Text("gr\u{fc}\u{df}e".into())];
    assert_eq!(push(&bytes), Ok(wanted));
}

#[test]
fn refuses_what_breaks_the_protocol() {
    let unmasked = b"\x81\x02hi".to_vec();
    let cases = [
        (unmasked, Close::ProtocolError),
        (frame(0xc1, b"x"), Close::ProtocolError),
        (frame(0x83, b"x"), Close::ProtocolError),
        (frame(0x80, b"x"), Close::ProtocolError),
        (frame(0x09, b"x"), Close::ProtocolError),
        (frame(0x89, &[b'x'; 126]), Close::ProtocolError),
        (frame(0x88, b"x"), Close::ProtocolError),
        (frame(0x88, b"\x03\xed"), Close::ProtocolError),
        (frame(0x88, b"\x03\xe8\xff"), Close::BadUtf8),
        (frame(0x82, b"x"), Close::UnexpectedBinary),
        (frame(0x81, b"\xff"), Close::BadUtf8),
        (frame(0x81, &[b'x'; MAX + 1]), Close::TooBig),
        ([frame(0x01, b"a"), frame(0x81, b"b")].concat(), Close::ProtocolError),
        ([frame(0x01, &[b'a'; MAX]), frame(0x80, b"b")].concat(), Close::TooBig),
    ];
    for (bytes, close) in cases {
        assert_eq!(push(&bytes), Err(close), "{:x?}", &bytes[..bytes.len().min(8)]);
    }
}

#[test]
fn a_huge_length_is_refused_before_its_payload() {
    assert_eq!(push(&[0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]), Err(Close::TooBig));
}

#[test]
fn compressed_messages_are_read_where_that_was_agreed() {
    // RFC 7692 section 7.2.3.1, whole and in fragments.
    let whole = frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    let cut = [frame(0x41, b"\xf2\x48\xcd"), frame(0x80, b"\xc9\xc9\x07\x00")].concat();
    for encoding in [DEFLATE, BOTH] {
        assert_eq!(push_to(encoding, &whole), Ok(vec![text("Hello")]));
        assert_eq!(push_to(encoding, &cut), Ok(vec![text("Hello")]));
        // A message may be sent plain all the same.
        assert_eq!(push_to(encoding, &frame(0x81, b"ping")), Ok(vec![text("ping")]));
    }
    let packed = frame(0xc2, &compressed(b"\x81\xa2op\xa4list"));
    assert_eq!(push_to(BOTH, &packed), Ok(vec![binary(b"\x81\xa2op\xa4list")]));
    assert_eq!(push_to(MSGPACK, &whole), Err(Close::ProtocolError));
}

#[test]
fn only_the_first_frame_of_a_message_is_marked_as_compressed() {
    let payload = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    let cases = [
        [frame(0x41, &payload[..3]), frame(0xc0, &payload[3..])].concat(),
        [frame(0x01, b"a"), frame(0xc0, payload)].concat(),
        frame(0xc0, payload),
        frame(0xc9, b""),
        frame(0xc8, b""),
        frame(0xa1, payload),
        frame(0xe1, payload),
    ];
    for bytes in cases {
        assert_eq!(push_to(DEFLATE, &bytes), Err(Close::ProtocolError), "{:x?}", bytes[0]);
    }
}

#[test]
fn the_limit_is_that_of_the_message_not_of_its_compressed_form() {
    let send = |message: &[u8]| push_to(DEFLATE, &frame(0xc1, &compressed(message)));
    assert_eq!(send(&[b'a'; MAX]), Ok(vec![Incoming::Text("a".repeat(MAX))]));
    assert_eq!(send(&[b'a'; MAX + 1]), Err(Close::TooBig));
    assert_eq!(send(&vec![b'a'; 10_000_000]), Err(Close::TooBig));
    // Not compressed at all, with the bytes that this costs.
    let stored = [vec![0], vec![0xe8, 3, 0x17, 0xfc], vec![b'a'; MAX], vec![0]].concat();
    assert_eq!(push_to(DEFLATE, &frame(0xc1, &stored)).unwrap().len(), 1);
    let most = deflate::compressed_limit(MAX);
    let half = frame(0x41, &vec![0; most / 2 + 1]);
    let beyond = [half, frame(0x80, &vec![0; most / 2 + 1])].concat();
    assert_eq!(push_to(DEFLATE, &beyond), Err(Close::TooBig));
}

#[test]
fn a_compressed_message_that_is_none_breaks_the_protocol() {
    for payload in [&b"\xff\xff\xff"[..], b"", b"\xf2\x48"] {
        let pushed = push_to(DEFLATE, &frame(0xc1, payload));
        assert_eq!(pushed, Err(Close::ProtocolError), "{payload:x?}");
    }
    let not_text = frame(0xc1, &compressed(b"\xff"));
    assert_eq!(push_to(DEFLATE, &not_text), Err(Close::BadUtf8));
}

#[test]
fn a_binary_connection_takes_both_kinds() {
    let mut bytes = frame(0x82, b"\x82\xa2op");
    bytes.extend(frame(0x81, b"ping"));
    bytes.extend([frame(0x02, b"\x93\x01"), frame(0x80, b"\x02\xc0")].concat());
    let wanted = vec![binary(b"\x82\xa2op"), text("ping"), binary(b"\x93\x01\x02\xc0")];
    assert_eq!(push_to(MSGPACK, &bytes), Ok(wanted));
    assert_eq!(push_to(DEFLATE, &frame(0x82, b"\x01")), Err(Close::UnexpectedBinary));
}

#[test]
fn an_idle_connection_costs_little() {
    let mut assembler = Assembler::new(BOTH);
    let bytes = [frame(0x42, &compressed(b"\x81\xa2op\xa4list")), frame(0x80, b"")].concat();
    assert_eq!(push_next(&mut assembler, &bytes).unwrap().len(), 1);
    assert_eq!((assembler.held(), assembler.since()), (0, None));
    assert!(size_of::<Assembler>() <= 16);
}

/// How a client sends a message: packed, compressed, and in frames of which size.
#[derive(Debug, Clone)]
struct Way {
    packed: bool,
    deflated: bool,
    fragment: usize,
}

fn any_way() -> impl Strategy<Value = Way> {
    let ways = (any::<bool>(), any::<bool>(), 1_usize..200);
    ways.prop_map(|(packed, deflated, fragment)| Way { packed, deflated, fragment })
}

/// The frames of a message, with a ping between two fragments.
fn sent(json: &str, way: &Way) -> Vec<u8> {
    let mut payload = json.as_bytes().to_vec();
    if way.packed {
        payload = msgpack::from_json(&payload).unwrap();
    }
    if way.deflated {
        payload = compressed(&payload);
    }
    let count = payload.chunks(way.fragment).count();
    let mut bytes = Vec::new();
    for (at, fragment) in payload.chunks(way.fragment).enumerate() {
        let opcode = match at {
            0 => 1 + u8::from(way.packed) + (u8::from(way.deflated) << 6),
            _ => 0,
        };
        let last = u8::from(at + 1 == count) << 7;
        bytes.extend(frame(opcode | last, fragment));
        bytes.extend(frame(0x8a, b""));
    }
    bytes
}

proptest! {
    #[test]
    fn any_cut_of_the_bytes_gives_the_same_messages(
        messages in proptest::collection::vec("[a-z]{0,300}", 1..5),
        cut in 1_usize..40,
    ) {
        let bytes: Vec<u8> =
            messages.iter().flat_map(|text| frame(0x81, text.as_bytes())).collect();
        let mut assembler = Assembler::default();
        let mut read = Vec::new();
        for piece in bytes.chunks(cut) {
            read.extend(push_next(&mut assembler, piece).unwrap());
        }
        let wanted: Vec<Incoming> = messages.into_iter().map(Incoming::Text).collect();
        prop_assert_eq!(read, wanted);
        prop_assert_eq!(assembler.held(), 0);
    }

    #[test]
    fn any_cut_gives_the_same_messages_in_every_encoding(
        messages in proptest::collection::vec(("[a-z]{0,300}", any_way()), 1..5),
        cut in 1_usize..40,
    ) {
        let json = |message: &String| format!(r#"{{"op":"{message}"}}"#);
        let bytes: Vec<u8> =
            messages.iter().flat_map(|(message, way)| sent(&json(message), way)).collect();
        let mut assembler = Assembler::new(BOTH);
        let mut read = Vec::new();
        for piece in bytes.chunks(cut) {
            read.extend(push_next(&mut assembler, piece).unwrap());
        }
        read.retain(|incoming| *incoming != Incoming::Pong);
        let wanted: Vec<Incoming> = messages
            .iter()
            .map(|(message, way)| match way.packed {
                true => Incoming::Binary(msgpack::from_json(json(message).as_bytes()).unwrap()),
                false => Incoming::Text(json(message)),
            })
            .collect();
        prop_assert_eq!(read, wanted);
        prop_assert_eq!(assembler.held(), 0);
    }

    #[test]
    fn hostile_payloads_are_read_or_refused_within_the_limit(
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        first in prop::sample::select(vec![0x81_u8, 0x82, 0xc1, 0xc2]),
    ) {
        for incoming in push_to(BOTH, &frame(first, &payload)).unwrap_or_default() {
            match incoming {
                Incoming::Text(text) => prop_assert!(text.len() <= MAX),
                Incoming::Binary(bytes) => prop_assert!(bytes.len() <= MAX),
                _ => {}
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for encoding in [Encoding::default(), DEFLATE, MSGPACK, BOTH] {
            let _ = push_to(encoding, &bytes);
        }
    }
}
