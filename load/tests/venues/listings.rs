//! Symbols that come and go, and prices that fall, while an exchange runs.

use crate::client::{Client, http, lively, venue};
use serde_json::Value;
use std::time::Duration;
use tickcast_load::venue::{Exchange, Tick};

const SUBSCRIBE: &str = r#"{"op":"subscribe","args":[{"channel":"tickers","instId":"NEW-USDT"}]}"#;

#[tokio::test]
async fn a_new_symbol_is_listed_and_walks() {
    let venue = venue(Exchange::Okx, |config| config.source = lively()).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(SUBSCRIBE).await;
    assert_eq!(client.json().await["event"], "error");
    venue.control.list("NEW-USDT").unwrap();
    client.send(SUBSCRIBE).await;
    assert_eq!(client.json().await["event"], "subscribe");
    assert_eq!(client.json().await["data"][0]["instId"], "NEW-USDT");
    assert!(venue.symbols().contains(&"NEW-USDT".to_owned()));
    assert!(venue.control.list("nothing").is_err());
}

#[tokio::test]
async fn a_delisted_symbol_is_silent_and_unknown() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    let wish = SUBSCRIBE.replace("NEW", "BTC");
    client.send(&wish).await;
    client.json().await;
    venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2"));
    venue.control.delist("BTC-USDT");
    assert_eq!(venue.control.push_tick(Tick::quote("BTC-USDT", "3", "4")), 0);
    let list = http(&venue, "GET", "/api/v5/public/instruments?instType=SPOT").await.1;
    assert_eq!(list["data"].as_array().unwrap().len(), 7);
    let ticker = http(&venue, "GET", "/api/v5/market/ticker?instId=BTC-USDT").await.1;
    assert_eq!(ticker["code"], "51001");
    venue.control.list("BTC-USDT").unwrap();
    venue.control.push_tick(Tick::quote("BTC-USDT", "5", "6"));
    let bids = [client.json().await, client.json().await].map(|m| m["data"][0]["bidPx"].clone());
    assert_eq!(bids, ["1", "5"]);
}

#[tokio::test]
async fn a_crash_moves_all_prices_evenly() {
    let venue = venue(Exchange::Okx, |config| config.source = lively()).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(&SUBSCRIBE.replace("NEW", "BTC")).await;
    let price = |message: &Value| {
        message["data"][0]["bidPx"].as_str().map_or(f64::NAN, |text| text.parse().unwrap())
    };
    let before = price(&client.json_where(|m| m["data"].is_array()).await);
    assert!((before - 67_000.0).abs() < 100.0, "{before}");
    venue.control.shift(-30.0, Duration::from_millis(500));
    let between = |m: &Value| price(m) < 66_000.0;
    let falling = price(&client.json_where(between).await);
    assert!(falling > 46_800.0, "{falling}");
    client.json_where(|m| price(m) < 47_000.0).await;
}
