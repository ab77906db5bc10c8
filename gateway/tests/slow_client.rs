//! A client that reads too slowly lags, is told so, catches up with newest values or is closed, and
//! delays nobody.

use crate::support::{Frame, RawClient, Scene, Seen, Stage, TOPICS, masked};
use serde_json::{Value, json};
use std::collections::HashSet;
use tickcast_gateway::GatewayConfig;
use tokio::io::AsyncWriteExt;

fn evicts_soon(config: &mut GatewayConfig) {
    // Long enough that a client that reads is never caught by it.
    config.limits.slow_client_timeout_ms = 400;
}

/// The last two messages of a client that is closed for being slow.
fn assert_slow_consumer(messages: &[Value], end: &Frame) {
    assert_eq!(*end, Frame::Close(4000), "after {:?}", messages.last());
    let closing = messages.last().unwrap();
    assert_eq!((&closing["type"], &closing["code"]), (&json!("closing"), &json!(4000)));
    assert_eq!(
        (&closing["reason"], &closing["reconnect"]),
        (&json!("slow_consumer"), &json!(true))
    );
}

/// Holds a client's messages against what it may see; `lagging` may stand between tickers.
fn note(seen: &mut Seen, messages: &[Value]) {
    messages.iter().filter(|it| it["type"] != "lagging").for_each(|it| seen.note(it));
}

#[tokio::test]
async fn evicts_a_client_that_stops_reading_and_lets_it_read_why() {
    let mut scene = Scene::start(evicts_soon).await;
    let mut stopped = scene.stopped("").await;
    scene.until_evicted().await;
    let (messages, end) = stopped.rest().await;
    assert_slow_consumer(&messages, &end);
    note(&mut Seen::default(), &messages[..messages.len() - 1]);
    assert_eq!(stopped.frame().await, Frame::End);
    drop(stopped);
    let is_gone = |it: &Value| it["open"] == 1 && it["closing"] == 0 && it["lagging"] == 0;
    scene.stage.until_connections("only the reader is left", is_gone).await;
    scene.round().await;
}

#[tokio::test]
async fn a_client_that_resumes_is_told_what_it_missed_and_gets_newest_values() {
    let mut scene = Scene::start(|_| {}).await;
    let mut slow = scene.stopped("").await;
    let line = scene.until_lagging(&slow).await;
    assert_eq!(line["peer"], slow.socket.local_addr().unwrap().to_string());
    for _ in 0..5 {
        scene.round().await;
    }
    let is_later = |it: Value| it["blocked_ms"].as_u64() > line["blocked_ms"].as_u64();
    let has_waited = |it: &Value| crate::support::slow(it, &slow).is_some_and(is_later);
    scene.stage.until_connections("it has been blocked for longer", has_waited).await;
    let mut seen = Seen::default();
    let mut skipped = 0;
    // A kernel may find room in between: then it lags more than once.
    while !seen.has(TOPICS, &scene.price) {
        let (old, begins) = slow.until("lagging").await;
        old.iter().for_each(|it| seen.note_next(it));
        assert_eq!(begins["active"], true);
        assert!(begins["since"].as_i64() > Some(1_700_000_000_000_000), "{begins}");
        let (newest, ends) = slow.until("lagging").await;
        newest.iter().for_each(|it| seen.note(it));
        let topics: HashSet<&Value> = newest.iter().map(|it| &it["topic"]).collect();
        assert_eq!(topics.len(), newest.len(), "a topic came twice");
        assert_eq!((&ends["active"], &ends["since"]), (&json!(false), &begins["since"]));
        assert_eq!(ends["skipped"], begins["skipped"]);
        skipped += ends["skipped"].as_u64().unwrap();
    }
    assert!(skipped > TOPICS as u64, "{skipped}");
    // From now on it gets every update again.
    for _ in 0..3 {
        scene.round().await;
        while !seen.has(TOPICS, &scene.price) {
            seen.note_next(&slow.message().await);
        }
    }
}

#[tokio::test]
async fn values_that_move_while_a_client_catches_up_arrive_as_well() {
    let mut scene = Scene::start(|_| {}).await;
    let mut slow = scene.stopped("").await;
    let mut seen = Seen::default();
    for _ in 0..3 {
        scene.until_lagging(&slow).await;
        // Some of what it is owed, then the world moves on.
        for _ in 0..TOPICS {
            note(&mut seen, &[slow.message().await]);
        }
    }
    while !seen.has(TOPICS, &scene.price) {
        note(&mut seen, &[slow.message().await]);
    }
}

#[tokio::test]
async fn a_client_that_reads_a_byte_now_and_then_is_evicted_all_the_same() {
    let mut scene = Scene::start(evicts_soon).await;
    let mut nibbling = scene.stopped("").await;
    while scene.stage.connections().await["closing"] != 1 {
        scene.round().await;
        nibbling.nibble();
    }
    let (messages, end) = nibbling.rest().await;
    assert_slow_consumer(&messages, &end);
}

#[tokio::test]
async fn a_client_that_does_not_resume_in_time_is_reset() {
    let mut scene = Scene::start(evicts_soon).await;
    let mut stopped = scene.stopped("").await;
    scene.until_evicted().await;
    scene.stage.until_connections("it has been let go", |it| it["closing"] == 0).await;
    scene.round().await;
    let (messages, end) = stopped.rest().await;
    assert_eq!(end, Frame::End, "nothing can be said to it any more");
    note(&mut Seen::default(), &messages);
}

#[tokio::test]
async fn a_lagging_client_that_vanishes_is_forgotten_at_once() {
    let mut scene = Scene::start(|config| config.limits.slow_client_timeout_ms = 600_000).await;
    let stopped = scene.stopped("").await;
    scene.until_lagging(&stopped).await;
    // With unread bytes in its buffer this is a reset.
    drop(stopped);
    let is_gone = |it: &Value| it["open"] == 1 && it["lagging"] == 0 && it["closing"] == 0;
    scene.stage.until_connections("it is gone", is_gone).await;
    scene.round().await;
}

/// What a write that was cut short can still hold of values: 32 KiB.
const PIECE_TOPICS: usize = 80;

#[tokio::test]
async fn answers_come_before_the_values_that_a_lagging_client_missed() {
    let mut scene = Scene::of(4 * PIECE_TOPICS, |config| config.shards = 1).await;
    let mut slow = scene.stopped("").await;
    scene.until_lagging(&slow).await;
    let list = r#"{"op":"list","id":2}"#;
    let commands = ["ping", r#"{"op":"ping","id":1}"#, list].map(|it| masked(0x81, it.as_bytes()));
    slow.socket.write_all(&commands.concat()).await.unwrap();
    // One event loop serves both: it has read the commands before it answers these.
    for _ in 0..3 {
        scene.ping().await;
    }
    let (before, _) = slow.until("subscriptions").await;
    let [before @ .., pong, with_id] = before.as_slice() else { panic!("no pongs: {before:?}") };
    assert_eq!((pong, &with_id["type"]), (&json!("pong"), &json!("pong")), "side by side");
    let early = before.iter().filter(|it| it["last_price"] == scene.price.as_str());
    assert!(early.count() <= PIECE_TOPICS);
    let mut after = 0;
    while slow.message().await["active"] != false {
        after += 1;
    }
    assert!(after > PIECE_TOPICS);
}

#[tokio::test]
async fn a_client_that_floods_commands_without_reading_is_not_read_from() {
    let mut scene = Scene::start(|config| {
        config.limits.slow_client_timeout_ms = 2000;
        config.limits.commands_per_second = 0;
    })
    .await;
    let mut flooding = RawClient::dial(&scene.stage, "", "").await;
    let (padding, mut sent, mut command) = ("x".repeat(1000), 0, 0);
    let mut frame = Vec::new();
    while scene.stage.connections().await["closing"] != 1 {
        loop {
            if frame.is_empty() {
                let text = format!(r#"{{"op":"ping","id":"{command} {padding}"}}"#);
                (frame, command) = (masked(0x81, text.as_bytes()), command + 1);
            }
            let Ok(count) = flooding.socket.try_write(&frame) else { break };
            frame.drain(..count);
            sent += count;
            assert!(sent < MOST_TAKEN, "a client that reads no answers was served on and on");
        }
        scene.round().await;
    }
    let (answers, end) = flooding.rest().await;
    assert_slow_consumer(&answers, &end);
    for (number, answer) in answers[..answers.len() - 1].iter().enumerate() {
        assert!(answer["id"].as_str().unwrap().starts_with(&format!("{number} ")), "{answer}");
    }
}

/// What both kernels may take of a client before it has to wait: much less than a gateway would
/// read in two seconds.
const MOST_TAKEN: usize = 4 << 20;

#[tokio::test]
async fn a_client_that_cannot_take_its_present_values_is_evicted_as_well() {
    let mut stage = Stage::start(evicts_soon).await;
    let many = crate::support::topics(1000);
    stage.prices(&crate::support::texts(&many), "1").await;
    stage.client("?topics=ticker:okx:*").await.next_of("synced").await;
    let mut stopped = RawClient::dial(&stage, "?topics=ticker:okx:*", "").await;
    let subscribing = |it: &Value| it["subscribing"] == 1 && it["lagging"] == 0;
    stage.until_connections("its values are on their way", subscribing).await;
    stage.until_connections("it is being closed", |it| it["closing"] == 1).await;
    let (messages, end) = stopped.rest().await;
    assert_slow_consumer(&messages, &end);
    assert!(messages.iter().all(|it| it["type"] != "lagging" && it["type"] != "synced"));
}
