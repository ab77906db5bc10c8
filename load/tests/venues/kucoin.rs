//! KuCoin: token, welcome, acks, errors, pings, and the drop of the silent.

use crate::client::{Client, PATIENCE, http, kucoin_url, lively, venue};
use serde_json::json;
use std::time::{Duration, Instant};
use tickcast_load::venue::{Exchange, SIMULATED_HEADER, Tick};
use tokio::time::timeout;

#[tokio::test]
async fn streams_what_was_subscribed_after_an_ack() {
    let venue = venue(Exchange::Kucoin, |config| config.source = lively()).await;
    let mut client = Client::kucoin(&venue).await;
    assert_eq!(client.handshake.headers()[SIMULATED_HEADER], "1");
    let subscribe = json!({"id": "1", "type": "subscribe", "response": true,
        "topic": "/market/ticker:BTC-USDT,ETH-USDT"});
    client.send(&subscribe.to_string()).await;
    assert_eq!(client.json().await, json!({"id": "1", "type": "ack"}));
    let mut before = 0;
    for _ in 0..5 {
        let message = client.json_where(|m| m["topic"] == "/market/ticker:ETH-USDT").await;
        let sequence = message["data"]["sequence"].as_str().unwrap().parse::<u64>().unwrap();
        assert!(sequence > before);
        assert!(message["data"]["bestBid"].is_string() && message["data"]["price"].is_string());
        before = sequence;
    }
    let counts = venue.control.counts();
    assert_eq!((counts.dials, counts.tokens, counts.open, counts.subscribes), (1, 1, 1, 1));
}

#[tokio::test]
async fn refuses_an_unknown_topic_by_name() {
    let venue = venue(Exchange::Kucoin, |_| {}).await;
    let mut client = Client::kucoin(&venue).await;
    client.send(r#"{"id":2,"type":"subscribe","topic":"/market/ticker:BTC-USDT,NO-PE"}"#).await;
    let error = client.json().await;
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(404)));
    assert_eq!(error["data"], "topic /market/ticker:NO-PE is not found");
    assert!(venue.control.subscribed().is_empty());
}

#[tokio::test]
async fn a_token_is_good_for_one_dial() {
    let venue = venue(Exchange::Kucoin, |_| {}).await;
    let url = kucoin_url(&venue).await;
    let mut first = Client::dial(&url).await.unwrap();
    assert_eq!(first.json().await["type"], "welcome");
    let mut second = Client::dial(&url).await.unwrap();
    let error = second.json().await;
    assert_eq!((&error["code"], &error["data"]), (&json!(401), &json!("token is expired")));
    assert_eq!(second.close_code().await, Some(1000));
    assert_eq!(venue.control.counts().bad_tokens, 1);
}

#[tokio::test]
async fn expired_tokens_end_connections_and_dials() {
    let venue = venue(Exchange::Kucoin, |_| {}).await;
    let unused = kucoin_url(&venue).await;
    let mut client = Client::kucoin(&venue).await;
    venue.control.expire_tokens();
    assert_eq!(client.json().await["code"], 401);
    assert_eq!(client.close_code().await, Some(1000));
    assert_eq!(Client::dial(&unused).await.unwrap().json().await["code"], 401);
    venue.control.expire_next_tokens(1);
    let born_expired = kucoin_url(&venue).await;
    assert_eq!(Client::dial(&born_expired).await.unwrap().json().await["code"], 401);
    Client::kucoin(&venue).await;
}

#[tokio::test]
async fn answers_pings_and_drops_a_client_without_any() {
    let venue = venue(Exchange::Kucoin, |config| {
        config.timings.ping_interval = Duration::from_millis(200);
        config.timings.patience = Duration::from_millis(200);
    })
    .await;
    let answer = http(&venue, "POST", "/api/v1/bullet-public").await.1;
    assert_eq!(answer["data"]["instanceServers"][0]["pingInterval"], 200);
    let mut client = Client::kucoin(&venue).await;
    client.send(r#"{"id":"p1","type":"ping"}"#).await;
    assert_eq!(client.json().await, json!({"id": "p1", "type": "pong"}));
    let pinged = Instant::now();
    assert_eq!(client.close_code().await, Some(1000));
    assert!(pinged.elapsed() >= Duration::from_millis(350), "{:?}", pinged.elapsed());
    assert_eq!(venue.control.counts().heartbeats, 1);
}

#[tokio::test]
async fn pushes_scripted_ticks_and_serves_them_by_rest() {
    let venue = venue(Exchange::Kucoin, |_| {}).await;
    let mut client = Client::kucoin(&venue).await;
    client.send(r#"{"id":1,"type":"subscribe","topic":"/market/ticker:all"}"#).await;
    client.send(r#"{"id":2,"type":"subscribe","topic":"/market/ticker:BTC-USDT"}"#).await;
    timeout(PATIENCE, venue.control.until_subscribed(&["BTC-USDT"])).await.unwrap();
    let mut odd = Tick::quote("ETH-USDT", "NaN", "2600");
    odd.ask_qty = None;
    venue.control.push_tick(odd);
    venue.control.push_tick(Tick::quote("BTC-USDT", "67000", "67000.1").with_last("67000.1"));
    let all = client.json().await;
    assert_eq!(
        (&all["topic"], &all["subject"]),
        (&json!("/market/ticker:all"), &json!("ETH-USDT"))
    );
    assert_eq!(
        (&all["data"]["bestBid"], &all["data"]["bestAskSize"]),
        (&json!("NaN"), &json!(null))
    );
    assert_eq!(client.json().await["topic"], "/market/ticker:BTC-USDT");
    let rest = http(&venue, "GET", "/api/v1/market/orderbook/level1?symbol=BTC-USDT").await.1;
    assert_eq!((&rest["code"], &rest["data"]["price"]), (&json!("200000"), &json!("67000.1")));
}

#[tokio::test]
async fn lists_its_symbols() {
    let venue = venue(Exchange::Kucoin, |config| config.symbols = vec!["BTC-USDT".into()]).await;
    let (status, list) = http(&venue, "GET", "/api/v2/symbols").await;
    assert_eq!((status, list["data"].as_array().unwrap().len()), (200, 1));
    let row = &list["data"][0];
    assert_eq!((&row["symbol"], &row["baseCurrency"]), (&json!("BTC-USDT"), &json!("BTC")));
    assert_eq!(row["enableTrading"], true);
}
