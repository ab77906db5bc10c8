//! Groups 12 and 13: compressed messages of all sizes and kinds, and offers with all parameters.
//!
//! A thousand messages a case in the suite, a few here; the suite's documents are made up here.

use super::replay::{BINARY, Case, DEFLATED, TEXT, case, deflated, fragmented, frame, run};

/// Length of the messages and of their fragments (0: one frame), by the last part of a number.
const SIZES: [(usize, usize); 18] = [
    (16, 0),
    (64, 0),
    (256, 0),
    (1024, 0),
    (4096, 0),
    (8192, 0),
    (16_384, 0),
    (32_768, 0),
    (65_536, 0),
    (131_072, 0),
    (8192, 256),
    (16_384, 256),
    (32_768, 256),
    (65_536, 256),
    (131_072, 256),
    (131_072, 1024),
    (131_072, 4096),
    (131_072, 32_768),
];
const MESSAGES: usize = 3;

const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
const AGREED_ON_A_WINDOW: &str = "permessage-deflate; server_no_context_takeover; \
                                  client_no_context_takeover; server_max_window_bits=15";

macro_rules! offer {
    ($($parameters:literal),+) => {
        concat!(
            "Sec-WebSocket-Extensions: ",
            $("permessage-deflate; client_no_context_takeover; client_max_window_bits",
              $parameters,)+
            "\r\n"
        )
    };
}

/// What is offered in group 13, and the answer: a window of 512 bytes is declined.
const OFFERS: [(&str, Option<&str>); 7] = [
    (offer!(""), Some(AGREED)),
    (offer!("; server_no_context_takeover"), Some(AGREED)),
    (offer!("; server_max_window_bits=9"), None),
    (offer!("; server_max_window_bits=15"), Some(AGREED_ON_A_WINDOW)),
    (offer!("; server_no_context_takeover; server_max_window_bits=9"), None),
    (offer!("; server_no_context_takeover; server_max_window_bits=15"), Some(AGREED_ON_A_WINDOW)),
    (
        offer!(
            "; server_no_context_takeover; server_max_window_bits=9, ",
            "; server_no_context_takeover, ",
            ""
        ),
        Some(AGREED),
    ),
];

#[tokio::test]
async fn group_12_compressed_messages_come_back() {
    let documents: [(u8, Vec<u8>); 5] = [
        (TEXT, json()),
        (BINARY, bitmap()),
        (BINARY, verse().into_bytes()),
        (TEXT, format!("<html><p>{}</p></html>", verse()).into_bytes()),
        (BINARY, noise()),
    ];
    let mut cases = Vec::new();
    for ((opcode, document), group) in documents.iter().zip(1..) {
        for (size, number) in SIZES.into_iter().zip(1..) {
            let offered = case(format!("12.{group}.{number}")).offers(OFFERS[0].0, OFFERS[0].1);
            cases.push(echoed(offered, *opcode, document, size, true));
        }
    }
    run(90, cases).await;
}

#[tokio::test]
async fn group_13_every_offer_is_accepted_or_declined_and_messages_come_back() {
    let document = json();
    let mut cases = Vec::new();
    for ((headers, answer), group) in OFFERS.into_iter().zip(1..) {
        for (size, number) in SIZES.into_iter().zip(1..) {
            let offered = case(format!("13.{group}.{number}")).offers(headers, answer);
            cases.push(echoed(offered, TEXT, &document, size, answer.is_some()));
        }
    }
    run(126, cases).await;
}

/// Messages that are other parts of a document each.
fn echoed(
    case: Case,
    opcode: u8,
    document: &[u8],
    (length, fragment): (usize, usize),
    deflate: bool,
) -> Case {
    let sent = (0..MESSAGES).fold(case, |case, at| {
        let message = &document[at..at + length];
        let (first, payload) = match deflate {
            true => (opcode | DEFLATED, deflated(message)),
            false => (opcode, message.to_vec()),
        };
        let bytes = match fragment {
            0 => frame(first, payload),
            size => fragmented(first, &payload, size),
        };
        case.writes(bytes).hears(opcode, message)
    });
    sent.ends_well()
}

/// Longer than the longest message and what the messages are shifted by.
const DOCUMENT: usize = 131_072 + MESSAGES;

fn grown(mut part: impl FnMut(usize) -> Vec<u8>) -> Vec<u8> {
    let mut document = Vec::with_capacity(2 * DOCUMENT);
    for at in 0.. {
        document.extend(part(at));
        if document.len() >= DOCUMENT {
            break;
        }
    }
    document
}

fn json() -> Vec<u8> {
    grown(|at| format!(r#"{{"id":{at},"price":"{}.{}"}},"#, at * 7919, at % 97).into_bytes())
}

fn verse() -> String {
    let lines = ["the quick brown fox", "jumps over the lazy dog", "and is gone; who saw it?\n"];
    let text = grown(|at| format!("{} {}, ", at % 41, lines[at * at % 3]).into_bytes());
    String::from_utf8(text).unwrap()
}

/// Smooth, like a picture.
fn bitmap() -> Vec<u8> {
    grown(|row| {
        (0..512).map(|column| u8::try_from((row * row / 64 + column / 7) % 256).unwrap()).collect()
    })
}

/// What cannot be compressed (numbers of a linear congruential generator).
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    grown(|_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[..4].to_vec()
    })
}
