//! Faults of the connection itself: refusals, delays, ends.

use crate::client::{Client, PATIENCE, http, kucoin_url, lively, venue};
use serde_json::json;
use std::time::{Duration, Instant};
use tickcast_load::venue::{Exchange, Tick};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Long enough to be noticed, short enough for a test.
const SLOW: Duration = Duration::from_millis(200);

#[tokio::test]
async fn refusals_name_a_time() {
    let venue = venue(Exchange::Binance, |_| {}).await;
    venue.control.change(|faults| {
        (faults.refuse_dials, faults.refuse_rest) = (Some(418), Some(429));
        faults.retry_after = Some(120);
    });
    match Client::dial(&venue.ws_url()).await {
        Err(Error::Http(response)) => {
            assert_eq!(response.status(), 418);
            assert_eq!(response.headers()["retry-after"], "120");
        }
        other => panic!("{:?}", other.map(|client| client.handshake)),
    }
    assert_eq!(http(&venue, "GET", "/api/v3/exchangeInfo").await.0, 429);
}

#[tokio::test]
async fn accepts_and_ends_at_once() {
    for exchange in Exchange::ALL {
        let venue = venue(exchange, |config| config.faults.close_at_once = true).await;
        let url = match exchange {
            Exchange::Kucoin => kucoin_url(&venue).await,
            _ => venue.ws_url(),
        };
        let mut client = Client::dial(&url).await.unwrap();
        assert_eq!(client.next().await, None, "{exchange}");
        assert_eq!(venue.control.counts().dials, 1);
    }
}

#[tokio::test]
async fn handshakes_and_rest_can_be_slow() {
    let venue = venue(Exchange::Okx, |config| {
        (config.faults.slow_dials, config.faults.slow_rest) = (Some(SLOW), Some(SLOW));
    })
    .await;
    let begun = Instant::now();
    Client::dial(&venue.ws_url()).await.unwrap();
    assert!(begun.elapsed() >= SLOW);
    http(&venue, "GET", "/api/v5/public/instruments?instType=SPOT").await;
    assert!(begun.elapsed() >= 2 * SLOW);
}

#[tokio::test]
async fn connections_are_cut_at_an_age_after_a_notice() {
    let venue = venue(Exchange::Binance, |_| {}).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    timeout(PATIENCE, venue.control.until(|counts| counts.open == 1)).await.unwrap();
    // Set while it is connected.
    venue.control.change(|faults| {
        faults.age_limit = Some(Duration::from_millis(100));
        faults.notice = Some(Duration::from_millis(50));
    });
    assert_eq!(client.json().await["stream"], "!serverShutdown");
    assert_eq!(client.close_code().await, Some(1001));
}

#[tokio::test]
async fn maintenance_is_announced_in_each_ones_words() {
    let notices = [
        (Exchange::Binance, json!("serverShutdown"), "/data/e"),
        (Exchange::Okx, json!("64008"), "/code"),
        (Exchange::Kraken, json!("maintenance"), "/data/0/system"),
    ];
    for (exchange, expected, at) in notices {
        let venue = venue(exchange, |_| {}).await;
        let mut client = Client::dial(&venue.ws_url()).await.unwrap();
        timeout(PATIENCE, venue.control.until(|counts| counts.open == 1)).await.unwrap();
        assert_eq!(venue.control.announce(), 1);
        client.json_where(|m| m.pointer(at) == Some(&expected)).await;
    }
    assert_eq!(venue(Exchange::Bybit, |_| {}).await.control.announce(), 0);
}

#[tokio::test]
async fn a_frozen_exchange_neither_reads_nor_writes_nor_closes() {
    let venue = venue(Exchange::Okx, |config| config.source = lively()).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(r#"{"op":"subscribe","args":[{"channel":"tickers","instId":"BTC-USDT"}]}"#).await;
    client.json_where(|m| m["data"].is_array()).await;
    venue.control.change(|faults| faults.frozen = true);
    client.send("ping").await;
    // What was on its way still comes.
    while let Ok(message) = timeout(SLOW, client.next()).await {
        assert!(message.is_some(), "it has closed");
    }
    assert_eq!(venue.control.counts().open, 1);
    venue.control.change(|faults| faults.frozen = false);
    loop {
        if let Some(Message::Text(text)) = client.next().await
            && text == "pong"
        {
            return;
        }
    }
}

#[tokio::test]
async fn single_symbols_fall_silent() {
    let venue = venue(Exchange::Coinbase, |_| {}).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    let wish =
        r#"{"type":"subscribe","product_ids":["BTC-USDT","ETH-USDT"],"channels":["ticker"]}"#;
    client.send(wish).await;
    client.json().await;
    venue.control.mute_symbols(&["BTC-USDT"]);
    assert_eq!(venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2")), 0);
    assert_eq!(venue.control.push_tick(Tick::quote("ETH-USDT", "1", "2")), 1);
    assert_eq!(client.json().await["product_id"], "ETH-USDT");
    venue.control.mute_symbols(&[]);
    assert_eq!(venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2")), 1);
}
