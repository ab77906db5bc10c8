//! MessagePack and compression, from the upgrade to the close.

use crate::support::{Client, DEADLINE, Frame, RawClient, Scene, Stage, texts, topics};
use futures_util::SinkExt;
use serde_json::{Value, json};
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

const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const MSGPACK: &str = "Sec-WebSocket-Protocol: tickcast.v1.msgpack\r\n";

/// Whether messages in binary frames, and whether tickers compressed.
fn all_encodings() -> [(String, u8, bool); 4] {
    [
        (String::new(), 1, false),
        (DEFLATE.into(), 1, true),
        (MSGPACK.into(), 2, false),
        (format!("{MSGPACK}{DEFLATE}"), 2, true),
    ]
}

#[tokio::test]
async fn the_same_values_go_out_in_every_encoding() {
    let mut stage = Stage::start(|config| config.deflate = true).await;
    let topics = topics(20);
    stage.prices(&texts(&topics), "1").await;
    let mut plain = stage.client("?topics=ticker:okx:*").await;
    plain.next_of("synced").await;
    let mut clients = Vec::new();
    for (headers, opcode, deflate) in all_encodings() {
        let mut client = RawClient::dial(&stage, "?topics=ticker:okx:*", &headers).await;
        client.until("synced").await;
        clients.push((client, opcode, deflate));
    }
    for price in ["2", "3", "4"] {
        stage.prices(&texts(&topics), price).await;
        let mut expected = Vec::new();
        for _ in &topics {
            expected.push(plain.next_of("ticker").await);
        }
        for (client, opcode, deflate) in &mut clients {
            for wanted in &expected {
                let Frame::Message(message, first) = client.frame().await else { panic!() };
                assert_eq!(message, *wanted);
                assert_eq!((first & 0xf, first & 0x40 != 0), (*opcode, *deflate));
            }
        }
    }
}

#[tokio::test]
async fn a_slow_client_is_told_in_its_encoding() {
    for (headers, opcode, deflate) in all_encodings() {
        let mut scene = Scene::start(|config| config.deflate = deflate).await;
        let mut client = scene.stopped(&headers).await;
        scene.until_lagging(&client).await;
        let mut active = Vec::new();
        while active.len() < 2 {
            let Frame::Message(message, first) = client.frame().await else { panic!() };
            assert_eq!(first & 0xf, opcode, "{message}");
            active.extend((message["type"] == "lagging").then(|| message["active"].clone()));
        }
        assert_eq!(active, [true, false]);
    }
}

#[tokio::test]
async fn a_slow_client_is_closed_in_its_encoding() {
    for (headers, opcode, deflate) in all_encodings() {
        let mut scene = Scene::start(|config| {
            config.deflate = deflate;
            config.limits.slow_client_timeout_ms = 400;
        })
        .await;
        let mut client = scene.stopped(&headers).await;
        scene.until_evicted().await;
        let mut closing = Value::Null;
        loop {
            match client.frame().await {
                Frame::Message(message, first) => {
                    assert_eq!(first & 0xf, opcode, "{message}");
                    closing = message;
                }
                Frame::Ping => {}
                end => break assert_eq!(end, Frame::Close(4000)),
            }
        }
        assert_eq!((&closing["type"], &closing["code"]), (&json!("closing"), &json!(4000)));
    }
}

#[tokio::test]
async fn the_welcome_names_what_is_offered() {
    let stage = Stage::start(|_| {}).await;
    let (mut client, _) = offering(&stage, "tickcast.v1.msgpack").await;
    let welcome = unpacked(&mut client).await;
    let offered =
        ["patterns", "interval_ms", "min_change_bps", "since", "msgpack", "klines", "sse"];
    assert_eq!(welcome["features"], json!(offered));
    assert_eq!(welcome["protocol"], "tickcast.v1");
}
