//! From the dial to the first price.

use super::bench::{
    Bench, SHORT, binance, binance_quote, kucoin, kucoin_ticker, ok, okx, okx_ack, okx_ticker,
};
use crate::config::Timing;
use tickcast_shared::{
    bus::LinkState,
    market::{Reason, State},
};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn prices_flow_and_say_that_they_are_simulated() {
    let mut bench = Bench::start("okx", &["BTC-USDT", "ETH-USDT"], SHORT, okx).await;
    assert_eq!(bench.link().state, LinkState::Pending);
    let mut peer = bench.venue.accept().await;
    assert_eq!(peer.path, "/ws/v5/public");
    peer.accept_okx(&["BTC-USDT", "ETH-USDT"]).await;
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    let ticker = bench.until_state("BTC-USDT", State::Live).await;
    assert!(ticker.simulated);
    assert_eq!(ticker.last_price, "10".parse().ok());
    let link = bench.until_link(LinkState::Live).await;
    assert_eq!((link.reason, link.reconnects), (Reason::NONE, 0));
    assert!(link.proven.is_some());
    assert!(!bench.newest().contains_key("ETH-USDT"), "no data, no change");
}

#[tokio::test]
async fn an_expired_token_is_answered_with_a_new_one() {
    let mut bench = Bench::start("kucoin", &["BTC-USDT"], SHORT, kucoin()).await;
    let mut peer = bench.venue.accept().await;
    assert!(peer.path.contains("token=t0&connectId="), "{}", peer.path);
    peer.send(r#"{"id":"x","type":"error","code":401,"data":"token is expired"}"#).await;
    let mut peer = bench.venue.accept().await;
    assert!(peer.path.contains("token=t1&"), "{}", peer.path);
    peer.send(r#"{"id":"x","type":"welcome"}"#).await;
    peer.text_with("/market/ticker:BTC-USDT").await;
    peer.send(r#"{"id":"1","type":"ack"}"#).await;
    peer.send(kucoin_ticker("BTC-USDT", "10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
}

#[tokio::test]
async fn a_venue_that_answers_no_subscription_is_dialled_again() {
    let mut bench = Bench::start("binance", &["BTC-USDT"], SHORT, binance).await;
    let mut mute = bench.venue.accept().await;
    mute.text_with("SUBSCRIBE").await;
    mute.gone().await;
    let mut peer = bench.venue.accept().await;
    peer.text_with("btcusdt@bookTicker").await;
    peer.send(binance_quote("10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
    let (live, reconnects) = (bench.venue.dials(), bench.link().reconnects);
    assert_eq!((live, reconnects), (2, 1), "data without an answer is an answer");
}

#[tokio::test]
async fn a_venue_without_a_welcome_is_dialled_again() {
    let mut bench = Bench::start("kucoin", &["BTC-USDT"], SHORT, kucoin()).await;
    bench.venue.accept().await.gone().await;
    bench.venue.accept().await;
}

#[tokio::test]
async fn a_refused_symbol_is_halted_and_the_rest_goes_on() {
    let symbols = ["BTC-USDT", "NOPE-USDT", "ETH-USDT"];
    let mut bench = Bench::start("okx", &symbols, SHORT, okx).await;
    let mut peer = bench.venue.accept().await;
    peer.accept_okx(&["BTC-USDT", "ETH-USDT"]).await;
    peer.send(r#"{"id":"1","event":"error","code":"60018","msg":"Wrong URL or channel:tickers,instId:NOPE-USDT doesn't exist."}"#).await;
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    peer.send(okx_ticker("ETH-USDT", "10")).await;
    let halted = bench.until_state("NOPE-USDT", State::Halted).await;
    assert_eq!(halted.reason, Reason::NOT_LISTED);
    bench.until_state("BTC-USDT", State::Live).await;
    bench.until_state("ETH-USDT", State::Live).await;
    assert_eq!(bench.venue.dials(), 1);

    drop(peer);
    let mut peer = bench.venue.accept().await;
    let frame = peer.text_with("subscribe").await;
    assert!(frame.contains("BTC-USDT") && !frame.contains("NOPE-USDT"), "{frame}");
}

#[tokio::test]
async fn a_refused_batch_is_narrowed_down_to_the_symbol_to_blame() {
    let symbols = ["A-USDT", "B-USDT", "BAD-USDT", "C-USDT"];
    let mut bench = Bench::start("kucoin", &symbols, SHORT, kucoin()).await;
    let mut peer = bench.venue.accept().await;
    peer.send(r#"{"id":"x","type":"welcome"}"#).await;
    while !bench.newest().contains_key("BAD-USDT") {
        let frame = peer.text_with("subscribe").await;
        let id = frame.split('"').nth(3).unwrap();
        if frame.contains("BAD-USDT") {
            let reply = format!(r#"{{"id":"{id}","type":"error","code":404,"data":"not found"}}"#);
            peer.send(reply).await;
            let only = !frame.contains(',') || frame.contains(":BAD-USDT\"");
            if only {
                bench.until_state("BAD-USDT", State::Halted).await;
            }
        } else {
            peer.send(format!(r#"{{"id":"{id}","type":"ack"}}"#)).await;
        }
    }
    for symbol in ["A-USDT", "B-USDT", "C-USDT"] {
        peer.send(kucoin_ticker(symbol, "10")).await;
        bench.until_state(symbol, State::Live).await;
    }
    assert_eq!(bench.venue.dials(), 1);
}

#[tokio::test]
async fn names_come_from_the_venues_list() {
    let list = r#"{"symbols":[{"symbol":"XBTZUSD","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT"}]}"#;
    let symbols = ["BTC-USDT", "GONE-USDT"];
    let mut bench = Bench::start("binance", &symbols, SHORT, move |first, _| {
        first.contains("/api/v3/exchangeInfo").then(|| ok(list))
    })
    .await;
    let mut peer = bench.venue.accept().await;
    let frame = peer.text_with("SUBSCRIBE").await;
    assert!(frame.contains(r#"["xbtzusd@ticker","xbtzusd@bookTicker"]"#), "{frame}");
    let halted = bench.until_state("GONE-USDT", State::Halted).await;
    assert_eq!(halted.reason, Reason::NOT_LISTED);
    peer.send(binance_quote("10").replace("BTCUSDT", "XBTZUSD")).await;
    assert_eq!(bench.until_state("BTC-USDT", State::Live).await.venue_symbol, "XBTZUSD");
}

#[tokio::test]
async fn a_quiet_connection_is_pinged_and_pings_are_answered() {
    let timing = Timing { quiet_ms: Some(50), ..SHORT };
    let mut bench = Bench::start("okx", &["BTC-USDT"], timing, okx).await;
    let mut peer = bench.venue.accept().await;
    peer.accept_okx(&["BTC-USDT"]).await;
    assert_eq!(peer.text_with("ping").await, "ping");
    peer.send("pong").await;
    peer.send_message(Message::Ping("from the venue".into())).await;
    loop {
        match peer.message().await {
            Some(Message::Pong(payload)) => {
                assert_eq!(payload, "from the venue");
                break;
            }
            Some(_) => {}
            None => panic!("hung up"),
        }
    }
    peer.send(okx_ack("BTC-USDT")).await;
    assert_eq!(bench.venue.dials(), 1);
}
