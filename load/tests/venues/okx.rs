//! OKX: one answer an argument, text pings, the end of idle connections.

use crate::client::{Client, http, lively, venue};
use serde_json::json;
use std::time::{Duration, Instant};
use tickcast_load::venue::Exchange;

#[tokio::test]
async fn answers_each_argument_apart() {
    let venue = venue(Exchange::Okx, |config| config.source = lively()).await;
    let mut client = Client::dial(&format!("{}/ws/v5/public", venue.ws_url())).await.unwrap();
    let args = json!([{"channel": "tickers", "instId": "BTC-USDT"},
        {"channel": "tickers", "instId": "NO-PE"}, {"channel": "tickers", "instId": "ETH-BTC"}]);
    client.send(&json!({"id": "1512", "op": "subscribe", "args": args}).to_string()).await;
    let first = client.json().await;
    assert_eq!(
        (&first["event"], &first["arg"], &first["id"]),
        (&json!("subscribe"), &args[0], &json!("1512"))
    );
    let second = client.json().await;
    assert_eq!((&second["event"], &second["code"]), (&json!("error"), &json!("60018")));
    assert!(second["msg"].as_str().unwrap().contains("NO-PE"));
    assert_eq!(client.json().await["arg"], args[2]);
    let push = client.json_where(|m| m["arg"]["instId"] == "BTC-USDT").await;
    assert_eq!(push["data"][0]["instType"], "SPOT");
    assert!(push["data"][0]["vol24h"].is_string());
}

#[tokio::test]
async fn says_what_it_does_not_understand() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(r#"{"op":"subscribe","argss":[]}"#).await;
    let error = client.json().await;
    assert_eq!((&error["event"], &error["code"]), (&json!("error"), &json!("60012")));
}

#[tokio::test]
async fn a_text_ping_keeps_the_connection_and_silence_ends_it() {
    let venue = venue(Exchange::Okx, |config| {
        config.timings.patience = Duration::from_millis(300);
    })
    .await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send("ping").await;
    assert_eq!(client.text().await, "pong");
    let pinged = Instant::now();
    assert_eq!(client.close_code().await, Some(4004));
    assert!(pinged.elapsed() >= Duration::from_millis(250), "{:?}", pinged.elapsed());
}

#[tokio::test]
async fn lists_spot_instruments() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    let list = http(&venue, "GET", "/api/v5/public/instruments?instType=SPOT").await.1;
    assert_eq!((&list["code"], list["data"].as_array().unwrap().len()), (&json!("0"), 8));
    assert_eq!(list["data"][0]["baseCcy"], "BTC");
    let none = http(&venue, "GET", "/api/v5/market/ticker?instId=BTC-USDT").await.1;
    assert_eq!(none["code"], "51001");
}
