//! Groups 1 to 4: lengths, pings and pongs, reserved bits, reserved opcodes.

use super::replay::{BINARY, CLOSE, Case, PING, PONG, TEXT, case, frame, run};

/// Messages at the edges of the three forms of a length; the last is written in pieces.
const LENGTHS: [(usize, usize); 8] = [
    (0, usize::MAX),
    (125, usize::MAX),
    (126, usize::MAX),
    (127, usize::MAX),
    (128, usize::MAX),
    (65_535, usize::MAX),
    (65_536, usize::MAX),
    (65_536, 997),
];

#[tokio::test]
async fn group_1_messages_of_every_length_come_back() {
    let kinds = [(1, TEXT, b'*'), (2, BINARY, 0xfe)];
    let cases = kinds.into_iter().flat_map(|(group, opcode, byte)| {
        LENGTHS.into_iter().zip(1..).map(move |((length, piece), number)| {
            let payload = vec![byte; length];
            case(format!("1.{group}.{number}"))
                .chops(frame(opcode, &payload), piece)
                .hears(opcode, payload)
                .ends_well()
        })
    });
    run(16, cases.collect()).await;
}

#[tokio::test]
async fn group_2_pings_are_answered_and_pongs_are_not() {
    let answered = |name, payload: &[u8]| {
        case(name).writes(frame(PING, payload)).hears(PONG, payload).ends_well()
    };
    let many = (0..10).map(|number| format!("payload-{number}").into_bytes());
    let pings: Vec<u8> = many.clone().flat_map(|payload| frame(PING, payload)).collect();
    let ten = |name, piece| {
        let sent = case(name).chops(pings.clone(), piece);
        many.clone().fold(sent, |case, payload| case.hears(PONG, payload)).ends_well()
    };
    let cases = vec![
        answered("2.1", b""),
        answered("2.2", b"Hello, world!"),
        answered("2.3", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"),
        answered("2.4", &[0xfe; 125]),
        case("2.5").writes(frame(PING, [0xfe; 126])).hears_close(1002),
        case("2.6").chops(frame(PING, [0xfe; 125]), 1).hears(PONG, [0xfe; 125]).ends_well(),
        case("2.7").writes(frame(PONG, b"")).ends_well(),
        case("2.8").writes(frame(PONG, b"unsolicited pong")).ends_well(),
        case("2.9")
            .writes([frame(PONG, b"unsolicited pong"), frame(PING, b"ping")].concat())
            .hears(PONG, b"ping")
            .ends_well(),
        ten("2.10", usize::MAX),
        ten("2.11", 1),
    ];
    run(11, cases).await;
}

/// A message that is fine, then a frame that is not, then a ping that nobody hears.
fn spoiled(name: &str, bad: Vec<u8>, piece: usize) -> Case {
    let bytes = [frame(TEXT, b"Hello"), bad, frame(PING, b"too late")].concat();
    case(name).chops(bytes, piece).hears(TEXT, b"Hello").hears_close(1002)
}

#[tokio::test]
async fn group_3_reserved_bits_close_the_connection() {
    let rsv = |bits: u8, opcode: u8, payload: &[u8]| frame(opcode | bits << 4, payload);
    let pieces = |case: Case, bytes: [Vec<u8>; 3]| {
        bytes.into_iter().fold(case, Case::writes).hears(TEXT, b"Hello").hears_close(1002)
    };
    let by_frame = [frame(TEXT, b"Hello"), rsv(3, TEXT, b"Hello"), frame(PING, b"too late")];
    let cases = vec![
        case("3.1").writes(rsv(1, TEXT, b"Hello")).hears_close(1002),
        spoiled("3.2", rsv(2, TEXT, b"Hello"), usize::MAX),
        pieces(case("3.3"), by_frame),
        spoiled("3.4", rsv(4, TEXT, b"Hello"), 1),
        case("3.5").writes(rsv(5, BINARY, &[0xff; 8])).hears_close(1002),
        case("3.6").writes(rsv(6, PING, b"Hello")).hears_close(1002),
        case("3.7").writes(rsv(7, CLOSE, b"")).hears_close(1002),
    ];
    run(7, cases).await;
}

#[tokio::test]
async fn group_4_reserved_opcodes_close_the_connection() {
    let kinds = [("4.1", 3_u8), ("4.2", 11)];
    let cases = kinds.into_iter().flat_map(|(group, lowest)| {
        let opcode = move |number: u8| 0x80 | (lowest + number);
        [
            case(format!("{group}.1")).writes(frame(opcode(0), b"")).hears_close(1002),
            case(format!("{group}.2")).writes(frame(opcode(1), b"reserved")).hears_close(1002),
            spoiled(&format!("{group}.3"), frame(opcode(2), b""), usize::MAX),
            spoiled(&format!("{group}.4"), frame(opcode(3), b"reserved"), usize::MAX),
            spoiled(&format!("{group}.5"), frame(opcode(4), b"reserved"), 1),
        ]
    });
    run(10, cases.collect()).await;
}
