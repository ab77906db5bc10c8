//! MessagePack and compression, from the upgrade to the close.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it stands")]

mod support;

use futures_util::SinkExt;
use serde_json::{Value, json};
use support::{Client, DEADLINE, Stage};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};

/// A client that offers subprotocols, and the one that was chosen.
async fn offering(stage: &Stage, offer: &str) -> (Client, Option<String>) {
    let mut request = format!("ws://{}/ws", stage.address).into_client_request().unwrap();
    let offer = HeaderValue::from_str(offer).unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", offer);
    let (socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    let chosen = response.headers().get("Sec-WebSocket-Protocol");
    (Client { socket }, chosen.map(|name| name.to_str().unwrap().to_owned()))
}

async fn unpacked(client: &mut Client) -> Value {
    match client.raw().await {
        Message::Binary(packed) => rmp_serde::from_slice(&packed).unwrap(),
        other => panic!("{other:?} instead of a binary message"),
    }
}

#[tokio::test]
async fn a_messagepack_client_is_answered_in_kind() {
    let stage = Stage::start(|_| {}).await;
    let (mut client, chosen) = offering(&stage, "tickcast.v1.msgpack, tickcast.v1.json").await;
    assert_eq!(chosen.as_deref(), Some("tickcast.v1.msgpack"));
    assert_eq!(unpacked(&mut client).await["type"], "welcome");
    let ping = rmp_serde::to_vec(&json!({"op": "ping", "id": 7})).unwrap();
    client.socket.send(Message::binary(ping)).await.unwrap();
    let pong = unpacked(&mut client).await;
    assert_eq!((&pong["type"], &pong["id"]), (&json!("pong"), &json!(7)));
    client.send("ping").await;
    assert_eq!(client.raw().await, Message::text("pong"));
    client.socket.send(Message::binary(vec![0xc4, 1, 0])).await.unwrap();
    let error = unpacked(&mut client).await;
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("bad_json")));
    client.send(r#"{"op":"list","id":"x"}"#).await;
    assert_eq!(unpacked(&mut client).await["id"], "x");
}

#[tokio::test]
async fn a_messagepack_client_is_told_of_the_close_in_kind() {
    let stage = Stage::start(|_| {}).await;
    let (mut client, _) = offering(&stage, "tickcast.v1.msgpack").await;
    unpacked(&mut client).await;
    client.send(&"x".repeat(70_000)).await;
    assert_eq!(unpacked(&mut client).await["code"], 1009);
    assert!(matches!(client.raw().await, Message::Close(Some(frame)) if frame.code == 1009.into()));
}

/// A raw connection whose client offers compression, and the head of the answer.
async fn compressing(stage: &Stage) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(stage.address).await.unwrap();
    let head = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let head = read_until(&mut socket, "\r\n\r\n").await;
    (socket, head)
}

async fn read_until(socket: &mut TcpStream, wanted: &str) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&bytes).contains(wanted) {
            bytes.push(socket.read_u8().await.expect("the connection ended"));
        }
    };
    tokio::time::timeout(DEADLINE, reading).await.expect("it did not come in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn compression_is_agreed_and_a_compressed_command_is_served() {
    let stage = Stage::start(|config| config.deflate = true).await;
    let (mut socket, head) = compressing(&stage).await;
    let answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";
    assert!(head.contains(answer), "{head}");
    let mut payload = miniz_oxide::deflate::compress_to_vec(br#"{"op":"list","id":"abc"}"#, 6);
    payload.push(0);
    // A mask of zeros leaves the payload as it is.
    let length = 0x80 | u8::try_from(payload.len()).unwrap();
    let frame = [vec![0xc1, length, 0, 0, 0, 0], payload].concat();
    socket.write_all(&frame).await.unwrap();
    read_until(&mut socket, r#"{"type":"subscriptions","id":"abc","#).await;
}

#[tokio::test]
async fn compression_is_off_unless_configured() {
    let stage = Stage::start(|_| {}).await;
    let (_, head) = compressing(&stage).await;
    assert!(head.starts_with("HTTP/1.1 101") && !head.contains("permessage"), "{head}");
}
