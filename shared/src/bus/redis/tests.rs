//! What only a real server can do wrong: die, freeze, refuse, hold what cannot be read.

mod cluster;
mod sentinels;

use super::{COMMAND_TIMEOUT, Redis, keys};
use crate::{
    bus::{
        Bus, Error, Event, Publisher, ShardId,
        contract::rig::until,
        contract::rig::{Reader, heartbeat, hold, holder, main_group, put, record, soon, topic},
    },
    testing::RedisServer,
};
use std::time::{Duration, Instant};

/// A call is answered or given up within this: the command time-out, and room for a busy machine.
const BOUND: Duration = Duration::from_millis(800);

fn bus(server: &RedisServer) -> Bus {
    Bus::Redis(Redis::open(&server.url()).unwrap())
}

async fn lost(reader: &mut Reader) -> Error {
    let lost = async {
        loop {
            if let Event::LinkLost(error) = reader.0.next().await {
                return error;
            }
        }
    };
    soon("the loss of the link", lost).await
}

#[tokio::test]
async fn a_killed_server_is_noticed_and_joined_again_when_it_is_back() {
    let mut server = RedisServer::start().await;
    let bus = bus(&server);
    let mut reader = Reader::join(&bus).await;
    let shard = ShardId::of(&topic(1));
    let before = reader.snapshot(shard).await;
    let (mut publisher, epoch) = holder(&bus, 0).await;
    server.kill();
    let start = Instant::now();
    assert!(matches!(lost(&mut reader).await, Error::Link(_)));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let refused = publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await;
    assert!(matches!(refused, Err(Error::Link(_))), "{refused:?}");
    server.restart().await;
    reader.subscribed().await;
    let after = reader.snapshot(shard).await;
    assert_ne!(before.server, after.server, "another process");
    assert_eq!((after.n, after.records.len()), (0, 0));
    let again = hold(&mut publisher, epoch).await;
    publisher.publish(vec![put(&topic(1), record(again, 1, 1))]).await.unwrap();
    assert_eq!(reader.message().await.1.n, 1);
}

#[tokio::test]
async fn snapshots_fail_while_the_server_is_away() {
    let mut server = RedisServer::start().await;
    let bus = bus(&server);
    let mut reader = Reader::join(&bus).await;
    server.kill();
    let shard = ShardId::default();
    reader.0.request_snapshot(shard, Duration::ZERO);
    let failed = async {
        loop {
            if let Event::SnapshotFailed(shard, error) = reader.0.next().await {
                return (shard, error);
            }
        }
    };
    assert!(matches!(soon("the failure", failed).await, (on, Error::Link(_)) if on == shard));
    server.restart().await;
    reader.subscribed().await;
    assert_eq!(reader.snapshot(shard).await.n, 0);
}

#[tokio::test]
async fn a_frozen_server_costs_no_call_more_than_its_time_out() {
    let server = RedisServer::start().await;
    let bus = bus(&server);
    let mut reader = Reader::join(&bus).await;
    let (mut publisher, epoch) = holder(&bus, 0).await;
    publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await.unwrap();
    server.freeze();
    let start = Instant::now();
    // On the connection that is there, then by dialling anew: the kernel still accepts.
    for _ in 0..2 {
        let call = Instant::now();
        let refused = publisher.publish(vec![put(&topic(1), record(epoch, 2, 2))]).await;
        assert!(matches!(refused, Err(Error::Link(_))), "{refused:?}");
        assert!(
            call.elapsed() >= COMMAND_TIMEOUT && call.elapsed() < BOUND,
            "{:?}",
            call.elapsed()
        );
    }
    lost(&mut reader).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    server.thaw();
    reader.subscribed().await;
}

#[tokio::test]
async fn a_write_that_timed_out_and_runs_late_does_not_put_the_cache_back() {
    let server = RedisServer::start().await;
    let bus = bus(&server);
    let (mut publisher, epoch) = holder(&bus, 0).await;
    publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await.unwrap();
    // A write is held back by a stopped server; the rewrite runs first because the late one sits
    // on a connection that is read later. Both orders must end in the rewrite's value.
    server.freeze();
    let timed_out = publisher.publish(vec![put(&topic(1), record(epoch, 2, 2))]).await;
    assert!(matches!(timed_out, Err(Error::Link(_))), "{timed_out:?}");
    server.thaw();
    let rewrite = until("the rewrite", async || {
        let batch = vec![put(&topic(1), record(epoch, 3, 3))];
        publisher.publish(batch).await.ok()
    });
    rewrite.await;
    let mut reader = Reader::join(&bus).await;
    let snapshot = reader.snapshot(ShardId::of(&topic(1))).await;
    assert_eq!(snapshot.records[0].1.stamp.seq, 3);
}

/// Makes the server refuse, and checks that nothing at all is published or cached.
async fn refuses(server: &RedisServer, how: &[&str], code: &str) {
    let bus = bus(server);
    let mut reader = Reader::join(&bus).await;
    let (mut publisher, epoch) = holder(&bus, 0).await;
    publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await.unwrap();
    assert_eq!(reader.message().await.1.n, 1);
    server.command(how).await;
    let error = publisher.publish(vec![put(&topic(1), record(epoch, 2, 2))]).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(text) if text.contains(code)), "{error}");
    let beat = publisher.heartbeat(&heartbeat()).await.unwrap_err();
    assert!(matches!(&beat, Error::Refused(text) if text.contains(code)), "{beat}");
    let snapshot = reader.snapshot(ShardId::of(&topic(1))).await;
    assert_eq!((snapshot.n, snapshot.records[0].1.stamp.seq), (1, 1));
    // Two PINGs later a message would have come.
    let mut alive = 0;
    while alive < 2 {
        match reader.event("life").await {
            Event::Message(_, message) => panic!("published what is not cached: {message:?}"),
            Event::LinkAlive => alive += 1,
            _ => {}
        }
    }
}

#[tokio::test]
async fn out_of_memory_nothing_is_published() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]).await;
    refuses(&server, &["CONFIG", "SET", "maxmemory", "1"], "OOM").await;
}

#[tokio::test]
async fn short_of_replicas_nothing_is_published() {
    let server = RedisServer::start().await;
    refuses(&server, &["CONFIG", "SET", "min-replicas-to-write", "1"], "NOREPLICAS").await;
}

#[tokio::test]
async fn as_a_read_only_replica_it_publishes_nothing() {
    let server = RedisServer::start().await;
    // A master that does not exist: the server turns read-only and keeps its data.
    refuses(&server, &["REPLICAOF", "127.0.0.1", "1"], "READONLY").await;
}

#[tokio::test]
async fn values_that_cannot_be_read_are_skipped() {
    let server = RedisServer::start().await;
    let bus = bus(&server);
    let mut reader = Reader::join(&bus).await;
    let (mut publisher, epoch) = holder(&bus, 0).await;
    let shard = ShardId::of(&topic(1));
    publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await.unwrap();
    assert_eq!(reader.message().await.1.n, 1);
    let last = keys::last(shard);
    for (name, value) in [("ticker:kucoin:NEWER-USDT", "\u{7}future"), ("no topic", "x")] {
        server.command(&["HSET", &last, name, value]).await;
    }
    server.command(&["PUBLISH", &keys::channel(shard), "not a message"]).await;
    publisher.publish(vec![put(&topic(1), record(epoch, 2, 2))]).await.unwrap();
    assert_eq!(reader.message().await.1.n, 2, "the one after the nonsense");
    let snapshot = reader.snapshot(shard).await;
    assert_eq!(snapshot.records, [(topic(1), record(epoch, 2, 2))]);
    assert_eq!(publisher.cached().await.unwrap().len(), 1);
}

#[tokio::test]
async fn scripts_are_loaded_again_when_the_server_forgot_them() {
    let server = RedisServer::start().await;
    let bus = bus(&server);
    let (mut publisher, epoch) = holder(&bus, 0).await;
    for seq in 1..=3 {
        server.command(&["SCRIPT", "FLUSH"]).await;
        let batches = (1..20).map(|n| put(&topic(n), record(epoch, seq, seq))).collect();
        publisher.publish(batches).await.unwrap();
    }
    assert_eq!(publisher.cached().await.unwrap().len(), 19);
}

#[tokio::test]
async fn a_wrong_password_is_named_without_being_told() {
    let server = RedisServer::start().await;
    server.command(&["CONFIG", "SET", "requirepass", "right"]).await;
    let url = format!("redis://:s3cret@127.0.0.1:{}", server.port());
    let bus = Bus::Redis(Redis::open(&url).unwrap());
    let mut publisher = bus.publisher(main_group());
    let error = publisher.acquire(0).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(_)), "{error:?}");
    let mut reader = Reader(bus.subscriber());
    let loss = lost(&mut reader).await;
    for text in [
        format!("{bus:?}"),
        format!("{publisher:?}"),
        format!("{reader:?}"),
        error.to_string(),
        loss.to_string(),
        format!("{loss:?}"),
    ] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_reported_once_and_joined_when_it_comes() {
    let mut server = RedisServer::start().await;
    server.kill();
    let mut reader = Reader(bus(&server).subscriber());
    lost(&mut reader).await;
    let quiet = tokio::time::timeout(Duration::from_millis(700), reader.0.next()).await;
    assert!(quiet.is_err(), "one report a cause, not one an attempt: {quiet:?}");
    server.restart().await;
    reader.subscribed().await;
}

#[test]
fn addresses_are_checked_without_dialling() {
    for url in [
        "redis://127.0.0.1:6379",
        "rediss://user:pw@example.org:6380/2",
        "unix:///run/redis.sock",
        "valkey://[::1]:6379",
    ] {
        assert!(Redis::open(url).is_ok(), "{url}");
    }
    for (url, part) in [
        ("127.0.0.1:6379", "redis://"),
        ("http://127.0.0.1", "redis://"),
        ("redis+cluster://a:1/2", "no databases"),
        ("redis+sentinel://a:1", "master's name"),
        ("redis://:s3cret@127.0.0.1/nonsense", "database"),
        ("redis://", "host"),
    ] {
        let error = Redis::open(url).unwrap_err();
        assert!(matches!(error, Error::Unusable(_)), "{url}");
        assert!(error.to_string().contains(part), "{url}: {error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_a_lost_link_and_no_panic() {
    let server = RedisServer::start().await;
    let url = format!("rediss://127.0.0.1:{}", server.port());
    let mut publisher: Publisher = Bus::Redis(Redis::open(&url).unwrap()).publisher(main_group());
    let error = publisher.acquire(0).await.unwrap_err();
    assert!(matches!(error, Error::Link(_)), "{error:?}");
}
