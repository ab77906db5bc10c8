//! Venues with several channels, each with requests of its own.

use super::{
    bench::{Bench, SHORT, okx, okx_ticker},
    scripted::Peer,
    stub::TWO_CHANNELS,
};
use crate::config::Timing;
use tickcast_shared::market::State;

/// The number of a request.
fn number(frame: &str) -> &str {
    frame.split('"').nth(3).unwrap()
}

/// Accepts the request for the first channel, and returns the one for the second.
async fn accept_first(peer: &mut Peer) -> String {
    let first = peer.text_with("tickers").await;
    for symbol in ["BTC-USDT", "ETH-USDT"] {
        let request = number(&first);
        peer.send(format!(
            r#"{{"id":"{request}","event":"subscribe","arg":{{"channel":"tickers","instId":"{symbol}"}}}}"#
        ))
        .await;
    }
    peer.text_with("statistics").await
}

async fn both_are_live(bench: &mut Bench, peer: &mut Peer) {
    for symbol in ["BTC-USDT", "ETH-USDT"] {
        peer.send(okx_ticker(symbol, "10")).await;
        bench.until_state(symbol, State::Live).await;
    }
}

/// `exchanges.md`, point 5: acknowledgements are matched per request.
#[tokio::test]
async fn a_refused_second_channel_costs_its_fields_only() {
    let symbols = ["BTC-USDT", "ETH-USDT"];
    let mut bench = Bench::start_with(&TWO_CHANNELS, &symbols, SHORT, okx).await;
    let mut peer = bench.venue.accept().await;
    let second = accept_first(&mut peer).await;
    peer.send(format!(
        r#"{{"id":"{}","event":"error","code":"60018","msg":"no statistics of ETH-USDT"}}"#,
        number(&second)
    ))
    .await;
    both_are_live(&mut bench, &mut peer).await;
    assert!(bench.published.iter().all(|(_, it)| it.state != State::Halted));
    assert_eq!(bench.venue.dials(), 1);
}

#[tokio::test]
async fn an_unanswered_second_channel_is_asked_for_symbol_by_symbol_and_then_left_alone() {
    let symbols = ["BTC-USDT", "ETH-USDT"];
    let timing = Timing { ack_ms: 300, ..SHORT };
    let mut bench = Bench::start_with(&TWO_CHANNELS, &symbols, timing, okx).await;
    let mut peer = bench.venue.accept().await;
    accept_first(&mut peer).await;
    both_are_live(&mut bench, &mut peer).await;
    for symbol in symbols {
        let alone = peer.text_with("statistics").await;
        assert!(alone.contains(symbol), "{alone}");
    }
    peer.send(okx_ticker("ETH-USDT", "11")).await;
    bench.until_last("ETH-USDT", "11").await;
    assert!(bench.published.iter().all(|(_, it)| it.state == State::Live));
    assert_eq!(bench.venue.dials(), 1);
}

#[tokio::test]
async fn a_refused_first_channel_halts_its_symbol() {
    let symbols = ["BTC-USDT", "ETH-USDT"];
    let mut bench = Bench::start_with(&TWO_CHANNELS, &symbols, SHORT, okx).await;
    let mut peer = bench.venue.accept().await;
    let first = peer.text_with("tickers").await;
    peer.send(format!(
        r#"{{"id":"{}","event":"error","code":"60018","msg":"no tickers of ETH-USDT"}}"#,
        number(&first)
    ))
    .await;
    bench.until_state("ETH-USDT", State::Halted).await;
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
}
