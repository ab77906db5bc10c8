//! Bybit: two channels, ten topics a request, quotes sent again, two markets.

use crate::client::{Client, http, venue};
use serde_json::json;
use std::time::Duration;
use tickcast_load::venue::{Exchange, Tick, Venue};

async fn dialled(venue: &Venue) -> Client {
    Client::dial(&format!("{}/v5/public/spot", venue.ws_url())).await.unwrap()
}

#[tokio::test]
async fn quotes_and_last_prices_come_apart() {
    let venue = venue(Exchange::Bybit, |_| {}).await;
    venue.control.push_tick(Tick::quote("ETH-USDT", "2600", "2601").with_last("2600.5"));
    let mut client = dialled(&venue).await;
    let wish = r#"{"req_id":"1","op":"subscribe","args":["tickers.BTCUSDT","orderbook.1.BTCUSDT",
        "orderbook.1.ETHUSDT"]}"#;
    client.send(wish).await;
    let answer = client.json().await;
    assert_eq!((&answer["success"], &answer["ret_msg"]), (&json!(true), &json!("subscribe")));
    assert_eq!((&answer["op"], &answer["req_id"]), (&json!("subscribe"), &json!("1")));
    let present = client.json().await;
    assert_eq!(
        (&present["topic"], &present["data"]["b"]),
        (&json!("orderbook.1.ETHUSDT"), &json!([["2600", "1"]]))
    );
    let tick = Tick::quote("BTC-USDT", "67000", "67001").with_last("67000.5").with_sequence(42);
    assert_eq!(venue.control.push_tick(tick), 2);
    let book = client.json().await;
    assert_eq!((&book["topic"], &book["data"]["u"]), (&json!("orderbook.1.BTCUSDT"), &json!(42)));
    let ticker = client.json().await;
    assert_eq!(
        (&ticker["topic"], &ticker["data"]["lastPrice"]),
        (&json!("tickers.BTCUSDT"), &json!("67000.5"))
    );
    assert!(ticker["data"]["bid1Price"].is_null());
}

#[tokio::test]
async fn refuses_a_request_whole() {
    let venue = venue(Exchange::Bybit, |_| {}).await;
    let mut client = dialled(&venue).await;
    let refused = [
        (json!(["tickers.BTCUSDT", "tickers.NOPEUSDT"]), "Invalid symbol :[tickers.NOPEUSDT]"),
        (json!(["orderbook.7.BTCUSDT"]), "Invalid topic: orderbook.7.BTCUSDT"),
        (json!(vec!["tickers.BTCUSDT"; 11]), "args size >10"),
    ];
    for (args, message) in refused {
        client.send(&json!({"op": "subscribe", "args": args}).to_string()).await;
        let answer = client.json().await;
        assert_eq!((&answer["success"], &answer["ret_msg"]), (&json!(false), &json!(message)));
    }
    assert!(venue.control.subscribed().is_empty());
    for success in [true, false] {
        client.send(r#"{"op":"subscribe","args":["tickers.BTCUSDT"]}"#).await;
        assert_eq!(client.json().await["success"], success);
    }
}

#[tokio::test]
async fn a_quiet_quote_is_sent_again_under_the_same_number() {
    let venue = venue(Exchange::Bybit, |config| {
        config.timings.ping_interval = Duration::from_millis(100);
    })
    .await;
    let mut client = dialled(&venue).await;
    client.send(r#"{"op":"subscribe","args":["orderbook.1.BTCUSDT"]}"#).await;
    client.json().await;
    venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2").with_sequence(42));
    let first = client.json().await;
    let again = client.json().await;
    assert_eq!((&first["data"], &first["data"]["u"]), (&again["data"], &json!(42)));
    assert!(again["ts"].as_i64().unwrap() > first["ts"].as_i64().unwrap());
    // A trade alone says nothing of the quote.
    let trade = Tick { symbol: "BTC-USDT".into(), last: Some("1.5".into()), ..Tick::default() };
    venue.control.push_tick(trade);
    assert_eq!(client.json().await["data"]["b"], json!([["1", "1"]]));
}

#[tokio::test]
async fn pongs_have_the_shape_of_their_market() {
    let venue = venue(Exchange::Bybit, |config| {
        config.timings.patience = Duration::from_millis(300);
    })
    .await;
    let mut spot = dialled(&venue).await;
    spot.send(r#"{"req_id":"9","op":"ping"}"#).await;
    let pong = spot.json().await;
    assert_eq!(
        (&pong["op"], &pong["ret_msg"], &pong["req_id"]),
        (&json!("ping"), &json!("pong"), &json!("9"))
    );
    let mut linear = Client::dial(&format!("{}/v5/public/linear", venue.ws_url())).await.unwrap();
    linear.send(r#"{"op":"ping"}"#).await;
    assert_eq!(linear.json().await["op"], "pong");
    linear.send(r#"{"op":"subscribe","args":["tickers.BTCUSDT"]}"#).await;
    assert_eq!(linear.json().await["success"], false);
    assert_eq!(spot.close_code().await, Some(1000));
}

#[tokio::test]
async fn lists_instruments_and_tells_tickers() {
    let venue = venue(Exchange::Bybit, |_| {}).await;
    let list = http(&venue, "GET", "/v5/market/instruments-info?category=spot").await.1;
    assert_eq!(list["result"]["list"].as_array().unwrap().len(), 8);
    assert_eq!(list["result"]["list"][0]["baseCoin"], "BTC");
    venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2").with_last("1.5"));
    venue.control.push_tick(Tick::quote("ETH-USDT", "3", "4"));
    let one = http(&venue, "GET", "/v5/market/tickers?category=spot&symbol=BTCUSDT").await.1;
    assert_eq!((&one["retCode"], &one["result"]["list"][0]["bid1Price"]), (&json!(0), &json!("1")));
    let all = http(&venue, "GET", "/v5/market/tickers?category=spot").await.1;
    assert_eq!(all["result"]["list"].as_array().unwrap().len(), 2);
    let unknown = http(&venue, "GET", "/v5/market/tickers?category=spot&symbol=NOPE").await.1;
    assert_eq!(unknown["retCode"], 10001);
    let no_category = http(&venue, "GET", "/v5/market/tickers").await.1;
    assert_eq!(no_category["retCode"], 10001);
}
