//! Faults of the market data: odd numbers, order, frames.

use crate::client::{Client, PATIENCE, http, lively, venue};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::io::Read;
use tickcast_load::venue::{Disorder, Exchange, Framing, OddPrices, OddTicks, Tick, Venue};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// A client of OKX's that has subscribed to BTC-USDT.
async fn subscribed(venue: &Venue) -> Client {
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(r#"{"op":"subscribe","args":[{"channel":"tickers","instId":"BTC-USDT"}]}"#).await;
    assert_eq!(client.json().await["event"], "subscribe");
    client
}

#[tokio::test]
async fn odd_prices_are_sent_and_rest_keeps_the_truth() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    let mut client = subscribed(&venue).await;
    let told = [
        (OddPrices::Crossed, ["bidPx", "askPx"], ["2", "1"]),
        (OddPrices::Zero, ["bidPx", "last"], ["0", "0"]),
        (OddPrices::Negative, ["bidPx", "last"], ["-1", "-1.5"]),
        (OddPrices::Empty, ["bidPx", "last"], ["", ""]),
        (OddPrices::NotANumber, ["bidPx", "last"], ["NaN", "NaN"]),
        (OddPrices::Absurd, ["bidPx", "last"], ["1000", "1500.0"]),
    ];
    for (prices, keys, expected) in told {
        venue.control.change(|faults| faults.odd_ticks = Some(OddTicks::each(prices)));
        venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2").with_last("1.5"));
        let message = client.json().await;
        assert_eq!(keys.map(|key| &message["data"][0][key]), expected.map(Value::from).each_ref());
        let rest = http(&venue, "GET", "/api/v5/market/ticker?instId=BTC-USDT").await.1;
        assert_eq!(rest["data"][0]["last"], "1.5");
    }
}

#[tokio::test]
async fn ticks_come_late_or_twice() {
    let venue = venue(Exchange::Bybit, |_| {}).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(r#"{"op":"subscribe","args":["orderbook.1.BTCUSDT"]}"#).await;
    client.json().await;
    let quotes = [(10, "1", "1.5"), (11, "2", "2.5"), (12, "3", "3.5")];
    let [first, second, third] =
        quotes.map(|(number, bid, ask)| Tick::quote("BTC-USDT", bid, ask).with_sequence(number));
    venue.control.push_tick(first);
    venue.control.change(|faults| faults.disorder = Disorder::OutOfOrder);
    assert_eq!(venue.control.push_tick(second), 2);
    venue.control.change(|faults| faults.disorder = Disorder::Duplicate);
    assert_eq!(venue.control.push_tick(third), 2);
    for expected in [10, 11, 10, 12, 12] {
        assert_eq!(client.json().await["data"]["u"], json!(expected));
    }
}

#[tokio::test]
async fn garbage_comes_between_good_messages() {
    let venue = venue(Exchange::Kraken, |config| config.source = lively()).await;
    venue.control.change(|faults| faults.garbage = true);
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    let wish = r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USDT"]}}"#;
    client.send(wish).await;
    let (mut good, mut binary, mut bad) = (0, 0, 0);
    while good < 12 {
        match client.next().await.unwrap() {
            Message::Text(text) => match serde_json::from_str::<Value>(&text) {
                Ok(message) if message["channel"] == "ticker" => good += 1,
                Ok(_) => {}
                Err(_) => bad += 1,
            },
            Message::Binary(_) => binary += 1,
            _ => {}
        }
    }
    assert!(binary >= 1 && bad >= 4, "{binary} {bad}");
    assert!(venue.control.counts().garbage >= 11);
}

#[tokio::test]
async fn market_data_comes_compressed() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    let mut client = subscribed(&venue).await;
    venue.control.change(|faults| faults.framing = Framing::Gzip);
    venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2"));
    let Some(Message::Binary(bytes)) = client.next().await else { panic!("no binary frame") };
    let mut text = String::new();
    GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    let message: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(message["data"][0]["bidPx"], "1");
}

#[tokio::test]
async fn market_data_comes_in_arrays() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    let mut client = subscribed(&venue).await;
    venue.control.change(|faults| faults.framing = Framing::Batched);
    for bid in ["1", "2", "3"] {
        venue.control.push_tick(Tick::quote("BTC-USDT", bid, "4"));
    }
    let mut bids = Vec::new();
    while bids.len() < 3 {
        for message in client.json().await.as_array().unwrap() {
            bids.push(message["data"][0]["bidPx"].clone());
        }
    }
    assert_eq!(bids, ["1", "2", "3"]);
    timeout(PATIENCE, venue.control.until(|counts| counts.frames == 3)).await.unwrap();
}
