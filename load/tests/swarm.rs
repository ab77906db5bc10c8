//! The swarm measures the bare loop, and finds what a server does wrong.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

use futures_util::{SinkExt, StreamExt};
use std::{net::SocketAddr, time::Duration};
use tickcast_load::{
    limit::{FULL_BYTES, Limit, LimitConfig, MIN_BYTES},
    swarm::{self, Report, SwarmConfig},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_tungstenite::{accept_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;

fn bare_loop(rate: u32, size: usize) -> Limit {
    let config = LimitConfig { listen: ([127, 0, 0, 1], 0).into(), rate, size };
    Limit::start(&config, CancellationToken::new()).unwrap()
}

async fn swarm_of(url: String, change: impl FnOnce(&mut SwarmConfig)) -> Report {
    let mut config = SwarmConfig::new(url);
    config.groups[0].topics = vec!["BTC-USDT".to_owned()];
    change(&mut config);
    swarm::run(config, CancellationToken::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_every_delivery_of_the_bare_loop() {
    // So few that an unoptimised swarm on a busy machine keeps up with checking all of them.
    let limit = bare_loop(10, FULL_BYTES);
    let report = swarm_of(format!("ws://{}/ws", limit.addr), |config| {
        (config.groups[0].clients, config.threads, config.check) = (8, 2, true);
        config.duration = Duration::from_secs(2);
        config.server_pid = Some(std::process::id());
    })
    .await;
    assert_eq!(report.failed(), Vec::<String>::new());
    assert_eq!((report.connected, report.topics, report.window.skipped), (8, 1, 0));
    // Ten a second for two seconds, give or take what was on its way at either end.
    assert!((10..=30).contains(&report.client_min), "{report}");
    assert!((10..=30).contains(&report.client_max), "{report}");
    assert!(report.window.frames == report.window.deliveries, "{report}");
    assert_eq!(report.window.bytes, report.window.frames * (FULL_BYTES as u64 + 4));
    let latency = report.from_due.unwrap();
    assert_eq!(latency.count, report.window.deliveries);
    assert!(latency.p50 < 1_000_000, "{report}");
    assert!(report.from_published.unwrap().p50 <= latency.max);
    assert!(report.server.unwrap().rss_before_kib > 0);
    let counts = limit.stop();
    assert_eq!(counts.accepted, 8);
    assert!(counts.writes >= report.window.deliveries, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn small_messages_of_the_bare_loop_are_measured_too() {
    let limit = bare_loop(20, MIN_BYTES);
    let report =
        swarm_of(format!("ws://{}/", limit.addr), |config| config.groups[0].clients = 3).await;
    assert_eq!(report.failed(), Vec::<String>::new());
    assert_eq!(report.window.bytes, report.window.frames * (MIN_BYTES as u64 + 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_cannot_connect_are_counted() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let report = swarm_of(format!("ws://{port}/"), |config| config.groups[0].clients = 3).await;
    assert_eq!((report.connected, report.failures["connection refused"]), (0, 3));
    assert_eq!(report.failed(), ["3 clients could not connect"]);
}

/// A server with a mind of its own: sends these messages, then does not close.
async fn server_that_sends(messages: Vec<Message>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let serve = async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let messages = messages.clone();
            tokio::spawn(async move {
                let mut socket = accept_async(stream).await.unwrap();
                for message in messages {
                    socket.send(message).await.unwrap();
                }
                while let Some(Ok(_)) = socket.next().await {}
            });
        }
    };
    (addr, tokio::spawn(serve))
}

fn value(epoch: u64, seq: u64) -> Message {
    Message::text(format!(
        r#"{{"type":"ticker","topic":"ticker:kucoin:BTC-USDT","epoch":{epoch},"seq":{seq}}}"#
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_that_runs_backwards_is_found() {
    let (addr, server) = server_that_sends(vec![value(7, 2), value(8, 1), value(7, 3)]).await;
    let report = swarm_of(format!("ws://{addr}/"), |config| config.groups[0].clients = 2).await;
    assert_eq!(report.violations.count, 2, "{report}");
    assert!(report.violations.examples[0].contains("from (8, 1) to (7, 3)"), "{report}");
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_errors_and_malformed_messages_are_found() {
    let subscribed = r#"{"type":"subscribed","id":null,"topics":[],"rejected":[{"topic":"NOPE-USDT","code":"unknown_topic","message":"no such symbol"}]}"#;
    let error = r#"{"type":"error","id":null,"code":"bad_topic","message":"write BASE-QUOTE"}"#;
    let messages = vec![Message::text(subscribed), Message::text(error), value(7, 1)];
    let (addr, server) = server_that_sends(messages).await;
    let report = swarm_of(format!("ws://{addr}/"), |config| config.check = true).await;
    assert_eq!(report.rejected.examples, ["NOPE-USDT: no such symbol"]);
    assert_eq!(report.errors.examples, ["bad_topic: write BASE-QUOTE"]);
    assert!(report.violations.examples[0].starts_with("exchange is missing"), "{report}");
    assert_eq!(report.failed().len(), 4, "{:?}", report.failed());
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn being_cut_off_is_counted_by_code_and_can_be_tolerated() {
    use tokio_tungstenite::tungstenite::protocol::CloseFrame;
    let close = CloseFrame { code: 4000.into(), reason: "slow_consumer".into() };
    let (addr, server) = server_that_sends(vec![value(7, 1), Message::Close(Some(close))]).await;
    let report = swarm_of(format!("ws://{addr}/"), |config| config.groups[0].topics.clear()).await;
    assert_eq!(report.disconnects["4000 slow_consumer"], 1);
    assert_eq!(report.failed(), ["1 clients were cut off"]);
    let tolerant = swarm_of(format!("ws://{addr}/"), |config| {
        config.groups[0].topics.clear();
        config.tolerate_disconnects = true;
    })
    .await;
    assert_eq!(tolerant.failed(), Vec::<String>::new());
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_pings() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(stream).await.unwrap();
        socket.send(Message::Ping("are you there".into())).await.unwrap();
        socket.next().await.unwrap().unwrap()
    });
    swarm_of(url, |config| config.groups[0].topics.clear()).await;
    assert_eq!(server.await.unwrap(), Message::Pong("are you there".into()));
}
