//! A gateway that is told to stop: nobody is sent to it any more, everybody is told, nobody is lost.

use crate::support::{Client, Market, Role, eventually, get, start, start_by_shell};
use futures_util::future::join_all;
use serde_json::Value;
use std::{collections::BTreeSet, net::TcpListener, os::fd::OwnedFd};

/// Puts the socket that a supervisor keeps, here the standard input, where systemd would.
const ACTIVATED: &str = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&0"#;

#[tokio::test]
async fn clients_are_told_one_after_the_other_and_the_listener_closes_after_a_notice() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let config = market.config_with("drain_notice_ms = 3000\ndrain_window_ms = 500\n");
    let (_feed, mut gateway) =
        tokio::join!(market.feed(), start(&["gateway"]).config(&config).ready());
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(gateway.client(&["BTC-USDT"]).await);
    }
    gateway.process.signal("TERM");
    eventually("it says that it is not ready", async || {
        (gateway.admin("/readyz").await.status == 503).then_some(())
    })
    .await;
    // A balancer that has not looked yet still sends clients, and they are served until the end.
    clients.push(gateway.client(&["BTC-USDT"]).await);
    let told = join_all(clients.iter_mut().map(told)).await;
    let waits: BTreeSet<u64> = told
        .iter()
        .map(|closing| closing["reconnect_after_ms"].as_u64().expect("a wait"))
        .collect();
    assert_eq!(waits.len(), told.len(), "each is told another time: {waits:?}");
    assert_eq!(gateway.process.exit().await.code(), Some(0));
    assert!(get(&format!("http://{}/v1/topics", gateway.address)).await.is_none(), "it is gone");
}

/// What the gateway says before it closes with 1012.
async fn told(client: &mut Client) -> Value {
    loop {
        match client.next_or_close().await {
            Ok(closing) if closing["type"] == "closing" => {
                assert_eq!((&closing["code"], &closing["reconnect"]), (&1012.into(), &true.into()));
                assert_eq!(client.closed().await, Some((1012, "service restart".into())));
                return closing;
            }
            Ok(_) => {}
            Err(closed) => panic!("closed without a word: {closed:?}"),
        }
    }
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let config = market.config_with("drain_notice_ms = 3600000\n");
    let (_feed, mut gateway) =
        tokio::join!(market.feed(), start(&["gateway"]).config(&config).ready());
    gateway.process.signal("TERM");
    eventually("it has begun to stop", async || {
        (gateway.admin("/readyz").await.status == 503).then_some(())
    })
    .await;
    gateway.process.signal("TERM");
    assert_eq!(gateway.process.exit().await.code(), Some(130));
}

#[tokio::test]
async fn a_supervisors_socket_answers_503_while_draining_and_loses_no_dial() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("an address");
    let config = market.config_with("drain_notice_ms = 0\ndrain_window_ms = 4000\n");
    let gateway = || {
        let passed: OwnedFd = socket.try_clone().expect("a descriptor").into();
        start_by_shell(ACTIVATED, &["gateway"]).config(&config).stdin(passed).ready()
    };
    let (_feed, mut first): (_, Role) = tokio::join!(market.feed(), gateway());
    assert_eq!(first.address, address, "it listens on the socket that it was given");
    // A client that does not answer its close keeps the gateway for two seconds more.
    let _silent = first.client(&["BTC-USDT"]).await;
    first.process.signal("TERM");
    let refused = eventually("dials are refused with a word", async || {
        get(&format!("http://{address}/v1/topics")).await.filter(|answer| answer.status == 503)
    })
    .await;
    assert_eq!(refused.json()["error"]["code"], "overloaded");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(first.process.exit().await.code(), Some(0));
    // Nobody listens now, and the dial waits.
    let waiting = tokio::spawn(async move { get(&format!("http://{address}/v1/exchanges")).await });
    let second = gateway().await;
    let answered = waiting.await.expect("no panic").expect("an answer");
    assert!(matches!(answered.status, 200 | 503), "served, or told that it is not ready yet");
    assert_eq!(second.address, address);
    second.client(&["BTC-USDT"]).await;
}
