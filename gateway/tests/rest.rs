//! REST and what is refused before the upgrade.

use crate::support::Stage;
use serde_json::{Value, json};
use tickcast_shared::bus::LinkState;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const BTC: &str = "ticker:kucoin:BTC-USDT";

/// Sends a request as it stands; the status and the rest of the answer.
async fn request(stage: &Stage, path: &str, headers: &str) -> (u16, String) {
    let mut socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

async fn get(stage: &Stage, path: &str) -> (u16, Value) {
    let (status, answer) = request(stage, path, "").await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_price_has_its_age_and_says_whether_it_is_stale() {
    let mut stage = Stage::start(|_| {}).await;
    stage.price(BTC, "67220").await;
    stage.heartbeat("kucoin", LinkState::Live).await;
    let mut client = stage.client("?topics=BTC-USDT").await;
    let streamed = client.next_of("ticker").await;
    let (status, price) = get(&stage, "/v1/price/BTC-USDT").await;
    assert_eq!(status, 200);
    for key in streamed.as_object().unwrap().keys() {
        assert_eq!(price[key], streamed[key], "{key}");
    }
    assert_eq!(price["stale"], false);
    assert!(price["age_ms"].as_u64().unwrap() < 5000);
    let (_, full) = get(&stage, "/v1/price/ticker:kucoin:BTC-USDT").await;
    assert_eq!(full["last_price"], "67220");
    let (_, other) = get(&stage, "/v1/price/BTC-USDT?exchange=okx").await;
    assert_eq!(other["error"]["code"], "unknown_topic");
}

#[tokio::test]
async fn several_prices_name_what_is_missing() {
    let mut stage = Stage::start(|_| {}).await;
    stage.prices(&[BTC, "ticker:okx:ETH-USDT"], "5").await;
    stage.client("?topics=BTC-USDT,ticker:okx:ETH-USDT").await.next_of("synced").await;
    let (_, answer) = get(&stage, "/v1/prices?symbols=BTC-USDT,NOPE-USDT").await;
    assert_eq!(answer["prices"][0]["topic"], BTC);
    assert_eq!(answer["missing"], json!(["NOPE-USDT"]));
    let (_, topics) = get(&stage, "/v1/topics?match=ticker:*:*-USDT&limit=1").await;
    assert_eq!(topics, json!({"topics": [BTC], "cursor": BTC}));
    let (_, next) = get(&stage, &format!("/v1/topics?limit=1&cursor={BTC}")).await;
    assert_eq!(next, json!({"topics": ["ticker:okx:ETH-USDT"], "cursor": null}));
    let (_, symbols) = get(&stage, "/v1/symbols?exchange=okx").await;
    assert_eq!(symbols["symbols"][0]["base"], "ETH");
    stage.heartbeat("okx", LinkState::Live).await;
    let mut exchanges = Value::Null;
    while exchanges["exchanges"][0]["state"] != "live" {
        exchanges = get(&stage, "/v1/exchanges").await.1;
    }
    assert_eq!(exchanges["exchanges"][0]["exchange"], "okx");
}

#[tokio::test]
async fn a_symbol_named_twice_is_answered_once() {
    let mut stage = Stage::start(|_| {}).await;
    stage.prices(&[BTC, "ticker:kucoin:ETH-USDT"], "5").await;
    stage.client("?topics=BTC-USDT,ETH-USDT").await.next_of("synced").await;
    let symbols = "ETH-USDT,NOPE-USDT,BTC-USDT,ETH-USDT,ticker:kucoin:BTC-USDT,NOPE-USDT";
    let (_, answer) = get(&stage, &format!("/v1/prices?symbols={symbols}")).await;
    let named: Vec<_> =
        answer["prices"].as_array().unwrap().iter().map(|it| &it["topic"]).collect();
    assert_eq!(named, ["ticker:kucoin:ETH-USDT", BTC]);
    assert_eq!(answer["missing"], json!(["NOPE-USDT"]));
}

#[tokio::test]
async fn mistakes_are_answered_in_json() {
    let stage = Stage::start(|_| {}).await;
    for (path, status, code) in [
        ("/v1/price/btc", 400, "bad_topic"),
        ("/v1/price/BTC-USDT", 404, "unknown_topic"),
        ("/v1/price/BTC-USDT?colour=red", 400, "unknown_field"),
        ("/v1/price/BTC-USDT?exchange=KuCoin", 400, "bad_field"),
        ("/v1/prices", 400, "bad_field"),
        ("/v1/topics?limit=0", 400, "bad_field"),
        ("/v1/topics?match=a:b:c:d:e", 400, "bad_topic"),
        ("/nowhere", 404, "bad_field"),
        ("/ws", 426, "bad_field"),
    ] {
        let (got, body) = get(&stage, path).await;
        assert_eq!((got, &body["error"]["code"]), (status, &json!(code)), "{path}");
        assert!(body["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn answers_are_not_cached_and_open_to_pages() {
    let stage = Stage::start(|_| {}).await;
    let (_, answer) = request(&stage, "/v1/topics", "Origin: https://a.example\r\n").await;
    let head = answer.to_ascii_lowercase();
    assert!(head.contains("cache-control: no-store"), "{head}");
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn a_page_of_another_origin_is_refused_before_the_upgrade() {
    let stage =
        Stage::start(|config| config.allowed_origins = Some(vec!["https://good.example".into()]))
            .await;
    for (origin, wanted) in [
        ("https://good.example.evil.example", 403),
        ("https://evil.example", 403),
        ("http://good.example", 403),
    ] {
        let headers = format!("{UPGRADE}Origin: {origin}\r\n");
        let (status, answer) = request(&stage, "/ws", &headers).await;
        assert_eq!(status, wanted, "{origin}");
        assert!(answer.contains("not_allowed"));
    }
    let mut request = format!("ws://{}/ws", stage.address).into_client_request().unwrap();
    request.headers_mut().insert("Origin", "https://good.example".parse().unwrap());
    tokio_tungstenite::connect_async(request).await.unwrap();
}

use tokio_tungstenite::tungstenite::client::IntoClientRequest;

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let stage = Stage::start(|config| config.limits.handshake_timeout_ms = 100).await;
    let mut socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    socket.write_all(b"GET /ws HTTP/1.1\r\nHost:").await.unwrap();
    let mut rest = Vec::new();
    let end = tokio::time::timeout(crate::support::DEADLINE, socket.read_to_end(&mut rest)).await;
    end.expect("closed in time").unwrap();
}
