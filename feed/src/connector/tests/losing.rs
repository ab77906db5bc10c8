//! What happens when a connection is lost, and how that is noticed.

use super::bench::{Bench, SHORT, binance, binance_quote, okx, okx_ticker};
use crate::config::Timing;
use tickcast_shared::{
    bus::LinkState,
    market::{Reason, State},
};

#[tokio::test]
async fn a_dropped_connection_is_stale_at_once_and_live_again_with_data() {
    let mut bench = Bench::start("okx", &["BTC-USDT", "ETH-USDT"], SHORT, okx).await;
    let mut peer = bench.venue.accept().await;
    peer.accept_okx(&["BTC-USDT", "ETH-USDT"]).await;
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    bench.until_state("BTC-USDT", State::Live).await;

    drop(peer);
    let stale = bench.until_state("BTC-USDT", State::Stale).await;
    assert_eq!((stale.reason, stale.last_price), (Reason::LINK_LOST, "10".parse().ok()));
    assert!(!bench.newest().contains_key("ETH-USDT"), "what had no price stays pending");
    let link = bench.until_link(LinkState::Stale).await;
    assert_eq!((link.reason, link.reconnects), (Reason::LINK_LOST, 1));

    let mut peer = bench.venue.accept().await;
    peer.accept_okx(&["BTC-USDT", "ETH-USDT"]).await;
    assert_eq!(bench.newest()["BTC-USDT"].state, State::Stale, "not before there is data");
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
    bench.until_link(LinkState::Live).await;
}

#[tokio::test]
async fn pongs_without_data_are_not_enough() {
    let timing = Timing { idle_ms: Some(1500), quiet_ms: Some(50), ..SHORT };
    let mut bench = Bench::start("okx", &["BTC-USDT"], timing, okx).await;
    let mut mute = bench.venue.accept().await;
    mute.accept_okx(&["BTC-USDT"]).await;
    mute.send(okx_ticker("BTC-USDT", "10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
    let answering = tokio::spawn(async move {
        while mute.message().await.is_some() {
            mute.send("pong").await;
        }
    });
    assert_eq!(bench.until_state("BTC-USDT", State::Stale).await.reason, Reason::LINK_LOST);
    answering.await.unwrap();
    bench.venue.accept().await;
}

#[tokio::test]
async fn silence_is_noticed_without_waiting_for_the_system() {
    let timing = Timing { quiet_ms: Some(50), proof_ms: Some(1500), ..SHORT };
    let mut bench = Bench::start("binance", &["BTC-USDT"], timing, binance).await;
    let mut frozen = bench.venue.accept().await;
    frozen.text_with("SUBSCRIBE").await;
    frozen.send(binance_quote("10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
    // The frozen venue no longer reads: no pong comes, and the socket stays open.
    assert_eq!(bench.until_state("BTC-USDT", State::Stale).await.reason, Reason::LINK_LOST);
    bench.venue.accept().await;
}

#[tokio::test]
async fn accept_then_close_does_not_stop_it_and_is_counted() {
    let mut bench = Bench::start("binance", &["BTC-USDT"], SHORT, binance).await;
    for _ in 0..4 {
        drop(bench.venue.accept().await);
    }
    let mut peer = bench.venue.accept().await;
    let link = bench.link();
    assert_eq!((link.state, link.reconnects), (LinkState::Stale, 4));
    peer.text_with("SUBSCRIBE").await;
    peer.send(binance_quote("10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
}

#[tokio::test]
async fn an_announced_closing_is_not_waited_for() {
    let mut bench = Bench::start("okx", &["BTC-USDT"], SHORT, okx).await;
    let mut closing = bench.venue.accept().await;
    closing.accept_okx(&["BTC-USDT"]).await;
    closing.send(okx_ticker("BTC-USDT", "10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
    closing.send(r#"{"event":"notice","code":"64008","msg":"service upgrade"}"#).await;
    bench.venue.accept().await;
}

#[tokio::test]
async fn a_late_message_of_an_old_connection_is_not_heard() {
    let timing = Timing { idle_ms: Some(1500), ..SHORT };
    let mut bench = Bench::start("binance", &["BTC-USDT"], timing, binance).await;
    let mut old = bench.venue.accept().await;
    old.text_with("SUBSCRIBE").await;
    old.send(binance_quote("10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
    let mut new = bench.venue.accept().await;
    new.text_with("SUBSCRIBE").await;
    old.send(binance_quote("66")).await;
    new.send(binance_quote("12")).await;
    bench
        .until("the new price", |bench| bench.newest()["BTC-USDT"].bid_price == "12".parse().ok())
        .await;
    let late = bench.published.iter().any(|(_, it)| it.bid_price == "66".parse().ok());
    assert!(!late, "{:?}", bench.published);
}
