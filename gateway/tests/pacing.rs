//! How often one client may ask, and what its faults and ours cost the others.

use crate::support::{Answer, RawClient, Stage, masked};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tickcast_gateway::GatewayConfig;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::tungstenite::Message;

const BTC: &str = "ticker:kucoin:BTC-USDT";
const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

/// Tells at the third message of a second, and has enough at the fifth.
fn narrow(config: &mut GatewayConfig) {
    config.limits.commands_per_second = 1;
    config.limits.command_burst = 2;
}

#[tokio::test]
async fn too_many_commands_are_refused_and_then_end_the_connection() {
    let mut stage = Stage::start(narrow).await;
    stage.price(BTC, "1").await;
    let mut other = stage.client("?topics=BTC-USDT").await;
    other.next_of("synced").await;
    let mut flooding = RawClient::dial(&stage, "", "").await;
    // All at once, in every form that a message of a client has.
    let frames = [
        masked(0x81, b"ping"),
        masked(0x81, br#"{"op":"list","id":1}"#),
        masked(0x89, b"abc"),
        masked(0x81, b"ping"),
        masked(0x8a, b"a pong that nobody asked for"),
        masked(0x81, b"ping"),
        masked(0x81, b"ping"),
    ];
    flooding.socket.write_all(&frames.concat()).await.unwrap();
    let (answers, end) = flooding.rest().await;
    let kinds: Vec<&Value> = answers.iter().map(|answer| &answer["type"]).collect();
    assert_eq!(kinds[..2], [&Value::Null, &json!("subscriptions")], "{answers:?}");
    for refused in &answers[2..answers.len() - 1] {
        assert_eq!(refused["code"], "rate_limited", "{refused}");
        assert!((1..=1001).contains(&refused["retry_after_ms"].as_u64().unwrap()), "{refused}");
    }
    let closing = answers.last().unwrap();
    assert_eq!((&closing["code"], &closing["reconnect"]), (&json!(4002), &json!(true)));
    assert!(closing["reconnect_after_ms"].as_u64().unwrap() >= 5000, "{closing}");
    assert_eq!(end, crate::support::Frame::Close(4002));
    stage.price(BTC, "2").await;
    assert_eq!(other.next_of("ticker").await["last_price"], "2");
}

/// A compressed text frame of a client; the library marks its last block, so an empty one follows.
fn compressed(text: &str) -> Vec<u8> {
    let mut payload = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 6);
    payload.push(0);
    masked(0xc1, &payload)
}

#[tokio::test]
async fn what_comes_too_fast_is_not_even_inflated() {
    let stage = Stage::start(|config| {
        narrow(config);
        config.deflate = true;
    })
    .await;
    let mut flooding = RawClient::dial(&stage, "", DEFLATE).await;
    // Whoever looked into one of the last frames would close with 1002.
    let frames = [compressed("ping"), compressed("ping"), masked(0xc1, b"\xff").repeat(8)];
    flooding.socket.write_all(&frames.concat()).await.unwrap();
    let (answers, end) = flooding.rest().await;
    assert_eq!(answers[..2], [json!("pong"), json!("pong")], "{answers:?}");
    for refused in &answers[2..answers.len() - 1] {
        assert_eq!(refused["code"], "rate_limited", "{answers:?}");
    }
    assert_eq!(end, crate::support::Frame::Close(4002), "{answers:?}");
}

#[tokio::test]
async fn answers_to_our_own_pings_are_no_commands() {
    let stage = Stage::start(|config| {
        narrow(config);
        config.limits.heartbeat_ms = 100;
    })
    .await;
    let mut client = stage.client("").await;
    for _ in 0..20 {
        // The library answers each of them.
        while !matches!(client.raw().await, Message::Ping(_)) {}
        client.socket.flush().await.unwrap();
    }
}

#[tokio::test]
async fn welcome_shows_the_limits() {
    let stage = Stage::start(narrow).await;
    let (socket, _) =
        tokio_tungstenite::connect_async(format!("ws://{}/ws", stage.address)).await.unwrap();
    let mut client = crate::support::Client { socket };
    let welcome = client.next().await;
    for (limit, value) in [
        ("commands_per_second", 1),
        ("command_burst", 2),
        ("max_connections_per_ip", 1000),
        ("dials_per_second_per_ip", 50),
        ("max_message_bytes", 65_536),
        ("max_topics", 1024),
    ] {
        assert_eq!(welcome["limits"][limit], value, "{limit}");
    }
}

/// Needs a gateway that is built for tests.
#[cfg(feature = "testing")]
#[tokio::test]
async fn a_panic_costs_only_the_client_that_met_it() {
    let mut stage = Stage::start(|config| config.shards = 1).await;
    stage.price(BTC, "1").await;
    let mut other = stage.client("?topics=BTC-USDT").await;
    other.next_of("synced").await;
    let mut unlucky = stage.client("?topics=BTC-USDT").await;
    unlucky.next_of("synced").await;
    unlucky.send("panic").await;
    let (code, closing) = unlucky.closed().await;
    assert_eq!((code, &closing["reconnect"]), (1011, &json!(true)));
    // The same while what came behind its handshake is read.
    let mut early = RawClient::dial_and_send(&stage, &masked(0x89, b"panic")).await;
    assert_eq!(early.rest().await.1, crate::support::Frame::Close(1011));
    let socket = TcpStream::connect(stage.address).await.unwrap();
    let answer = Answer::get(socket, "/testing/panic", "").await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "internal"));
    stage.until_connections("the unlucky one is forgotten", |it| it["open"] == 1).await;
    stage.price(BTC, "2").await;
    assert_eq!(other.next_of("ticker").await["last_price"], "2");
}
