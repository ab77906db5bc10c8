//! Many topics at once and many clients at once, some of which read nothing: the others get every
//! update.

use crate::support::{Client, DEADLINE, RawClient, Seen, Stage, texts, topics};
use futures_util::future::join_all;
use tokio::sync::mpsc;

#[tokio::test]
async fn a_burst_larger_than_the_socket_closes_nobody_who_reads() {
    const TOPICS: usize = 1000;
    let mut stage = Stage::start(|config| config.limits.slow_client_timeout_ms = 1000).await;
    let topics = topics(TOPICS);
    stage.prices(&texts(&topics), "1").await;
    let mut wide = stage.client("?topics=ticker:okx:*").await;
    let mut narrow = RawClient::dial(&stage, "?topics=ticker:okx:*", "").await;
    let (mut seen_wide, mut seen_narrow) = (Seen::default(), Seen::default());
    for price in 2..8 {
        let price = price.to_string();
        stage.prices(&texts(&topics), &price).await;
        // Both skip nothing or are told that they do; neither is closed.
        while !seen_wide.has(TOPICS, &price) {
            let message = wide.next().await;
            if message["type"] == "ticker" {
                seen_wide.note(&message);
            }
        }
        while !seen_narrow.has(TOPICS, &price) {
            let message = narrow.message().await;
            if message["type"] == "ticker" {
                seen_narrow.note(&message);
            }
        }
    }
    let is_well = |it: &serde_json::Value| it["open"] == 2 && it["closing"] == 0;
    stage.until_connections("both are up to date", is_well).await;
}

/// Clients of the crowd; two of them, 1 %, stop reading.
const CLIENTS: usize = 200;
const STALLED: usize = 2;
const ROUNDS: u32 = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_percent_that_stop_reading_cost_the_others_no_update() {
    const TOPICS: usize = 10;
    let mut stage = Stage::start(|config| config.limits.slow_client_timeout_ms = 300).await;
    let topics = topics(TOPICS);
    stage.prices(&texts(&topics), "1").await;
    let dials = (STALLED..CLIENTS).map(|_| stage.client("?topics=ticker:okx:*"));
    let healthy = join_all(dials).await;
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        stalled.push(RawClient::dial(&stage, "?topics=ticker:okx:*", "").await);
    }
    let (done, mut is_done) = mpsc::channel(CLIENTS);
    for client in healthy {
        tokio::spawn(follow(client, TOPICS, done.clone()));
    }
    drop(done);
    for round in 1..=ROUNDS {
        if round > 1 {
            stage.prices(&texts(&topics), &round.to_string()).await;
        }
        for _ in STALLED..CLIENTS {
            // A client that missed an update has panicked and says nothing.
            let told = tokio::time::timeout(DEADLINE, is_done.recv()).await;
            assert_eq!(told.expect("everyone has got everything"), Some(round));
        }
    }
    let gone = |it: &serde_json::Value| it["open"] == CLIENTS - STALLED && it["closing"] == 0;
    stage.until_connections("who stopped reading is gone, and nobody else", gone).await;
}

/// Tells of every round that has arrived whole.
async fn follow(mut client: Client, topics: usize, done: mpsc::Sender<u32>) {
    let mut seen = Seen::default();
    for round in 1..=ROUNDS {
        seen.read_until(&mut client, topics, &round.to_string()).await;
        done.send(round).await.unwrap();
    }
    // Stays until the test is over.
    let _ = tokio::time::timeout(DEADLINE, client.next()).await;
}
