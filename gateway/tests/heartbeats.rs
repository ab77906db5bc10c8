//! Heartbeats of many clients: spread over the interval, never lost, the end of whoever is silent.

use crate::support::{Frame, RawClient, Stage, masked};
use futures_util::future::join_all;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

const HEARTBEAT: Duration = Duration::from_millis(1600);

#[tokio::test]
async fn pings_are_spread_over_the_interval() {
    let stage = Stage::start(|config| {
        config.shards = 1;
        config.limits.heartbeat_ms = 1600;
    })
    .await;
    let mut clients = Vec::new();
    for _ in 0..64 {
        clients.push(RawClient::dial(&stage, "", "").await);
    }
    let pinged = join_all(clients.iter_mut().map(async |client| {
        while client.frame().await != Frame::Ping {}
        Instant::now()
    }))
    .await;
    let (first, last) = (pinged.iter().min().unwrap(), pinged.iter().max().unwrap());
    assert!(last.duration_since(*first) >= HEARTBEAT / 2, "all at once");
}

#[tokio::test]
async fn a_lagging_clients_own_pings_are_all_answered() {
    let mut stage = Stage::start(|_| {}).await;
    let topics = crate::support::topics(400);
    stage.prices(&crate::support::texts(&topics), "1").await;
    let mut client = RawClient::dial(&stage, "?topics=ticker:okx:*", "").await;
    // It does not read, so the gateway has to keep what it is owed.
    let behind = |connections: &serde_json::Value| {
        connections["lagging"] == 1 || connections["subscribing"] == 1
    };
    let mut price = 1;
    while !behind(&stage.connections().await) {
        price += 1;
        stage.prices(&crate::support::texts(&topics), &price.to_string()).await;
    }
    for _ in 0..3 {
        client.socket.write_all(&masked(0x81, b"ping")).await.unwrap();
    }
    let mut pongs = 0;
    while pongs < 3 {
        match client.frame().await {
            Frame::Message(message, _) => pongs += usize::from(message == "pong"),
            Frame::Ping => {}
            other => panic!("{other:?}"),
        }
    }
}
