//! What is recorded from an exchange, replayed by another: the same messages, one by one.

use crate::client::{Client, PATIENCE, lively, venue};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tickcast_load::{
    record::{self, RecordConfig, RecordError},
    recording,
    venue::{Exchange, ReplayStart, Replayed, Source, Venue},
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

fn config(exchange: Exchange, venue: &Venue, out: &Path) -> RecordConfig {
    RecordConfig {
        exchange,
        symbols: vec!["BTC-USDT".to_owned(), "ETH-USDT".to_owned()],
        url: Some(if exchange == Exchange::Kucoin { venue.rest_url() } else { venue.ws_url() }),
        out: out.to_owned(),
        force: false,
        duration: None,
        progress: false,
    }
}

/// Records until both symbols have been heard of often enough.
async fn recorded(exchange: Exchange, out: &Path) -> record::Summary {
    let venue = venue(exchange, |config| config.source = lively()).await;
    let token = CancellationToken::new();
    let recording = tokio::spawn(record::run(config(exchange, &venue, out), token.clone()));
    timeout(PATIENCE, venue.control.until(|counts| counts.frames >= 60)).await.unwrap();
    token.cancel();
    timeout(PATIENCE, recording).await.unwrap().unwrap().unwrap()
}

/// What was sent in a recording, apart from pings.
fn sent(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let sent = records.filter(|record| record["t"] == "send");
    let texts = sent.map(|record| record["data"].as_str().unwrap().to_owned());
    texts.filter(|text| text.to_ascii_lowercase().contains("subscribe")).collect()
}

async fn replays(exchange: Exchange) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.ndjson");
    let summary = recorded(exchange, &file).await;
    let frames = recording::ticker_frames(&file, exchange).unwrap();
    assert_eq!((frames.len() as u64, summary.connections), (summary.tickers, 1), "{summary}");
    assert_eq!(summary.missing, Vec::<String>::new(), "{summary}");
    let wishes = sent(&file);
    let venue = venue(exchange, |config| {
        config.source = Source::Recording { file, speed: 0.0, start: ReplayStart::OnPlay };
    })
    .await;
    let mut client = match exchange {
        Exchange::Kucoin => Client::kucoin(&venue).await,
        _ => Client::dial(&venue.ws_url()).await.unwrap(),
    };
    for wish in &wishes {
        client.send(wish).await;
    }
    timeout(PATIENCE, venue.control.until(|counts| counts.subscribes == wishes.len() as u64))
        .await
        .unwrap();
    venue.control.play();
    for frame in &frames {
        assert_eq!(next_ticker(&mut client, exchange).await, frame.text);
    }
    let replayed = timeout(PATIENCE, venue.control.finished()).await.unwrap();
    assert_eq!(replayed, Replayed { sent: frames.len(), unwanted: 0 });
}

/// The next text that is no answer and no heartbeat.
async fn next_ticker(client: &mut Client, exchange: Exchange) -> String {
    loop {
        let Some(message) = client.next().await else { panic!("{exchange} has ended") };
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        let is_told = |key: &str, values: &[&str]| values.iter().any(|it| message[key] == *it);
        let is_ticker = match exchange {
            Exchange::Kucoin => is_told("type", &["message"]),
            Exchange::Binance => message["stream"].is_string(),
            Exchange::Okx => message["data"].is_array(),
            Exchange::Coinbase => is_told("type", &["ticker"]),
            Exchange::Kraken => is_told("channel", &["ticker", "trade"]),
            Exchange::Bybit => message["topic"].is_string(),
        };
        if is_ticker {
            return text.to_string();
        }
    }
}

#[tokio::test]
async fn kucoin_recorded_replays() {
    replays(Exchange::Kucoin).await;
}

#[tokio::test]
async fn binance_recorded_replays() {
    replays(Exchange::Binance).await;
}

#[tokio::test]
async fn okx_recorded_replays() {
    replays(Exchange::Okx).await;
}

#[tokio::test]
async fn coinbase_recorded_replays() {
    replays(Exchange::Coinbase).await;
}

#[tokio::test]
async fn kraken_recorded_replays() {
    replays(Exchange::Kraken).await;
}

#[tokio::test]
async fn bybit_recorded_replays() {
    replays(Exchange::Bybit).await;
}

#[tokio::test]
async fn records_look_like_those_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.ndjson");
    recorded(Exchange::Kucoin, &file).await;
    let text = std::fs::read_to_string(&file).unwrap();
    let connect: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&connect["t"], &connect["conn"]), (&json!("connect"), &json!("KUCOIN.ws.1")));
    assert!(connect["ts"].is_f64() && connect["data"].is_null());
    assert!(connect["addr"].as_str().unwrap().contains("token=TOKEN&"), "{connect}");
    assert!(!text.contains("simulated-0"), "no token is written down");
    let received = text.lines().find(|line| line.contains(r#""t":"recv""#)).unwrap();
    let received: Value = serde_json::from_str(received).unwrap();
    assert!(received["data"].is_string() && received["addr"].is_null(), "{received}");
}

#[tokio::test]
async fn a_recording_goes_on_after_a_cut() {
    let venue = venue(Exchange::Okx, |config| config.source = lively()).await;
    let folder = tempfile::tempdir().unwrap();
    let token = CancellationToken::new();
    let config = config(Exchange::Okx, &venue, &folder.path().join("x"));
    let recording = tokio::spawn(record::run(config, token.clone()));
    timeout(PATIENCE, venue.control.until(|counts| counts.frames >= 5)).await.unwrap();
    venue.control.drop_connections();
    timeout(PATIENCE, venue.control.until(|counts| counts.subscribes == 2)).await.unwrap();
    token.cancel();
    let summary = timeout(PATIENCE, recording).await.unwrap().unwrap().unwrap();
    assert_eq!(summary.connections, 2, "{summary}");
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_left_behind() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x");
    std::fs::write(&file, "precious").unwrap();
    let token = CancellationToken::new();
    let mut wish = config(Exchange::Okx, &venue, &file);
    wish.duration = Some(Duration::from_millis(300));
    let refused = record::run(wish.clone(), token.clone()).await.unwrap_err();
    assert!(matches!(refused, RecordError::Exists(_)), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    wish.force = true;
    let summary = record::run(wish.clone(), token.clone()).await.unwrap();
    assert_eq!((summary.tickers, summary.missing), (0, vec!["BTC-USDT".into(), "ETH-USDT".into()]));
    venue.control.refuse_dials(Some(503));
    (wish.force, wish.out) = (false, folder.path().join("y"));
    let failed = record::run(wish.clone(), token).await.unwrap_err();
    assert!(failed.to_string().contains("cannot dial ws://127.0.0.1"), "{failed}");
    assert!(!wish.out.exists());
}
