//! Coinbase: a subscription in time, heartbeats, all or nothing, two protocols.

use crate::client::{Client, PATIENCE, http, lively, venue};
use serde_json::json;
use std::time::Duration;
use tickcast_load::venue::{Exchange, Tick};
use tokio::time::timeout;

const SUBSCRIBE: &str = r#"{"type":"subscribe","product_ids":["BTC-USDT","ETH-USDT"],
    "channels":["ticker","heartbeat"]}"#;

#[tokio::test]
async fn tells_the_whole_list_then_tickers_and_heartbeats() {
    let venue = venue(Exchange::Coinbase, |config| {
        config.source = lively();
        config.timings.ping_interval = Duration::from_millis(100);
    })
    .await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(SUBSCRIBE).await;
    let list = client.json().await;
    let products = json!(["BTC-USDT", "ETH-USDT"]);
    assert_eq!(list["type"], "subscriptions");
    assert_eq!(
        list["channels"][0],
        json!({"name": "ticker", "product_ids": products, "account_ids": null})
    );
    assert_eq!(list["channels"][1]["name"], "heartbeat");
    let ticker = client.json_where(|m| m["type"] == "ticker").await;
    assert!(ticker["best_bid"].is_string() && ticker["volume_24h"].is_string(), "{ticker}");
    for product in ["BTC-USDT", "ETH-USDT"] {
        let beats = |m: &serde_json::Value| m["type"] == "heartbeat" && m["product_id"] == product;
        assert!(client.json_where(beats).await["sequence"].is_u64());
    }
    client.send(r#"{"type":"unsubscribe","product_ids":["BTC-USDT"],"channels":["ticker"]}"#).await;
    let list = client.json_where(|m| m["type"] == "subscriptions").await;
    assert_eq!(list["channels"][0]["product_ids"], json!(["ETH-USDT"]));
    assert_eq!(list["channels"][1]["product_ids"], products);
}

#[tokio::test]
async fn refuses_a_request_whole() {
    let venue = venue(Exchange::Coinbase, |_| {}).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    let wish = r#"{"type":"subscribe","product_ids":["BTC-USDT","NO-PE"],"channels":["ticker"]}"#;
    client.send(wish).await;
    let error = client.json().await;
    assert_eq!(
        (&error["type"], &error["reason"]),
        (&json!("error"), &json!("NO-PE is not a valid product"))
    );
    assert!(venue.control.subscribed().is_empty());
    client.send(r#"{"type":"subscribe","product_ids":["BTC-USDT"],"channels":["tickr"]}"#).await;
    assert_eq!(client.json().await["reason"], "tickr is not a valid channel");
}

#[tokio::test]
async fn ends_a_client_that_subscribes_to_nothing() {
    let venue = venue(Exchange::Coinbase, |config| {
        config.timings.patience = Duration::from_millis(50);
    })
    .await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    assert_eq!(client.close_code().await, Some(1008));
    assert_eq!(venue.control.counts().dropped_clients, 1);
}

#[tokio::test]
async fn answers_for_usdc_with_dollars() {
    let venue = venue(Exchange::Coinbase, |config| config.symbols = vec!["BTC-USD".into()]).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(r#"{"type":"subscribe","product_ids":["BTC-USDC"],"channels":["ticker"]}"#).await;
    client.json().await;
    timeout(PATIENCE, venue.control.until_subscribed(&["BTC-USD"])).await.unwrap();
    venue.control.push_tick(Tick::quote("BTC-USD", "1", "2"));
    assert_eq!(client.json().await["product_id"], "BTC-USD");
}

#[tokio::test]
async fn takes_the_form_of_advanced_trade_and_tells_the_present_at_once() {
    let venue = venue(Exchange::Coinbase, |_| {}).await;
    venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2").with_last("1.5"));
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(r#"{"type":"subscribe","product_ids":["BTC-USDT"],"channel":"ticker"}"#).await;
    let list = client.json().await;
    assert_eq!(list["events"][0]["subscriptions"]["ticker"], json!(["BTC-USDT"]));
    assert_eq!(client.json().await["price"], "1.5");
}

#[tokio::test]
async fn lists_products_and_tells_tickers() {
    let venue = venue(Exchange::Coinbase, |_| {}).await;
    let list = http(&venue, "GET", "/products").await.1;
    assert_eq!(list.as_array().unwrap().len(), 8);
    assert_eq!((&list[0]["base_currency"], &list[0]["status"]), (&json!("BTC"), &json!("online")));
    let unknown = http(&venue, "GET", "/products/NO-PE/ticker").await;
    assert_eq!((unknown.0, &unknown.1["message"]), (404, &json!("NotFound")));
    venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2").with_last("1.5"));
    let ticker = http(&venue, "GET", "/products/BTC-USDT/ticker").await.1;
    assert_eq!((&ticker["price"], &ticker["bid"]), (&json!("1.5"), &json!("1")));
}
