//! Group 7: closing handshakes, good and bad.

use super::replay::{CLOSE, Case, END, FIRST_TEXT, PING, TEXT, case, frame, run};

const MAY_BE_SENT: [u16; 13] =
    [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const MAY_NOT: [u16; 9] = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
const OUT_OF_RANGE: [u16; 2] = [5000, 65_535];

/// A close frame with a code and a reason.
fn close(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    frame(CLOSE, [&code.to_be_bytes(), reason.as_ref()].concat())
}

#[tokio::test]
async fn group_7_a_close_is_answered_once_and_ends_everything() {
    let bye = || close(1000, "");
    let hello = frame(TEXT, b"Hello World!");
    let long = vec![b'*'; 256 * 1024];
    // What stands behind the first close is as if it had not been sent.
    let after = |name, late: Vec<u8>| case(name).writes([bye(), late].concat()).hears_close(1000);
    let unfinished = [frame(FIRST_TEXT, b"fragment1"), bye(), frame(END, b"fragment2")].concat();
    let big = [frame(TEXT, &long), bye(), frame(PING, b"late")].concat();
    let mut cases = vec![
        case("7.1.1")
            .writes([hello.clone(), bye()].concat())
            .hears(TEXT, b"Hello World!")
            .hears_close(1000),
        after("7.1.2", bye()),
        after("7.1.3", frame(PING, b"late")),
        after("7.1.4", hello),
        case("7.1.5").writes(unfinished).hears_close(1000),
        case("7.1.6").writes(big).hears(TEXT, long).hears_close(1000),
        case("7.3.1").writes(frame(CLOSE, b"")).hears_close(1000),
        case("7.3.2").writes(frame(CLOSE, b"a")).hears_close(1002),
        case("7.3.3").writes(bye()).hears_close(1000),
        case("7.3.4").writes(close(1000, "Hello World!")).hears_close(1000),
        case("7.3.5").writes(close(1000, [b'*'; 123])).hears_close(1000),
        case("7.3.6").writes(close(1000, [b'*'; 124])).hears_close(1002),
        case("7.5.1").writes(close(1000, b"\xce\xba\xed\xa0\x80edited")).hears_close(1007),
    ];
    cases.extend(codes("7.7", &MAY_BE_SENT, None));
    cases.extend(codes("7.9", &MAY_NOT, Some(1002)));
    cases.extend(codes("7.13", &OUT_OF_RANGE, Some(1002)));
    run(37, cases).await;
}

/// Each code is answered with itself, or with the one given.
fn codes(group: &str, codes: &[u16], answer: Option<u16>) -> Vec<Case> {
    let numbered = codes.iter().zip(1..);
    numbered
        .map(|(code, number)| {
            let sent = case(format!("{group}.{number}")).writes(close(*code, ""));
            sent.hears_close(answer.unwrap_or(*code))
        })
        .collect()
}
