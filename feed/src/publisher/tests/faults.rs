//! A publisher whose Redis dies, freezes or refuses.

use super::rig::{Feed, Watcher, price, redis, seen, until};
use std::time::{Duration, Instant};
use tickcast_shared::{market::State, testing::RedisServer};

/// The names of enough topics to touch most shards.
fn names() -> Vec<String> {
    (0..40).map(|n| format!("T{n}")).collect()
}

async fn feed_with_values(server: &RedisServer) -> (Feed, Watcher, u64) {
    let bus = redis(server);
    let names = names();
    let topics: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut watcher = Watcher::join(&bus).await;
    let feed = Feed::start(&bus, &topics, &[]);
    feed.ready().await;
    let mut epoch = 0;
    for name in &topics {
        feed.put(name, 100);
    }
    for name in &topics {
        epoch = watcher.sees_price(name, 100).await.epoch;
    }
    (feed, watcher, epoch)
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_has_everything_again_within_seconds() {
    let mut server = RedisServer::start().await;
    let (feed, mut watcher, epoch) = feed_with_values(&server).await;
    server.kill();
    feed.put("T1", 101);
    server.restart().await;
    let back = Instant::now();
    for name in names() {
        let value = watcher.sees(&name, |it| it.stamp.epoch > epoch).await;
        let expected = if name == "T1" { "101" } else { "100" };
        let state = (State::Live, "none".into(), Some(expected.into()));
        assert_eq!(seen(&value), state, "its true present state, not a restart");
    }
    assert!(back.elapsed() < Duration::from_secs(4), "{:?}", back.elapsed());
    let mut late = Watcher::join(&redis(&server)).await;
    late.sees_price("T1", 101).await;
    feed.stop().await;
}

#[tokio::test]
async fn after_a_short_freeze_the_same_epoch_writes_everything_again() {
    let server = RedisServer::start().await;
    let (feed, mut watcher, epoch) = feed_with_values(&server).await;
    server.freeze();
    feed.put("T1", 101);
    // The length of the fault: one call has failed by then, and the lease still holds.
    tokio::time::sleep(Duration::from_millis(700)).await;
    server.thaw();
    for name in names() {
        let price = if name == "T1" { 101 } else { 100 };
        let stamp = watcher.sees_price(&name, price).await;
        let again = watcher.sees(&name, |it| it.stamp.seq > 2).await;
        assert_eq!((stamp.epoch, again.stamp.epoch), (epoch, epoch));
    }
    feed.put("T1", 102);
    watcher.sees_price("T1", 102).await;
    feed.stop().await;
}

#[tokio::test]
async fn after_a_long_freeze_a_new_epoch_takes_over_with_present_values() {
    let server = RedisServer::start().await;
    let (feed, mut watcher, epoch) = feed_with_values(&server).await;
    server.freeze();
    feed.put("T1", 101);
    // The length of the fault: a frozen server cannot be asked whether the lease has run out.
    tokio::time::sleep(Duration::from_secs(4)).await;
    feed.put("T1", 102);
    server.thaw();
    for name in names() {
        let value = watcher.sees(&name, |it| it.stamp.epoch > epoch).await;
        let expected = if name == "T1" { "102" } else { "100" };
        assert_eq!(price(&value), Some(expected.into()));
        assert_eq!(value.body.ticker().unwrap().state, State::Live);
    }
    feed.stop().await;
}

#[tokio::test]
async fn while_redis_refuses_nothing_is_lost_that_is_newest() {
    let server = RedisServer::start().await;
    let (feed, mut watcher, _) = feed_with_values(&server).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for n in 200..300 {
        feed.put("T1", n);
        tokio::task::yield_now().await;
    }
    until("a refusal", async || server.command(&["INFO", "errorstats"]).await.contains("OOM"))
        .await;
    feed.put("T2", 500);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    watcher.sees_price("T1", 299).await;
    watcher.sees_price("T2", 500).await;
    feed.stop().await;
}

#[tokio::test]
async fn a_feed_whose_redis_is_not_there_yet_waits_and_stops_when_told() {
    let mut server = RedisServer::start().await;
    server.kill();
    let bus = redis(&server);
    let unlucky = Feed::start(&bus, &["A"], &[]);
    let patient = Feed::start(&bus, &["A"], &[]);
    patient.put("A", 9);
    unlucky.stop().await;
    server.restart().await;
    patient.ready().await;
    Watcher::join(&bus).await.sees_price("A", 9).await;
    patient.stop().await;
}
