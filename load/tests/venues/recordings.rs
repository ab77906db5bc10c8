//! Recorded sessions: what is read from them, and that they are played verbatim.

use crate::client::{Client, PATIENCE, http, venue};
use serde_json::json;
use std::{io::Write, path::PathBuf};
use tickcast_load::{
    recording::{self, Frame},
    venue::{Exchange, ReplayStart, Replayed, Source, Venue},
};
use tokio::time::timeout;

/// The recording of an exchange, or a printed line that it is not there.
fn recorded(exchange: Exchange) -> Option<PathBuf> {
    let file =
        recording::folder().map(|folder| folder.join(exchange.name()).join("session.ndjson"));
    let file = file.filter(|file| file.is_file());
    if file.is_none() {
        println!("skipped: no recording of {exchange}; set TICKCAST_RECORDINGS to its folder");
    }
    file
}

fn as_fast_as_taken(file: PathBuf) -> Source {
    Source::Recording { file, speed: 0.0, start: ReplayStart::Settled }
}

/// Plays a whole file into one client and compares every text.
async fn played_verbatim(venue: &Venue, client: &mut Client, frames: &[&Frame]) -> Replayed {
    for frame in frames {
        assert_eq!(client.text().await, frame.text);
    }
    timeout(PATIENCE, venue.control.finished()).await.unwrap()
}

#[tokio::test]
async fn kucoin_is_played_verbatim() {
    let Some(file) = recorded(Exchange::Kucoin) else { return };
    let frames = recording::ticker_frames(&file, Exchange::Kucoin).unwrap();
    assert_eq!(frames.len(), 830);
    let venue = venue(Exchange::Kucoin, |config| config.source = as_fast_as_taken(file)).await;
    assert_eq!(venue.symbols().len(), 9);
    let mut client = Client::kucoin(&venue).await;
    let topic = format!("/market/ticker:{}", venue.symbols().join(","));
    client.send(&json!({"id": 1, "type": "subscribe", "topic": topic}).to_string()).await;
    let replayed = played_verbatim(&venue, &mut client, &frames.iter().collect::<Vec<_>>()).await;
    assert_eq!(replayed, Replayed { sent: 830, unwanted: 0 });
    assert_eq!(venue.control.counts().frames, 830);
}

#[tokio::test]
async fn binance_sends_subscribed_streams_only() {
    let Some(file) = recorded(Exchange::Binance) else { return };
    let frames = recording::ticker_frames(&file, Exchange::Binance).unwrap();
    assert_eq!(frames.len(), 84);
    let venue = venue(Exchange::Binance, |config| config.source = as_fast_as_taken(file)).await;
    assert_eq!(venue.symbols(), ["NKN-USDT", "LRC-BTC", "BLZ-ETH"]);
    let info = http(&venue, "GET", "/api/v3/exchangeInfo").await.1;
    assert_eq!(info["symbols"][0]["quoteAsset"], "USDT");
    let url = format!("{}/stream?streams=nknusdt@bookTicker/nknusdt@ticker", venue.ws_url());
    let mut client = Client::dial(&url).await.unwrap();
    let wanted: Vec<&Frame> = frames.iter().filter(|f| &*f.symbol == "NKN-USDT").collect();
    let replayed = played_verbatim(&venue, &mut client, &wanted).await;
    assert_eq!(replayed, Replayed { sent: 74, unwanted: 10 });
}

#[tokio::test]
async fn okx_knows_more_than_it_lists() {
    let Some(file) = recorded(Exchange::Okx) else { return };
    let frames = recording::ticker_frames(&file, Exchange::Okx).unwrap();
    assert_eq!(frames.len(), 28);
    let venue = venue(Exchange::Okx, |config| config.source = as_fast_as_taken(file)).await;
    let list = http(&venue, "GET", "/api/v5/public/instruments?instType=SPOT").await.1;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    let args: Vec<_> = venue
        .symbols()
        .iter()
        .map(|symbol| json!({"channel": "tickers", "instId": symbol}))
        .collect();
    assert_eq!(args.len(), 3);
    client.send(&json!({"op": "subscribe", "args": args}).to_string()).await;
    for _ in &args {
        assert_eq!(client.json().await["event"], "subscribe");
    }
    let replayed = played_verbatim(&venue, &mut client, &frames.iter().collect::<Vec<_>>()).await;
    assert_eq!(replayed, Replayed { sent: 28, unwanted: 0 });
}

#[tokio::test]
async fn coinbase_is_played_in_its_other_protocol() {
    let Some(file) = recorded(Exchange::Coinbase) else { return };
    let frames = recording::ticker_frames(&file, Exchange::Coinbase).unwrap();
    assert_eq!(frames.len(), 160);
    let venue = venue(Exchange::Coinbase, |config| config.source = as_fast_as_taken(file)).await;
    assert_eq!(venue.symbols(), ["BTC-USD", "ETH-USD"]);
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client
        .send(r#"{"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channels":["ticker"]}"#)
        .await;
    assert_eq!(client.json().await["type"], "subscriptions");
    let replayed = played_verbatim(&venue, &mut client, &frames.iter().collect::<Vec<_>>()).await;
    assert_eq!(replayed, Replayed { sent: 160, unwanted: 0 });
}

#[tokio::test]
async fn markets_of_bybit_are_kept_apart() {
    let Some(file) = recorded(Exchange::Bybit) else { return };
    let frames = recording::ticker_frames(&file, Exchange::Bybit).unwrap();
    assert_eq!(frames.len(), 839);
    for (path, topics, market, count) in [
        ("spot", json!(["tickers.BTCUSDT", "tickers.ETHUSDT"]), false, 81),
        (
            "linear",
            json!(["tickers.BTCUSDT", "tickers.ETHUSDT", "tickers.SOLUSDT", "tickers.DOGEUSDT"]),
            true,
            758,
        ),
    ] {
        let source = as_fast_as_taken(file.clone());
        let venue = venue(Exchange::Bybit, |config| config.source = source).await;
        let list = http(&venue, "GET", "/v5/market/instruments-info?category=spot").await.1;
        assert_eq!(list["result"]["list"].as_array().unwrap().len(), 2);
        let url = format!("{}/v5/public/{path}", venue.ws_url());
        let mut client = Client::dial(&url).await.unwrap();
        client.send(&json!({"op": "subscribe", "args": topics}).to_string()).await;
        assert_eq!(client.json().await["success"], true);
        let is_linear = |frame: &&Frame| frame.name.starts_with("linear/");
        let wanted: Vec<&Frame> =
            frames.iter().filter(|frame| is_linear(frame) == market).collect();
        let replayed = played_verbatim(&venue, &mut client, &wanted).await;
        assert_eq!(replayed, Replayed { sent: count, unwanted: 839 - count });
    }
}

#[tokio::test]
async fn both_protocols_of_kraken_are_played() {
    let Some(old) = recorded(Exchange::Kraken) else { return };
    let new = old.with_file_name("live-v2-2026-09-24.ndjson");
    for (file, symbol, count, of_symbol) in
        [(old, "XMR/USD", 18, None), (new, "USDT/USD", 1, Some(1))]
    {
        let frames = recording::ticker_frames(&file, Exchange::Kraken).unwrap();
        assert_eq!(frames.len(), count);
        let source = as_fast_as_taken(file);
        let venue = venue(Exchange::Kraken, |config| config.source = source).await;
        let mut client = Client::dial(&format!("{}/v2", venue.ws_url())).await.unwrap();
        let params = json!({"channel": "ticker", "symbol": [symbol]});
        client.send(&json!({"method": "subscribe", "params": params}).to_string()).await;
        client.json_where(|message| message["success"] == true).await;
        let wanted: Vec<&Frame> = frames.iter().filter(|frame| *frame.name == *symbol).collect();
        assert!(of_symbol.is_none_or(|of_symbol| wanted.len() == of_symbol) && !wanted.is_empty());
        let replayed = played_verbatim(&venue, &mut client, &wanted).await;
        assert_eq!((replayed.sent, replayed.sent + replayed.unwanted), (wanted.len(), count));
    }
}

#[tokio::test]
async fn waits_to_be_played() {
    let Some(file) = recorded(Exchange::Okx) else { return };
    let venue = venue(Exchange::Okx, |config| {
        config.source = Source::Recording { file, speed: 100.0, start: ReplayStart::OnPlay };
    })
    .await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    let subscribe = r#"{"op":"subscribe","args":[{"channel":"tickers","instId":"BTC-USDT"}]}"#;
    client.send(subscribe).await;
    client.json().await;
    venue.control.play();
    let replayed = timeout(PATIENCE, venue.control.finished()).await.unwrap();
    assert_eq!(replayed, Replayed { sent: 25, unwanted: 3 });
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let record = r#"{"t":"recv","conn":"x","ts":1.5,"data":"{\"type\":\"ack\"}"}"#;
    writeln!(file, "{record}\nnonsense").unwrap();
    let error = recording::ticker_frames(file.path(), Exchange::Kucoin).unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
    let mut empty = tempfile::NamedTempFile::new().unwrap();
    writeln!(empty, "{record}").unwrap();
    let error = recording::ticker_frames(empty.path(), Exchange::Kucoin).unwrap_err().to_string();
    assert!(error.contains("no ticker message of kucoin"), "{error}");
    let missing = recording::ticker_frames("/nowhere".as_ref(), Exchange::Kucoin).unwrap_err();
    assert!(missing.to_string().contains("cannot read the recording /nowhere"), "{missing}");
}
