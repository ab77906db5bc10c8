//! Faults that a test can switch on in any exchange.

use crate::client::{Client, PATIENCE, http, lively, venue};
use serde_json::json;
use std::time::Duration;
use tickcast_load::venue::{Exchange, Source, Tick};
use tokio::{sync::mpsc, time::timeout};
use tokio_tungstenite::tungstenite::Error;

const SUBSCRIBE: &str =
    r#"{"id":"1","op":"subscribe","args":[{"channel":"tickers","instId":"BTC-USDT"}]}"#;

#[tokio::test]
async fn refuses_dials_and_accepts_them_again() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    venue.control.refuse_dials(Some(503));
    match Client::dial(&venue.ws_url()).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 503),
        other => panic!("{:?}", other.map(|client| client.handshake)),
    }
    venue.control.refuse_dials(None);
    Client::dial(&venue.ws_url()).await.unwrap();
    assert_eq!((venue.control.counts().dials, venue.control.counts().refused), (2, 1));
}

#[tokio::test]
async fn refuses_rest() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    venue.control.change(|faults| faults.refuse_rest = Some(451));
    assert_eq!(http(&venue, "GET", "/api/v5/public/instruments?instType=SPOT").await.0, 451);
}

#[tokio::test]
async fn cuts_all_connections() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    let mut first = Client::dial(&venue.ws_url()).await.unwrap();
    let mut second = Client::dial(&venue.ws_url()).await.unwrap();
    timeout(PATIENCE, venue.control.until(|counts| counts.open == 2)).await.unwrap();
    assert_eq!(venue.control.drop_connections(), 2);
    assert_eq!((first.close_code().await, second.close_code().await), (None, None));
    timeout(PATIENCE, venue.control.until(|counts| counts.open == 0)).await.unwrap();
}

#[tokio::test]
async fn a_mute_exchange_acknowledges_and_pongs_only() {
    let venue = venue(Exchange::Okx, |config| config.source = lively()).await;
    venue.control.mute(true);
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(SUBSCRIBE).await;
    assert_eq!(client.json().await["event"], "subscribe");
    // Four updates would have come.
    assert!(timeout(Duration::from_millis(200), client.text()).await.is_err());
    client.send("ping").await;
    assert_eq!(client.text().await, "pong");
    venue.control.mute(false);
    assert!(client.json().await["data"].is_array());
}

#[tokio::test]
async fn rejects_listed_symbols() {
    let venue = venue(Exchange::Okx, |_| {}).await;
    venue.control.reject(&["BTC-USDT"]);
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(SUBSCRIBE).await;
    assert_eq!(client.json().await["code"], "60018");
}

#[tokio::test]
async fn pushes_raw_frames_to_everyone() {
    let venue = venue(Exchange::Binance, |_| {}).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    timeout(PATIENCE, venue.control.until(|counts| counts.open == 1)).await.unwrap();
    let notice = r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#;
    assert_eq!(venue.control.push_frame(notice), 1);
    assert_eq!(client.text().await, notice);
}

#[tokio::test]
async fn plays_a_script() {
    let (ticks, script) = mpsc::channel(8);
    let venue = venue(Exchange::Okx, |config| config.source = Source::Script(script)).await;
    let mut client = Client::dial(&venue.ws_url()).await.unwrap();
    client.send(SUBSCRIBE).await;
    timeout(PATIENCE, venue.control.until_subscribed(&["BTC-USDT"])).await.unwrap();
    for last in ["1", "2", "3"] {
        ticks.send(Tick::quote("BTC-USDT", "0.9", "3.1").with_last(last)).await.unwrap();
    }
    assert_eq!(client.json().await["event"], "subscribe");
    for last in ["1", "2", "3"] {
        assert_eq!(client.json().await["data"][0]["last"], json!(last));
    }
}

#[tokio::test]
async fn frees_its_port_when_stopped() {
    let first = venue(Exchange::Okx, |_| {}).await;
    let mut client = Client::dial(&first.ws_url()).await.unwrap();
    let addr = first.addr;
    timeout(PATIENCE, first.stop()).await.unwrap();
    assert_eq!(client.close_code().await, None);
    let again = venue(Exchange::Okx, |config| config.listen = addr).await;
    Client::dial(&again.ws_url()).await.unwrap();
}
