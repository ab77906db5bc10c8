//! API keys and issuers that come and go.

use super::{applied, reload};
use crate::support::{RedisServer, Role, eventually, start, tokens};
use futures_util::StreamExt;
use serde_json::json;
use std::fmt::Write as _;
use tokens::{SECRET, Signer};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A file with these keys, by name; each opens these topics, or all.
fn file(redis: &RedisServer, keys: &[(&str, &str)]) -> String {
    let mut text = format!("redis_url = {:?}\n", redis.url());
    for (key, topics) in keys {
        let digest = tokens::sha256(key);
        // The name is told to operators, the key to nobody.
        let name: String = key.chars().rev().collect();
        writeln!(text, "[[gateway.auth.api_key]]\nname = {name:?}\nsha256 = {digest:?}").unwrap();
        if !topics.is_empty() {
            writeln!(text, "topics = [{topics:?}]").unwrap();
        }
    }
    text
}

/// Dials with a key or a token; the HTTP status if that was refused.
async fn dial(gateway: &Role, secret: &str) -> Result<Socket, u16> {
    let mut request = gateway.ws().into_client_request().unwrap();
    request.headers_mut().insert("x-api-key", secret.parse().unwrap());
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// The code that the connection ends with.
async fn code(mut socket: Socket) -> u16 {
    loop {
        let message = socket.next().await.expect("a close comes first").expect("it is read");
        if let Message::Close(frame) = message {
            return frame.expect("it has a code").code.into();
        }
    }
}

/// The next message that holds this text.
async fn told(socket: &mut Socket, wanted: &str) -> String {
    loop {
        let message = socket.next().await.expect("it goes on").expect("it is read");
        if let Message::Text(text) = message
            && text.contains(wanted)
        {
            return text.as_str().to_owned();
        }
    }
}

async fn say(socket: &mut Socket, message: serde_json::Value) {
    use futures_util::SinkExt;
    socket.send(Message::text(message.to_string())).await.expect("it is sent");
}

#[tokio::test]
async fn a_key_that_is_taken_away_closes_its_connections_and_no_others() {
    let redis = RedisServer::start().await;
    let both = file(&redis, &[("one", ""), ("two", "")]);
    let gateway = start(&["gateway"]).config(&both).ready().await;
    let mut first = dial(&gateway, "one").await.unwrap();
    let second = dial(&gateway, "two").await.unwrap();
    assert_eq!(dial(&gateway, "three").await.err(), Some(401));
    applied(&gateway, &file(&redis, &[("one", ""), ("three", "")])).await;
    assert_eq!(code(second).await, 4500);
    assert_eq!(dial(&gateway, "two").await.err(), Some(401));
    dial(&gateway, "three").await.unwrap();
    say(&mut first, json!({"op": "ping", "id": 1})).await;
    told(&mut first, "pong").await;
    assert!(!gateway.process.stderr.contain("three"), "no key is told");
}

#[tokio::test]
async fn a_key_that_opens_less_loses_what_it_does_not_open() {
    let redis = RedisServer::start().await;
    let all = file(&redis, &[("one", "")]);
    let gateway = start(&["gateway"]).config(&all).ready().await;
    let mut socket = dial(&gateway, "one").await.unwrap();
    say(&mut socket, json!({"op": "subscribe", "id": 1, "topics": ["BTC-*", "ETH-*"]})).await;
    told(&mut socket, "synced").await;
    applied(&gateway, &file(&redis, &[("one", "ticker:kucoin:BTC-*")])).await;
    let error = told(&mut socket, "not_allowed").await;
    assert!(error.contains("ETH-*") && !error.contains("BTC-*"), "{error}");
    say(&mut socket, json!({"op": "list", "id": 2})).await;
    let list = told(&mut socket, "subscriptions").await;
    assert!(list.contains("BTC-*") && !list.contains("ETH-*"), "{list}");
}

#[tokio::test]
async fn a_file_of_keys_is_read_again_though_no_setting_has_changed() {
    let redis = RedisServer::start().await;
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("keys");
    let keys = |names: &[&str]| {
        let line = |name: &&str| format!("{name}:{}\n", tokens::sha256(name));
        std::fs::write(&path, names.iter().map(line).collect::<String>()).unwrap();
    };
    keys(&["one"]);
    let text = format!(
        "redis_url = {:?}\n[gateway.auth]\napi_keys_file = {:?}\n",
        redis.url(),
        path.display().to_string()
    );
    let gateway = start(&["gateway"]).config(&text).ready().await;
    let first = dial(&gateway, "one").await.unwrap();
    assert_eq!(reload(&gateway, &text).await.0, "unchanged");
    keys(&["two"]);
    applied(&gateway, &text).await;
    assert_eq!(code(first).await, 4500);
    dial(&gateway, "two").await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(reload(&gateway, &text).await.0, "refused");
    dial(&gateway, "two").await.unwrap();
}

#[tokio::test]
async fn tokens_of_an_issuer_that_is_gone_have_to_be_replaced() {
    let redis = RedisServer::start().await;
    let issuer = |secret: &str, leeway: u32| {
        format!(
            "redis_url = {:?}\n[[gateway.auth.jwt]]\nalgorithm = \"HS256\"\nsecret = {secret:?}\n\
             issuer = {:?}\naudience = {:?}\nleeway_seconds = {leeway}\n",
            redis.url(),
            tokens::ISSUER,
            tokens::AUDIENCE,
        )
    };
    let gateway = start(&["gateway"]).config(&issuer(SECRET, 30)).ready().await;
    let token = Signer::hs256().token(None, json!({"sub": "me"}));
    let mut socket = dial(&gateway, &token).await.unwrap();
    applied(&gateway, &issuer(SECRET, 10)).await;
    say(&mut socket, json!({"op": "ping", "id": 1})).await;
    told(&mut socket, "pong").await;
    let other = "another-secret-of-at-least-32-bytes!";
    applied(&gateway, &issuer(other, 10)).await;
    assert_eq!(code(socket).await, 4003);
    assert_eq!(dial(&gateway, &token).await.err(), Some(401));
    eventually("what was changed is told, and no secret", async || {
        gateway.process.stderr.contain("keys or secrets").then_some(())
    })
    .await;
    assert!(!gateway.process.stderr.contain(other));
}

#[tokio::test]
async fn a_gateway_that_begins_to_ask_for_keys_asks_those_who_are_there() {
    let redis = RedisServer::start().await;
    let gateway = start(&["gateway"]).config(&file(&redis, &[])).ready().await;
    let (socket, _) = connect_async(gateway.ws()).await.unwrap();
    applied(&gateway, &file(&redis, &[("one", "")])).await;
    assert_eq!(code(socket).await, 4500);
    let socket = dial(&gateway, "one").await.unwrap();
    applied(&gateway, &file(&redis, &[])).await;
    let (_open, _) = connect_async(gateway.ws()).await.unwrap();
    drop(socket);
}
