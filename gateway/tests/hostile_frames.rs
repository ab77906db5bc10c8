//! What a client may not send closes its connection with the code that says why, and nothing that it
//! leaves unfinished stays for long.

use crate::support::{Frame, RawClient, Stage, masked};
use serde_json::json;
use tokio::io::AsyncWriteExt;

const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

/// Sends these bytes; the code of the close that follows, which is announced by the message before.
async fn closed_after(stage: &Stage, bytes: &[u8]) -> u16 {
    let mut client = RawClient::dial(stage, "", "").await;
    client.socket.write_all(bytes).await.unwrap();
    let (messages, end) = client.rest().await;
    let Frame::Close(code) = end else { panic!("{end:?} instead of a close") };
    let announced = messages.last().expect("a message before the close");
    assert_eq!((&announced["type"], &announced["code"]), (&json!("closing"), &json!(code)));
    assert_eq!(announced["reconnect"], json!(false), "the client is to be repaired first");
    code
}

/// A header that announces that many bytes in its longest form.
fn long_header(length: u64) -> Vec<u8> {
    [&[0x81, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat()
}

#[tokio::test]
async fn every_broken_rule_has_its_code() {
    let stage = Stage::start(|config| config.limits.max_fragments = 4).await;
    let fragments = |count: usize| {
        let rest = masked(0x00, b"x").repeat(count - 1);
        [masked(0x01, b"x"), rest].concat()
    };
    for (what, bytes, code) in [
        ("a header of 1 GiB", long_header(1 << 30), 1009),
        ("a negative length", long_header(1 << 63), 1002),
        ("a length in too many bytes", long_header(5), 1002),
        ("no mask", b"\x81\x04ping".to_vec(), 1002),
        ("a reserved bit", masked(0xa1, b"ping"), 1002),
        ("compression that was not agreed", masked(0xc1, b"ping"), 1002),
        ("a reserved opcode", masked(0x83, b"ping"), 1002),
        ("a long ping", masked(0x89, &[0; 126]), 1002),
        ("a continuation of nothing", masked(0x80, b"ping"), 1002),
        ("bad UTF-8", masked(0x81, b"\xff"), 1007),
        ("bad UTF-8 in a fragment", masked(0x01, b"\xed\xa0\x80"), 1007),
        ("binary on a text connection", masked(0x82, b"\x80"), 1003),
        ("too many fragments", fragments(5), 1008),
        (
            "too many bytes in fragments",
            [masked(0x01, &[b'x'; 65_535]), masked(0x80, b"xx")].concat(),
            1009,
        ),
    ] {
        assert_eq!(closed_after(&stage, &bytes).await, code, "{what}");
    }
}

#[tokio::test]
async fn what_came_before_a_mistake_is_answered() {
    let stage = Stage::start(|_| {}).await;
    let mut client = RawClient::dial(&stage, "", "").await;
    let bytes = [masked(0x81, b"ping"), masked(0x83, b"")].concat();
    client.socket.write_all(&bytes).await.unwrap();
    let (messages, end) = client.rest().await;
    assert_eq!((&messages[0], end), (&json!("pong"), Frame::Close(1002)));
}

#[tokio::test]
async fn a_bad_compressed_message_closes_after_what_came_before_it_and_hides_what_follows() {
    let stage = Stage::start(|config| config.deflate = true).await;
    let deflated = |payload: &[u8]| {
        let mut payload = miniz_oxide::deflate::compress_to_vec(payload, 10);
        payload.push(0);
        masked(0xc1, &payload)
    };
    for (bad, code) in [
        (deflated(b"\xff"), 1007),
        (masked(0xc1, b"\xff\xff"), 1002),
        (deflated(&[b'x'; 65_537]), 1009),
    ] {
        for last in
            [masked(0x83, b""), masked(0x88, b"\x03\xe8"), masked(0x81, b"half")[..7].to_vec()]
        {
            let mut client = RawClient::dial(&stage, "", DEFLATE).await;
            let ping = deflated(b"ping");
            let bytes = [&ping[..], &bad, &ping, &last].concat();
            client.socket.write_all(&bytes).await.unwrap();
            let (messages, end) = client.rest().await;
            assert_eq!((&messages[0], end), (&json!("pong"), Frame::Close(code)));
            assert_eq!((messages.len(), &messages[1]["code"]), (2, &json!(code)), "{messages:?}");
        }
    }
}

#[tokio::test]
async fn a_message_that_does_not_end_in_time_closes_with_1008() {
    let stage = Stage::start(|config| config.limits.message_timeout_ms = 200).await;
    let whole = masked(0x81, b"ping");
    let mut patient = RawClient::dial(&stage, "", "").await;
    for unfinished in [
        // The first byte of a header, all but the last byte of a frame, a fragment without its end.
        whole[..1].to_vec(),
        whole[..whole.len() - 1].to_vec(),
        masked(0x01, b"pi"),
        // A pong between fragments is life, and not the rest of the message.
        [masked(0x01, b"pi"), masked(0x8a, b"")].concat(),
        // What is complete is answered; what follows it is not.
        [&whole[..], &whole[..3]].concat(),
    ] {
        assert_eq!(closed_after(&stage, &unfinished).await, 1008, "{unfinished:x?}");
    }
    // Who has been silent for all that time owes nothing.
    patient.send("ping").await;
    assert_eq!(patient.message().await, json!("pong"));
}

#[tokio::test]
async fn a_message_that_ends_in_time_is_served_however_it_is_cut() {
    let stage = Stage::start(|_| {}).await;
    let mut client = RawClient::dial(&stage, "", "").await;
    let bytes = [masked(0x01, b"pi"), masked(0x8a, b""), masked(0x80, b"ng")].concat();
    for _ in 0..3 {
        for byte in &bytes {
            client.socket.write_all(&[*byte]).await.unwrap();
        }
        assert_eq!(client.message().await, json!("pong"));
    }
}
