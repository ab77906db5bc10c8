//! REST in the place of a socket (`exchanges.md`, point 13).

use super::{
    bench::{Bench, SHORT, missing, ok, okx, okx_ticker},
    scripted::Reply,
    stub::PLAIN,
};
use crate::config::Timing;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tickcast_shared::{
    bus::LinkState,
    market::{Reason, Source, State},
};

/// A venue whose socket and REST open and shut.
#[derive(Clone)]
struct Doors {
    socket: Arc<AtomicBool>,
    rest: Arc<AtomicBool>,
    refusal: &'static str,
}

impl Doors {
    fn new(refusal: &'static str) -> Self {
        let (socket, rest) = (AtomicBool::new(false).into(), AtomicBool::new(true).into());
        Self { socket, rest, refusal }
    }

    fn answers(&self) -> impl Fn(&str, SocketAddr) -> Option<Reply> + Send + Sync + 'static {
        let doors = self.clone();
        move |first, address| {
            if first.contains("/ws/") && !doors.socket.load(Ordering::SeqCst) {
                return Some(Reply(doors.refusal, "", String::new()));
            }
            if first.contains("/ticker/BTC-USDT") {
                let open = doors.rest.load(Ordering::SeqCst);
                return Some(if open { ok(okx_ticker("BTC-USDT", "10")) } else { missing() });
            }
            okx(first, address)
        }
    }
}

const POLLED: Timing = Timing { proof_ms: Some(500), silence_ms: 500, quiet_ms: Some(50), ..SHORT };

#[tokio::test]
async fn without_a_socket_prices_come_by_rest_and_say_so() {
    let doors = Doors::new("503 Service Unavailable");
    let mut bench = Bench::start_with(&PLAIN, &["BTC-USDT"], POLLED, doors.answers()).await;
    let polled = bench.until_state("BTC-USDT", State::Live).await;
    assert_eq!((polled.source, polled.last_price), (Source::Poll, "10".parse().ok()));
    assert!(bench.venue.dials() >= 3, "{} dials", bench.venue.dials());
    let link = bench.until_link(LinkState::Live).await;
    assert_eq!((link.source, link.reconnects), (Source::Poll, 0));

    doors.rest.store(false, Ordering::SeqCst);
    assert_eq!(bench.until_state("BTC-USDT", State::Stale).await.reason, Reason::LINK_LOST);
    bench.until_link(LinkState::Stale).await;
    doors.rest.store(true, Ordering::SeqCst);
    bench.until_state("BTC-USDT", State::Live).await;

    doors.socket.store(true, Ordering::SeqCst);
    let mut peer = bench.venue.accept().await;
    peer.accept_okx(&["BTC-USDT"]).await;
    peer.send(okx_ticker("BTC-USDT", "11")).await;
    assert_eq!(bench.until_last("BTC-USDT", "11").await.source, Source::Stream);
    bench.until("a link by socket", |bench| bench.link().source == Source::Stream).await;
}

#[tokio::test]
async fn a_region_that_is_refused_sockets_only_is_polled_at_once() {
    let doors = Doors::new("451 Unavailable For Legal Reasons");
    let mut bench = Bench::start_with(&PLAIN, &["BTC-USDT"], POLLED, doors.answers()).await;
    assert_eq!(bench.until_state("BTC-USDT", State::Live).await.source, Source::Poll);
    assert_eq!(
        (bench.venue.dials(), bench.until_link(LinkState::Live).await.source),
        (1, Source::Poll)
    );
    doors.rest.store(false, Ordering::SeqCst);
    assert_eq!(bench.until_link(LinkState::Halted).await.reason, Reason::REGION_REFUSED);
    bench.until_state("BTC-USDT", State::Stale).await;
}

/// `truth.md` 9: the first value may come by REST.
#[tokio::test]
async fn a_subscription_without_a_first_value_is_helped_out_by_rest() {
    let doors = Doors::new("");
    doors.socket.store(true, Ordering::SeqCst);
    let timing = Timing { first_value_ms: 50, ..SHORT };
    let mut bench = Bench::start_with(&PLAIN, &["BTC-USDT"], timing, doors.answers()).await;
    let mut peer = bench.venue.accept().await;
    peer.accept_okx(&["BTC-USDT"]).await;
    assert_eq!(bench.until_state("BTC-USDT", State::Live).await.source, Source::Poll);
    assert_eq!(bench.link().state, LinkState::Pending, "a link is proven by its own data");
    peer.send(okx_ticker("BTC-USDT", "10")).await;
    bench
        .until("the same price by socket", |bench| {
            bench.newest()["BTC-USDT"].source == Source::Stream
        })
        .await;
    bench.until_link(LinkState::Live).await;
}
