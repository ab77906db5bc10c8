//! Descriptors and memory come to an end: streams go on, operators see it, and it passes.

use crate::support::{Market, Role, eventually, get, start};
use serde_json::Value;
use std::process::Command;
use tickcast_load::venue::{Exchange, Source, VenueConfig};
use tokio::net::TcpStream;

/// More requests of operators than the process keeps descriptors for, and more connections that wait
/// than it can give up on the side.
const MORE_THAN_RETURN: usize = 30;

/// Sets how many descriptors the running process may have from now on.
fn limit_descriptors(gateway: &Role, soft: &str) {
    let pid = gateway.process.pid().to_string();
    let limit = format!("--nofile={soft}:");
    let status = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(status.expect("prlimit is installed").success());
}

/// The highest number of its descriptors.
fn highest_descriptor(gateway: &Role) -> u64 {
    let path = format!("/proc/{}/fd", gateway.process.pid());
    let entries = std::fs::read_dir(path).expect("a process");
    let number = |name: std::ffi::OsString| name.to_str()?.parse().ok();
    entries.filter_map(|entry| number(entry.ok()?.file_name())).max().expect("descriptors")
}

#[tokio::test]
async fn without_descriptors_streams_go_on_and_operators_are_answered() {
    let mut config = VenueConfig::new(Exchange::Kucoin);
    config.symbols = vec!["BTC-USDT".into()];
    config.source = Source::Walk { rate: 50, seed: 1 };
    let market = Market::start(vec![config]).await;
    // Whoever was accepted keeps its descriptor for as long as the test runs.
    let (_feed, gateway) =
        tokio::join!(market.feed(), market.gateway_with("handshake_timeout_ms = 600000\n"));
    let mut client = gateway.client(&["BTC-USDT"]).await;
    limit_descriptors(&gateway, &(highest_descriptor(&gateway) + 1).to_string());
    let mut idle = Vec::new();
    eventually("it says that it cannot accept", async || {
        idle.push(TcpStream::connect(gateway.address).await.expect("the kernel accepts"));
        let find = |line: &String| line.contains("cannot accept connections").then_some(());
        gateway.process.stderr.find(find)
    })
    .await;
    // Before the one that asks, others wait for every descriptor that is given up for a moment.
    for _ in 0..MORE_THAN_RETURN {
        idle.push(TcpStream::connect(gateway.address).await.expect("the kernel accepts"));
    }
    let url = format!("http://{}/v1/topics", gateway.address);
    let waiting = tokio::spawn(async move { get(&url).await });
    for _ in 0..MORE_THAN_RETURN {
        assert_eq!(gateway.admin("/health").await.json()["role"], "gateway");
    }
    for _ in 0..10 {
        client.next_of("ticker").await;
    }
    assert!(!waiting.is_finished());
    drop(idle);
    limit_descriptors(&gateway, "10000");
    let answered = waiting.await.expect("no panic").expect("an answer");
    assert_eq!(answered.status, 200, "the dial that waited is served");
    gateway.client(&["BTC-USDT"]).await;
}

#[tokio::test]
async fn without_memory_newcomers_are_refused_and_clients_have_to_go() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    // Less than the process has: whoever came before the first look has to go.
    let config = market.config_with("drain_notice_ms = 0\nmax_memory_mib = 1\n");
    let (_feed, gateway) = tokio::join!(market.feed(), start(&["gateway"]).config(&config).ready());
    let refused = eventually("it refuses", async || {
        let mut early = match crate::support::Client::dial(&gateway.ws()).await {
            Ok(client) => client,
            Err(error) => return Some(error),
        };
        while let Ok(message) = early.next_or_close().await {
            if message["type"] == "closing" {
                assert_eq!((&message["code"], &message["reconnect"]), (&1013.into(), &true.into()));
            }
        }
        None
    })
    .await;
    let tokio_tungstenite::tungstenite::Error::Http(answer) = refused else {
        panic!("{refused} instead of an answer")
    };
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let body: Value =
        serde_json::from_slice(answer.body().as_deref().expect("a body")).expect("JSON");
    assert_eq!(body["error"]["code"], "overloaded");
    let metrics = gateway.admin("/metrics").await.body;
    assert!(metrics.contains(r#"tickcast_gateway_limited_total{limit="memory"}"#), "{metrics}");
    assert!(gateway.metric("tickcast_gateway_memory_used_ratio").await > 1.0);
}
