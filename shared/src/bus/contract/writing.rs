//! What a write does, and when it is refused.

use super::rig::{Reader, every, heartbeat, holder, put, record, rewind, topic};
use crate::bus::{Error, Event, LEASE_TTL, MAX_BATCH, ShardBatch, ShardId};
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

#[tokio::test]
async fn a_put_is_a_message_and_in_the_snapshot() {
    every(async |rig| {
        let bus = rig.bus();
        let mut reader = Reader::join(&bus).await;
        let (mut publisher, epoch) = holder(&bus, 0).await;
        let (name, shard) = (topic(1), ShardId::of(&topic(1)));
        for seq in 1..=3 {
            publisher.publish(vec![put(&name, record(epoch, seq, 100 + seq))]).await.unwrap();
            let (on, message) = reader.message().await;
            assert_eq!((on, message.n, message.epoch), (shard, seq, epoch));
            assert_eq!(message.puts, [(name.clone(), record(epoch, seq, 100 + seq))]);
            assert_eq!(message.heartbeat, None);
        }
        let snapshot = reader.snapshot(shard).await;
        assert_eq!(snapshot.n, 3);
        assert_eq!(snapshot.records, [(name, record(epoch, 3, 103))]);
    })
    .await;
}

#[tokio::test]
async fn a_large_batch_is_split_and_stays_in_order() {
    every(async |rig| {
        let bus = rig.bus();
        let mut reader = Reader::join(&bus).await;
        let (mut publisher, epoch) = holder(&bus, 0).await;
        let values = 2 * MAX_BATCH as u64 + 10;
        let puts = (1..=values).map(|seq| (topic(1), record(epoch, seq, seq))).collect();
        let shard = ShardId::of(&topic(1));
        publisher.publish(vec![ShardBatch { shard, puts, ..ShardBatch::default() }]).await.unwrap();
        let (mut seen, mut n) = (0, 0);
        while seen < values {
            let (_, message) = reader.message().await;
            n += 1;
            assert_eq!(message.n, n);
            assert!(message.puts.len() <= MAX_BATCH);
            for (_, record) in message.puts {
                seen += 1;
                assert_eq!(record.stamp.seq, seen);
            }
        }
        assert_eq!(n, 3);
        assert_eq!(reader.snapshot(shard).await.records[0].1.stamp.seq, values);
    })
    .await;
}

#[tokio::test]
async fn the_cache_is_what_was_published() {
    every(async |rig| {
        let bus = rig.bus();
        let mut reader = Reader::join(&bus).await;
        let (mut publisher, epoch) = holder(&bus, 0).await;
        let mut published = HashMap::new();
        for round in 1..=5 {
            let batches = (0..100).filter(|n| n % round == 0).map(|n| {
                let record = record(epoch, round as u64, (1000 * round + n) as u64);
                published.insert(topic(n), record.clone());
                put(&topic(n), record)
            });
            publisher.publish(batches.collect()).await.unwrap();
        }
        let mut streamed = HashMap::new();
        while streamed != published {
            let (_, message) = reader.message().await;
            streamed.extend(message.puts);
        }
        let mut cached = HashMap::new();
        for shard in ShardId::all() {
            cached.extend(reader.snapshot(shard).await.records);
        }
        assert_eq!(cached, published);
    })
    .await;
}

#[tokio::test]
async fn a_removed_topic_is_gone_from_the_cache_and_named() {
    every(async |rig| {
        let bus = rig.bus();
        let mut reader = Reader::join(&bus).await;
        let (mut publisher, epoch) = holder(&bus, 0).await;
        let shard = ShardId::of(&topic(1));
        publisher.publish(vec![put(&topic(1), record(epoch, 1, 5))]).await.unwrap();
        let removes = vec![topic(1)];
        publisher
            .publish(vec![ShardBatch { shard, removes, ..ShardBatch::default() }])
            .await
            .unwrap();
        assert_eq!(reader.message().await.1.puts.len(), 1);
        let (_, tombstone) = reader.message().await;
        assert_eq!((tombstone.n, tombstone.removes), (2, vec![topic(1)]));
        assert_eq!(reader.snapshot(shard).await.records, []);
    })
    .await;
}

#[tokio::test]
async fn a_heartbeat_reaches_every_shard_with_the_time_of_the_bus() {
    every(async |rig| {
        let bus = rig.bus();
        let mut reader = Reader::join(&bus).await;
        let (mut publisher, epoch) = holder(&bus, 0).await;
        // On a cluster, shards have clocks and connections of their own.
        let mut last = HashMap::new();
        for beat in 1..=2 {
            publisher.heartbeat(&heartbeat()).await.unwrap();
            let mut missing: Vec<ShardId> = ShardId::all().collect();
            while !missing.is_empty() {
                let (shard, message) = reader.message().await;
                missing.retain(|other| *other != shard);
                assert_eq!((message.n, message.epoch), (beat, epoch));
                assert_eq!(message.heartbeat, Some(heartbeat()));
                assert!(message.puts.is_empty() && message.removes.is_empty());
                assert!(message.bus_time.0 > 1_700_000_000_000_000);
                let before = last.insert(shard, message.bus_time);
                assert!(before.is_none_or(|before| before <= message.bus_time));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn heartbeats_keep_lease_and_fences_for_longer_than_they_hold_alone() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut publisher, epoch) = holder(&bus, 0).await;
        let start = Instant::now();
        while start.elapsed() < LEASE_TTL + Duration::from_millis(500) {
            tokio::time::sleep(Duration::from_millis(500)).await;
            publisher.heartbeat(&heartbeat()).await.unwrap();
        }
        publisher.publish(vec![put(&topic(1), record(epoch, 1, 5))]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_comes_late_is_refused() {
    every(async |rig| {
        let bus = rig.bus();
        let mut reader = Reader::join(&bus).await;
        let (mut publisher, epoch) = holder(&bus, 0).await;
        let shard = ShardId::of(&topic(1));
        for seq in 1..=2 {
            publisher.publish(vec![put(&topic(1), record(epoch, seq, seq))]).await.unwrap();
        }
        rewind(&mut publisher, 1);
        let late = publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await;
        assert!(matches!(late, Err(Error::Fenced)), "{late:?}");
        let again = publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await;
        assert!(matches!(again, Err(Error::Fenced)), "number 2 was accepted before: {again:?}");
        publisher.publish(vec![put(&topic(1), record(epoch, 3, 3))]).await.unwrap();
        let snapshot = reader.snapshot(shard).await;
        assert_eq!((snapshot.n, snapshot.records[0].1.stamp.seq), (3, 3));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_written_without_an_epoch() {
    every(async |rig| {
        let bus = rig.bus();
        let mut publisher = bus.publisher(super::rig::main_group());
        assert!(matches!(publisher.raise().await, Err(Error::Fenced)));
        let refused = publisher.publish(vec![put(&topic(1), record(0, 1, 1))]).await;
        assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
        let mut reader = Reader::join(&bus).await;
        let snapshot = reader.snapshot(ShardId::of(&topic(1))).await;
        assert_eq!((snapshot.n, snapshot.records.len()), (0, 0));
        let next = reader.event("a sign of life").await;
        assert!(!matches!(next, Event::Message(..)), "published what was refused: {next:?}");
    })
    .await;
}
