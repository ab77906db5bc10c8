//! Quiet symbols and lost subscriptions (`exchanges.md`, points 3 and 4; `truth.md` 6).

use super::{
    bench::{Bench, SHORT, missing, ok, okx, okx_ticker},
    scripted::Reply,
    stub::PLAIN,
};
use crate::config::Timing;
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tickcast_shared::market::{Reason, Source, State};

/// What REST tells as last price; nothing: an error.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Option<&'static str>>>, Arc<AtomicUsize>);

impl Told {
    fn tell(&self, last: Option<&'static str>) {
        *self.0.lock().unwrap() = last;
    }

    fn asked(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }

    fn answers(&self) -> impl Fn(&str, SocketAddr) -> Option<Reply> + Send + Sync + 'static {
        let told = self.clone();
        move |first, address| {
            if !first.contains("/ticker/BTC-USDT") {
                return okx(first, address);
            }
            told.1.fetch_add(1, Ordering::SeqCst);
            let last = *told.0.lock().unwrap();
            Some(last.map_or_else(missing, |last| ok(okx_ticker("BTC-USDT", last))))
        }
    }
}

const QUICK: Timing = Timing { silence_ms: 300, doubt_ms: 10_000, ..SHORT };

async fn start(told: &Told, timing: Timing) -> (Bench, super::scripted::Peer) {
    let mut bench = Bench::start_with(&PLAIN, &["BTC-USDT"], timing, told.answers()).await;
    let mut peer = bench.venue.accept().await;
    peer.accept_okx(&["BTC-USDT"]).await;
    (bench, peer)
}

#[tokio::test]
async fn a_quiet_symbol_is_live_as_long_as_rest_tells_the_same() {
    let told = Told::default();
    told.tell(Some("10"));
    let (mut bench, mut peer) = start(&told, QUICK).await;
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    let first = bench.until_state("BTC-USDT", State::Live).await;
    bench.until("a question by REST", |_| told.asked() > 0).await;
    let quiet = bench.newest()["BTC-USDT"].clone();
    assert_eq!(
        (quiet.state, quiet.source, quiet.state_since),
        (State::Live, Source::Stream, first.state_since)
    );

    told.tell(Some("11"));
    let lost = bench.until_state("BTC-USDT", State::Stale).await;
    assert_eq!((lost.reason, lost.last_price), (Reason::SUBSCRIPTION_LOST, "10".parse().ok()));
    peer.text_with("unsubscribe").await;
    peer.text_with(r#""subscribe""#).await;
    peer.send(okx_ticker("BTC-USDT", "11")).await;
    let back = bench.until_state("BTC-USDT", State::Live).await;
    assert_eq!((back.source, bench.venue.dials()), (Source::Stream, 1));
}

#[tokio::test]
async fn without_an_answer_a_quiet_symbol_is_stale_in_the_end() {
    let told = Told::default();
    let (mut bench, mut peer) = start(&told, Timing { doubt_ms: 300, ..QUICK }).await;
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    bench.until_state("BTC-USDT", State::Live).await;
    let lost = bench.until_state("BTC-USDT", State::Stale).await;
    assert_eq!(lost.reason, Reason::SUBSCRIPTION_LOST);
    assert!(told.asked() > 0);
}

#[tokio::test]
async fn a_subscription_that_is_mute_while_the_price_moves_is_made_anew() {
    let told = Told::default();
    told.tell(Some("10"));
    let timing = Timing { first_value_ms: 50, first_data_ms: 1_500, ..SHORT };
    let (mut bench, mut peer) = start(&told, timing).await;
    bench.until_last("BTC-USDT", "10").await;
    told.tell(Some("11"));
    peer.text_with("unsubscribe").await;
    peer.text_with(r#""subscribe""#).await;
    assert_eq!(bench.until_last("BTC-USDT", "11").await.source, Source::Poll);
    assert_eq!(bench.venue.dials(), 1);
}
