//! Pings, errors, limits, heartbeats, closing.

use crate::support::{DEADLINE, RawClient, Stage};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

const BTC: &str = "ticker:kucoin:BTC-USDT";

#[tokio::test]
async fn both_forms_of_ping_are_answered() {
    let stage = Stage::start(|_| {}).await;
    let mut client = stage.client("").await;
    client.send("ping").await;
    assert_eq!(client.raw().await, Message::text("pong"));
    client.send(r#"{"op":"ping","id":"x"}"#).await;
    let pong = client.next().await;
    assert_eq!((&pong["type"], &pong["id"]), (&json!("pong"), &json!("x")));
    assert!(pong["time"].as_i64().unwrap() > 1_700_000_000_000_000);
    client.socket.send(Message::Ping("abc".into())).await.unwrap();
    assert_eq!(client.raw().await, Message::Pong("abc".into()));
}

#[tokio::test]
async fn mistakes_are_named_and_the_connection_lives() {
    let mut stage = Stage::start(|_| {}).await;
    stage.price(BTC, "1").await;
    let mut client = stage.client("").await;
    for (message, code, field) in [
        ("{", "bad_json", json!(null)),
        (r#"{"op":"fly","id":3}"#, "unknown_op", json!("op")),
        (r#"{"op":"list","colour":1}"#, "unknown_field", json!("colour")),
        (
            r#"{"op":"subscribe","topics":["BTC-USDT"],"interval_ms":-9}"#,
            "bad_field",
            json!("interval_ms"),
        ),
        (r#"{"op":"unsubscribe","topics":["?"]}"#, "bad_topic", json!("topics")),
        (r#"{"op":"topics","match":"a:b:c:d:e"}"#, "bad_topic", json!("match")),
        (r#"{"op":"auth","token":"t"}"#, "bad_field", json!("token")),
    ] {
        client.send(message).await;
        let error = client.next().await;
        assert_eq!(error["type"], "error", "{message}");
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &field), "{message}");
    }
    client.send(r#"{"op":"subscribe","topics":["BTC-USDT"]}"#).await;
    client.next_of("synced").await;
}

#[tokio::test]
async fn a_message_above_the_limit_closes_with_1009() {
    let stage = Stage::start(|config| config.limits.max_message_bytes = 1024).await;
    let mut client = stage.client("").await;
    client.send(&"x".repeat(1025)).await;
    let (code, announced) = client.closed().await;
    assert_eq!(code, 1009);
    assert_eq!((&announced["type"], &announced["reconnect"]), (&json!("closing"), &json!(false)));
}

#[tokio::test]
async fn binary_on_a_text_connection_closes_with_1003() {
    let stage = Stage::start(|_| {}).await;
    let mut client = stage.client("").await;
    client.socket.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(client.closed().await.0, 1003);
}

#[tokio::test]
async fn a_close_is_answered_with_its_code() {
    let stage = Stage::start(|_| {}).await;
    let mut client = stage.client("").await;
    client.socket.close(None).await.unwrap();
    assert!(matches!(client.raw().await, Message::Close(_)));
    assert!(client.socket.next().await.is_none());
}

#[tokio::test]
async fn a_silent_client_is_closed_after_three_heartbeats() {
    let stage = Stage::start(|config| config.limits.heartbeat_ms = 700).await;
    let mut answering = stage.client("").await;
    let mut silent = handshake(stage.address).await;
    let mut bytes = Vec::new();
    // A library answers pings while it is read from.
    let answers = async { while !matches!(answering.raw().await, Message::Close(_)) {} };
    tokio::select! {
        // The reset that follows an unanswered close may show as an error; the bytes are here then.
        read = tokio::time::timeout(DEADLINE, silent.read_to_end(&mut bytes)) => {
            let _ = read.expect("closed in time");
        }
        () = answers => panic!("a client that answers pings was closed"),
    }
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains(r#""code":4001,"reason":"heartbeat timeout","reconnect":true"#),
        "{text}"
    );
    assert!(bytes.windows(2).any(|pair| pair == [0x89, 0]), "it was pinged before");
}

/// A raw connection that has finished its handshake.
async fn handshake(address: std::net::SocketAddr) -> tokio::net::TcpStream {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    socket
}

#[tokio::test]
async fn shutdown_tells_everyone_to_come_back() {
    let mut stage = Stage::start(|config| config.limits.drain_window_ms = 200).await;
    stage.price(BTC, "1").await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(stage.client("?topics=BTC-USDT").await);
    }
    stage.tasks.token().cancel();
    for client in &mut clients {
        let (code, announced) = client.closed().await;
        assert_eq!((code, &announced["reconnect"]), (1012, &json!(true)));
        assert!((1..=1500).contains(&announced["reconnect_after_ms"].as_u64().unwrap()));
    }
    drop(clients);
    tokio::time::timeout(DEADLINE, stage.tasks.finish()).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_comes_during_shutdown_is_sent_away_and_subscribes_nothing() {
    let mut stage = Stage::start(|config| config.shards = 1).await;
    stage.price(BTC, "1").await;
    let _slow_to_leave = RawClient::dial(&stage, "?topics=BTC-USDT", "").await;
    // A connection that was accepted before, and is kept open.
    let mut late = TcpStream::connect(stage.address).await.unwrap();
    late.write_all(b"GET /v1/topics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(late.read_u8().await.is_ok());
    stage.tasks.token().cancel();
    stage.until_connections("the first is told to go", |it| it["closing"] == 1).await;
    let upgrade = "GET /ws?topics=BTC-USDT HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    late.write_all(upgrade.as_bytes()).await.unwrap();
    let is_told = |it: &Value| it["closing"] == 2 && it["subscribing"] == 0;
    stage.until_connections("the second is told to go", is_told).await;
    let mut text = Vec::new();
    // The reset of one that does not answer the close may show as an error; the bytes are here then.
    let _ = tokio::time::timeout(DEADLINE, late.read_to_end(&mut text)).await.unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains(r#""code":1012"#) && !text.contains("subscribed"), "{text}");
}
