//! Kraken: a status on connect, one answer a symbol, bare numbers, heartbeats when idle.

use crate::client::{Client, PATIENCE, http, venue};
use serde_json::json;
use std::time::Duration;
use tickcast_load::venue::{Exchange, Tick};
use tokio::time::timeout;

async fn dialled(venue: &tickcast_load::venue::Venue) -> Client {
    let mut client = Client::dial(&format!("{}/v2", venue.ws_url())).await.unwrap();
    assert_eq!(client.json().await["data"][0]["system"], "online");
    client
}

#[tokio::test]
async fn answers_each_symbol_and_begins_with_the_present() {
    let venue = venue(Exchange::Kraken, |_| {}).await;
    venue.control.push_tick(Tick::quote("BTC-USDT", "67000.10", "67000.2"));
    let mut client = dialled(&venue).await;
    client
        .send(
            r#"{"method":"subscribe","params":{"channel":"ticker","event_trigger":"bbo",
            "symbol":["BTC/USDT","NO/PE","ETH/BTC"]},"req_id":7}"#,
        )
        .await;
    let first = client.json().await;
    assert_eq!((&first["success"], &first["req_id"]), (&json!(true), &json!(7)));
    assert_eq!(
        first["result"],
        json!({"channel": "ticker", "event_trigger": "bbo", "snapshot": true, "symbol": "BTC/USDT"})
    );
    let present = client.text().await;
    assert!(present.contains(r#""type":"snapshot""#), "{present}");
    assert!(present.contains(r#""bid":67000.10,"#), "{present}");
    let second = client.json().await;
    assert_eq!(second["error"], "Currency pair not supported NO/PE");
    assert_eq!((&second["success"], &second["symbol"]), (&json!(false), &json!("NO/PE")));
    assert_eq!(client.json().await["result"]["symbol"], "ETH/BTC");
    venue.control.push_tick(Tick::quote("ETH-BTC", "0.03", "0.031"));
    let update = client.json_where(|m| m["channel"] == "ticker").await;
    assert_eq!((&update["type"], &update["data"][0]["bid"]), (&json!("update"), &json!(0.03)));
    client
        .send(r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["ETH/BTC"]}}"#)
        .await;
    let again = client.json_where(|m| m["method"] == "subscribe").await;
    assert_eq!(again["error"], "Already subscribed");
}

#[tokio::test]
async fn trades_have_a_channel_of_their_own() {
    let venue = venue(Exchange::Kraken, |_| {}).await;
    let mut client = dialled(&venue).await;
    client
        .send(r#"{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USDT"]}}"#)
        .await;
    assert_eq!(client.json().await["result"]["channel"], "trade");
    assert_eq!(venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2")), 0);
    assert_eq!(venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2").with_last("1.5")), 1);
    let trade = client.json_where(|m| m["channel"] == "trade").await;
    assert_eq!(trade["data"][0]["price"], json!(1.5));
    client
        .send(r#"{"method":"unsubscribe","params":{"channel":"trade","symbol":["BTC/USDT"]}}"#)
        .await;
    assert_eq!(client.json_where(|m| m["method"].is_string()).await["success"], true);
    assert!(venue.control.subscribed().is_empty());
}

#[tokio::test]
async fn pongs_and_beats_while_nothing_else_is_told() {
    let venue = venue(Exchange::Kraken, |config| {
        config.timings.ping_interval = Duration::from_millis(50);
    })
    .await;
    let mut client = dialled(&venue).await;
    client.send(r#"{"method":"ping","req_id":1}"#).await;
    let pong = client.json().await;
    assert_eq!((&pong["method"], &pong["req_id"]), (&json!("pong"), &json!(1)));
    client
        .send(r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USDT"]}}"#)
        .await;
    for _ in 0..2 {
        client.json_where(|m| *m == json!({"channel": "heartbeat"})).await;
    }
    venue.control.change(|faults| faults.ignore_pings = true);
    client.send(r#"{"method":"ping"}"#).await;
    timeout(PATIENCE, venue.control.until(|counts| counts.heartbeats == 2)).await.unwrap();
    venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2"));
    client.json_where(|m| m["channel"] == "ticker").await;
}

#[tokio::test]
async fn ends_a_client_that_subscribes_to_nothing() {
    let venue = venue(Exchange::Kraken, |config| {
        config.timings.patience = Duration::from_millis(50);
    })
    .await;
    assert_eq!(dialled(&venue).await.close_code().await, Some(1000));
}

#[tokio::test]
async fn rest_has_the_older_names() {
    let venue = venue(Exchange::Kraken, |config| {
        config.symbols = ["BTC-USD", "BTC-USDT", "DOGE-USD"].map(str::to_owned).into();
    })
    .await;
    let pairs = http(&venue, "GET", "/0/public/AssetPairs").await.1;
    let row = &pairs["result"]["XXBTZUSD"];
    assert_eq!((&row["altname"], &row["wsname"]), (&json!("XBTUSD"), &json!("XBT/USD")));
    assert_eq!((&row["base"], &row["quote"]), (&json!("XXBT"), &json!("ZUSD")));
    assert_eq!(pairs["result"]["XDGUSD"]["wsname"], "XDG/USD");
    venue.control.push_tick(Tick::quote("BTC-USD", "1", "2").with_last("1.5"));
    let ticker = http(&venue, "GET", "/0/public/Ticker?pair=XBTUSD").await.1;
    assert_eq!(ticker["error"], json!([]));
    assert_eq!(ticker["result"]["XXBTZUSD"]["b"], json!(["1", "1", "1"]));
    assert_eq!(ticker["result"]["XXBTZUSD"]["c"][0], "1.5");
    let unknown = http(&venue, "GET", "/0/public/Ticker?pair=XBTUSD,NOPE").await.1;
    assert_eq!(unknown["error"], json!(["EQuery:Unknown asset pair"]));
}
