//! Binance: both ways to subscribe, ping frames, the drop of who does not pong.

use crate::client::{Client, http, lively, venue};
use serde_json::json;
use std::time::Duration;
use tickcast_load::venue::{Exchange, Tick};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream, time::timeout};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn streams_named_in_the_address_need_no_message() {
    let venue = venue(Exchange::Binance, |config| config.source = lively()).await;
    let url = format!("{}/stream?streams=btcusdt@ticker/btcusdt@bookTicker", venue.ws_url());
    let mut client = Client::dial(&url).await.unwrap();
    let quote = client.json_where(|m| m["stream"] == "btcusdt@bookTicker").await;
    assert_eq!(quote["data"]["s"], "BTCUSDT");
    assert!(quote["data"]["u"].is_u64() && quote["data"]["c"].is_null());
    let ticker = client.json_where(|m| m["stream"] == "btcusdt@ticker").await;
    assert!(ticker["data"]["c"].as_str().unwrap().starts_with("6"), "{ticker}");
    assert!(ticker["data"]["v"].is_string());
}

#[tokio::test]
async fn subscribes_by_message_and_stays_silent_on_unknown_streams() {
    let venue = venue(Exchange::Binance, |_| {}).await;
    let mut client = Client::dial(&format!("{}/stream", venue.ws_url())).await.unwrap();
    let wish = r#"{"method":"SUBSCRIBE","params":["ethusdt@bookTicker","nopeusdt@ticker"],"id":1}"#;
    client.send(wish).await;
    assert_eq!(client.json().await, json!({"result": null, "id": 1}));
    assert_eq!(venue.control.subscribed().into_iter().collect::<Vec<_>>(), ["ETH-USDT"]);
    venue.control.push_tick(Tick::quote("ETH-USDT", "2600.00000000", "2600.01000000"));
    assert_eq!(client.json().await["data"]["b"], "2600.00000000");
    client.send(r#"{"method":"UNSUBSCRIBE","params":["ethusdt@bookTicker"],"id":2}"#).await;
    assert_eq!(client.json().await["id"], 2);
    assert_eq!(venue.control.push_tick(Tick::quote("ETH-USDT", "1", "2")), 0);
    client.send(r#"{"method":"SUBSCRIBE","params":["nonsense"],"id":3}"#).await;
    assert_eq!(client.json().await["code"], 2);
}

#[tokio::test]
async fn pings_and_keeps_a_client_that_pongs() {
    let venue = venue(Exchange::Binance, |config| {
        config.timings.ping_interval = Duration::from_millis(300);
        config.timings.patience = Duration::from_millis(250);
    })
    .await;
    let mut client = Client::dial(&format!("{}/stream", venue.ws_url())).await.unwrap();
    for _ in 0..3 {
        // The library answers pings while it is read from.
        assert!(matches!(client.next().await, Some(Message::Ping(payload)) if !payload.is_empty()));
    }
    let waited = timeout(crate::client::PATIENCE, venue.control.until(|c| c.heartbeats >= 2));
    tokio::select! {
        done = waited => done.unwrap(),
        message = client.next() => assert!(matches!(message, Some(Message::Ping(_)))),
    }
    assert_eq!(venue.control.counts().dropped_clients, 0);
}

#[tokio::test]
async fn drops_a_client_that_does_not_pong() {
    let venue = venue(Exchange::Binance, |config| {
        config.timings.ping_interval = Duration::from_millis(100);
        config.timings.patience = Duration::from_millis(100);
    })
    .await;
    // A bare socket: no library that would answer.
    let mut stream = TcpStream::connect(venue.addr).await.unwrap();
    let handshake = "GET /stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(handshake.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    timeout(crate::client::PATIENCE, stream.read_to_end(&mut received)).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&received);
    assert!(text.starts_with("HTTP/1.1 101"), "{text}");
    assert!(text.to_lowercase().contains("x-tickcast-simulated: 1"), "{text}");
    assert!(text.ends_with("no pong"), "{text}");
    assert_eq!(venue.control.counts().dropped_clients, 1);
}

#[tokio::test]
async fn ends_a_client_that_says_too_much() {
    let venue = venue(Exchange::Binance, |_| {}).await;
    let mut client = Client::dial(&format!("{}/stream", venue.ws_url())).await.unwrap();
    for id in 0..6 {
        client.send(&json!({"method": "SUBSCRIBE", "params": [], "id": id}).to_string()).await;
    }
    assert_eq!(client.close_code().await, Some(1008));
}

#[tokio::test]
async fn lists_symbols_and_serves_the_day() {
    let venue = venue(Exchange::Binance, |_| {}).await;
    let info = http(&venue, "GET", "/api/v3/exchangeInfo?symbol=ETHBTC").await.1;
    assert_eq!(info["symbols"].as_array().unwrap().len(), 1);
    assert_eq!(info["symbols"][0]["quoteAsset"], "BTC");
    let all = http(&venue, "GET", "/api/v3/exchangeInfo").await.1;
    assert_eq!(all["symbols"].as_array().unwrap().len(), 8);
    let unknown = http(&venue, "GET", "/api/v3/exchangeInfo?symbol=NOPE").await;
    assert_eq!((unknown.0, &unknown.1["code"]), (400, &json!(-1121)));
    venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2").with_last("1.5"));
    let day = http(&venue, "GET", "/api/v3/ticker/24hr?symbol=BTCUSDT").await.1;
    assert_eq!((&day["lastPrice"], &day["volume"]), (&json!("1.5"), &json!("0.00000000")));
}

#[tokio::test]
async fn stamps_carry_the_due_time() {
    let venue = venue(Exchange::Binance, |config| {
        config.source = lively();
        config.stamp = true;
    })
    .await;
    let url = format!("{}/stream?streams=btcusdt@bookTicker", venue.ws_url());
    let mut client = Client::dial(&url).await.unwrap();
    let quote = client.json().await;
    let stamp = quote["data"]["B"].as_str().unwrap();
    let (seconds, micros) = stamp.split_once('.').unwrap();
    assert_eq!(micros.len(), 6, "{stamp}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let age = (now.as_secs() % 100_000).abs_diff(seconds.parse().unwrap());
    assert!(age < 10, "{stamp}");
}
