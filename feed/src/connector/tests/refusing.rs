//! Refusals of the venue, and frames that the feed refuses.

use super::bench::{Bench, SHORT, binance, binance_quote, missing, ok};
use super::scripted::Reply;
use crate::quality::Filter;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use tickcast_shared::{
    bus::LinkState,
    market::{Reason, State},
};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn garbage_is_counted_and_kept_and_harms_nothing() {
    let mut bench = Bench::start("binance", &["BTC-USDT"], SHORT, binance).await;
    let mut peer = bench.venue.accept().await;
    peer.text_with("SUBSCRIBE").await;
    for frame in ["{", "[1,2]", r#"{"stream":"btcusdt@depth","data":{}}"#] {
        peer.send(frame).await;
    }
    peer.send_message(Message::binary(vec![0xff, 0xfe])).await;
    peer.send_message(Message::binary(binance_quote("10").into_bytes())).await;
    bench.until_state("BTC-USDT", State::Live).await;
    let counts = bench.counts();
    let refused: Vec<(&str, u64)> = counts.refused.iter().map(|(why, n)| (*why, *n)).collect();
    assert_eq!(refused, [("not_text", 1), ("undecodable", 2), ("unknown_type", 1)]);
    assert_eq!((counts.received, counts.balance()), (5, true));
    let newest = &bench.letters.report(&Filter::default(), 2).letters;
    assert_eq!(newest[1].raw, r#"{"stream":"btcusdt@depth","data":{}}"#);
    assert_eq!(bench.venue.dials(), 1);
}

#[tokio::test]
async fn a_frame_that_is_too_large_ends_the_connection() {
    let mut bench = Bench::start("binance", &["BTC-USDT"], SHORT, binance).await;
    let mut peer = bench.venue.accept().await;
    peer.text_with("SUBSCRIBE").await;
    peer.send("x".repeat(2 << 20)).await;
    bench.venue.accept().await;
}

#[tokio::test]
async fn a_refusal_by_region_is_named() {
    for answer in [
        ok(r#"{"code":"400302","msg":"not available in your region"}"#),
        Reply("451 Unavailable For Legal Reasons", "", String::new()),
    ] {
        let bench = Bench::start("kucoin", &["BTC-USDT"], SHORT, move |_, _| Some(answer.clone()));
        let link = bench.await.until_link(LinkState::Halted).await;
        assert_eq!(link.reason, Reason::REGION_REFUSED);
    }
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let dials = AtomicUsize::new(0);
    let start = Instant::now();
    let mut bench = Bench::start("binance", &["BTC-USDT"], SHORT, move |first, _| {
        if first.contains("exchangeInfo") {
            return Some(missing());
        }
        let busy = Reply("429 Too Many Requests", "retry-after: 1\r\n", String::new());
        (dials.fetch_add(1, Ordering::SeqCst) == 0).then_some(busy)
    })
    .await;
    bench.venue.accept().await;
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(bench.venue.dials(), 2);
}
