//! One connection replaces another without a gap (`exchanges.md`, points 1 and 8).

use super::{
    bench::{Bench, SHORT, okx, okx_ticker},
    scripted::{Peer, Reply},
    stub::PLAIN,
};
use crate::config::Timing;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tickcast_shared::{
    bus::LinkState,
    market::{Source, State},
};

const BOTH: [&str; 2] = ["BTC-USDT", "ETH-USDT"];
const SOON: Timing = Timing { rotate_ms: Some(500), ..SHORT };
const CLOSING: &str = r#"{"event":"notice","code":"64008","msg":"service upgrade"}"#;

/// Both symbols live on the first connection.
async fn live(bench: &mut Bench) -> Peer {
    let mut peer = bench.venue.accept().await;
    peer.accept_okx(&BOTH).await;
    for symbol in BOTH {
        peer.send(okx_ticker(symbol, "10")).await;
        bench.until_state(symbol, State::Live).await;
    }
    peer
}

/// Points 1 and 14: the replacement first, then symbol by symbol, and no late message counts.
#[tokio::test]
async fn a_connection_is_replaced_before_its_cut_symbol_by_symbol() {
    let mut bench = Bench::start("okx", &BOTH, SOON, okx).await;
    let mut old = live(&mut bench).await;
    let mut new = bench.venue.accept().await;
    new.accept_okx(&BOTH).await;
    old.send(okx_ticker("BTC-USDT", "11")).await;
    bench.until_last("BTC-USDT", "11").await;
    new.send(okx_ticker("BTC-USDT", "12")).await;
    bench.until_last("BTC-USDT", "12").await;
    old.send(okx_ticker("BTC-USDT", "66")).await;
    old.send(okx_ticker("ETH-USDT", "13")).await;
    bench.until_last("ETH-USDT", "13").await;
    assert_eq!(bench.counts().refused.get("old_connection"), Some(&1));
    new.send(okx_ticker("ETH-USDT", "14")).await;
    old.gone().await;
    bench.until_last("ETH-USDT", "14").await;
    assert!(!bench.was_stale(), "{:?}", bench.published);
    assert!(bench.published.iter().all(|(_, it)| it.last_price != "66".parse().ok()));
    let link = bench.link();
    assert_eq!((link.state, link.reconnects), (LinkState::Live, 0));
    assert!(bench.counts().balance());
}

/// Point 8: an announced closing.
#[tokio::test]
async fn an_announced_closing_is_forestalled() {
    let mut bench = Bench::start("okx", &BOTH, SHORT, okx).await;
    let mut old = live(&mut bench).await;
    old.send(CLOSING).await;
    let mut new = bench.venue.accept().await;
    new.accept_okx(&BOTH).await;
    for symbol in BOTH {
        new.send(okx_ticker(symbol, "11")).await;
        bench.until_last(symbol, "11").await;
    }
    old.gone().await;
    assert!(!bench.was_stale());
    assert_eq!((bench.venue.dials(), bench.link().reconnects), (2, 0));
}

#[tokio::test]
async fn without_a_replacement_the_connection_goes_on() {
    let open = Arc::new(AtomicBool::new(true));
    let door = open.clone();
    let mut bench = Bench::start("okx", &BOTH, SHORT, move |first, address| {
        let shut = first.contains("/ws/") && !door.load(Ordering::SeqCst);
        if shut { Some(Reply("503 Busy", "", String::new())) } else { okx(first, address) }
    })
    .await;
    let mut old = live(&mut bench).await;
    open.store(false, Ordering::SeqCst);
    old.send(CLOSING).await;
    bench.until("a refused replacement", |bench| bench.venue.dials() >= 2).await;
    old.send(okx_ticker("BTC-USDT", "11")).await;
    bench.until_last("BTC-USDT", "11").await;
    open.store(true, Ordering::SeqCst);
    let mut new = bench.venue.accept().await;
    new.accept_okx(&BOTH).await;
    for symbol in BOTH {
        new.send(okx_ticker(symbol, "12")).await;
    }
    old.gone().await;
    assert!(!bench.was_stale());
}

#[tokio::test]
async fn a_replacement_that_breaks_gives_its_symbols_back() {
    let mut bench = Bench::start("okx", &BOTH, SHORT, okx).await;
    let mut old = live(&mut bench).await;
    old.send(CLOSING).await;
    let mut new = bench.venue.accept().await;
    new.accept_okx(&BOTH).await;
    new.send(okx_ticker("BTC-USDT", "11")).await;
    bench.until_last("BTC-USDT", "11").await;
    drop(new);
    bench.venue.accept().await;
    old.send(okx_ticker("BTC-USDT", "12")).await;
    bench.until_last("BTC-USDT", "12").await;
    assert!(!bench.was_stale());
}

/// What the replacement never delivers moves when that has been live for long enough, and REST says
/// whether its price still stands.
#[tokio::test]
async fn a_quiet_symbol_moves_in_the_end_and_is_confirmed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let timing = Timing { rotate_patience_ms: 200, ..SHORT };
    let mut bench = Bench::start_with(&PLAIN, &BOTH, timing, move |first, address| {
        if first.contains("/ticker/ETH-USDT") {
            count.fetch_add(1, Ordering::SeqCst);
            return Some(super::bench::ok(okx_ticker("ETH-USDT", "10")));
        }
        okx(first, address)
    })
    .await;
    let mut old = live(&mut bench).await;
    old.send(CLOSING).await;
    let mut new = bench.venue.accept().await;
    new.accept_okx(&BOTH).await;
    new.send(okx_ticker("BTC-USDT", "11")).await;
    old.gone().await;
    bench.until("a question by REST", |_| asked.load(Ordering::SeqCst) > 0).await;
    let quiet = bench.newest()["ETH-USDT"].clone();
    assert_eq!((quiet.state, quiet.source), (State::Live, Source::Stream));
    new.send(okx_ticker("ETH-USDT", "12")).await;
    bench.until_last("ETH-USDT", "12").await;
    assert!(!bench.was_stale());
}

/// A connection that ends while its replacement is under way costs a moment, and no symbol.
#[tokio::test]
async fn a_connection_that_ends_before_its_replacement_delivers_is_stale_until_then() {
    let mut bench = Bench::start("okx", &BOTH, SHORT, okx).await;
    let mut old = live(&mut bench).await;
    old.send(CLOSING).await;
    let mut new = bench.venue.accept().await;
    drop(old);
    bench.until_state("BTC-USDT", State::Stale).await;
    new.accept_okx(&BOTH).await;
    for symbol in BOTH {
        new.send(okx_ticker(symbol, "11")).await;
        bench.until_last(symbol, "11").await;
    }
    assert_eq!(bench.until_link(LinkState::Live).await.reconnects, 1);
    assert_eq!(bench.venue.dials(), 2);
}
