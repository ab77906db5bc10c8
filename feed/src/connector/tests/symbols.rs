//! Symbols that come and go (`exchanges.md`, point 11; `truth.md` 17).

use super::{
    bench::{Bench, SHORT, missing, ok, okx_ticker, selection},
    scripted::Reply,
    stub::{NARROW, PLAIN},
};
use crate::config::Timing;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tickcast_shared::market::{Reason, State};

/// The venue's list: pairs of symbol and name, such as `BTC-USDT=BTC-USDT`; nothing: an error.
#[derive(Clone, Default)]
struct List(Arc<Mutex<String>>);

impl List {
    fn of(rows: &str) -> Self {
        Self(Arc::new(Mutex::new(rows.into())))
    }

    fn set(&self, rows: &str) {
        *self.0.lock().unwrap() = rows.into();
    }

    fn answers(&self) -> impl Fn(&str, SocketAddr) -> Option<Reply> + Send + Sync + 'static {
        let list = self.clone();
        move |first, _| {
            if !first.contains("/api/v5/public/instruments") {
                return None;
            }
            let rows = list.0.lock().unwrap().clone();
            let row = |text: &str| {
                let (symbol, name) = text.split_once('=').unwrap();
                let (base, quote) = symbol.split_once('-').unwrap();
                format!(
                    r#"{{"instId":"{name}","baseCcy":"{base}","quoteCcy":"{quote}","state":"live"}}"#
                )
            };
            if rows.is_empty() {
                return Some(missing());
            }
            let rows: Vec<String> = rows.split(' ').map(row).collect();
            Some(ok(format!(r#"{{"code":"0","data":[{}]}}"#, rows.join(","))))
        }
    }
}

const OFTEN: Timing = Timing { refresh_ms: 100, ..SHORT };

#[tokio::test]
async fn a_pattern_follows_the_venues_list() {
    let list = List::of("BTC-USDT=BTC-USDT BTC-EUR=BTC-EUR");
    let timing = Timing { vanished_ms: 500, ..OFTEN };
    let mut bench = Bench::start_with(&PLAIN, &["*-USDT"], timing, list.answers()).await;
    let mut peer = bench.venue.accept().await;
    let frame = peer.text_with("subscribe").await;
    assert!(frame.contains("BTC-USDT") && !frame.contains("EUR"), "{frame}");
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    bench.until_state("BTC-USDT", State::Live).await;

    list.set("BTC-USDT=BTC-USDT ETH-USDT=ETH-USDT");
    bench.until_state("ETH-USDT", State::Pending).await;
    assert!(peer.text_with("subscribe").await.contains("ETH-USDT"));
    peer.send(okx_ticker("ETH-USDT", "20")).await;
    bench.until_state("ETH-USDT", State::Live).await;

    list.set("ETH-USDT=ETH-USDT");
    assert_eq!(bench.until_state("BTC-USDT", State::Halted).await.reason, Reason::NOT_LISTED);
    assert!(peer.text_with("unsubscribe").await.contains("BTC-USDT"));
    bench
        .until("a removal", |bench| bench.newest().len() == 2 && bench.removed == ["BTC-USDT"])
        .await;
    peer.send(okx_ticker("ETH-USDT", "21")).await;
    bench.until_last("ETH-USDT", "21").await;
    assert_eq!(bench.venue.dials(), 1);
}

#[tokio::test]
async fn a_name_that_changes_is_followed_and_a_halted_symbol_comes_back() {
    let list = List::of("BTC-USDT=BTC-USDT ETH-USDT=ETH-USDT");
    let mut bench = Bench::start_with(&PLAIN, &["BTC-USDT"], OFTEN, list.answers()).await;
    let mut peer = bench.venue.accept().await;
    peer.text_with("subscribe").await;
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
    list.set("ETH-USDT=ETH-USDT");
    bench.until_state("BTC-USDT", State::Halted).await;
    list.set("BTC-USDT=XBT-USDT ETH-USDT=ETH-USDT");
    loop {
        let frame = peer.text_with(r#""subscribe""#).await;
        if frame.contains("XBT-USDT") {
            break;
        }
    }
    peer.send(okx_ticker("XBT-USDT", "11")).await;
    let back = bench.until_state("BTC-USDT", State::Live).await;
    assert_eq!((back.venue_symbol.as_str(), bench.removed.len()), ("XBT-USDT", 0));
    assert_eq!(bench.venue.dials(), 1);
}

#[tokio::test]
async fn symbols_that_find_no_room_get_a_connection_of_their_own() {
    let list = List::of("A-USDT=A-USDT B-USDT=B-USDT");
    let mut bench = Bench::start_with(&NARROW, &["all"], OFTEN, list.answers()).await;
    let mut first = bench.venue.accept().await;
    first.accept_okx(&["A-USDT", "B-USDT"]).await;
    first.send(okx_ticker("A-USDT", "1")).await;
    bench.until_state("A-USDT", State::Live).await;
    list.set("A-USDT=A-USDT B-USDT=B-USDT C-USDT=C-USDT");
    let mut second = bench.venue.accept().await;
    let frame = second.text_with("subscribe").await;
    assert!(frame.contains("C-USDT") && !frame.contains("A-USDT"), "{frame}");
    second.send(okx_ticker("C-USDT", "3")).await;
    bench.until_state("C-USDT", State::Live).await;
    first.send(okx_ticker("A-USDT", "2")).await;
    bench.until_last("A-USDT", "2").await;
}

#[tokio::test]
async fn patterns_wait_for_the_list_and_names_do_not() {
    let list = List::default();
    let mut bench = Bench::start_with(&PLAIN, &["BTC-USDT", "*-EUR"], OFTEN, list.answers()).await;
    let mut peer = bench.venue.accept().await;
    peer.text_with("BTC-USDT").await;
    list.set("BTC-USDT=BTC-USDT BTC-EUR=BTC-EUR");
    bench.until_state("BTC-EUR", State::Pending).await;
    assert!(peer.text_with("subscribe").await.contains("BTC-EUR"));
    assert_eq!(bench.venue.dials(), 1);
}

#[tokio::test]
async fn what_is_wanted_can_be_changed_while_it_runs() {
    let list = List::of("BTC-USDT=BTC-USDT ETH-USDT=ETH-USDT");
    let mut bench = Bench::start_with(&PLAIN, &["BTC-USDT"], SHORT, list.answers()).await;
    let mut peer = bench.venue.accept().await;
    peer.accept_okx(&["BTC-USDT"]).await;
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
    bench.wanted.set(selection(&["ETH-*"]));
    let left = bench.until_state("BTC-USDT", State::Halted).await;
    assert_eq!((left.reason, left.last_price), (Reason::UNCONFIGURED, "10".parse().ok()));
    peer.text_with(r#""subscribe""#).await;
    peer.send(okx_ticker("ETH-USDT", "20")).await;
    bench.until_state("ETH-USDT", State::Live).await;
    bench.wanted.set(selection(&["ETH-USDT", "BTC-USDT"]));
    bench.until_state("BTC-USDT", State::Pending).await;
    assert_eq!(bench.venue.dials(), 1);
}
