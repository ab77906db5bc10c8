//! What a reader sees: joining in the middle, holes, signs of life.

use super::rig::{Reader, every, holder, put, record, topic};
use crate::{
    admin::Queues,
    bus::{Event, Record, ShardId},
    market::Topic,
};
use std::{collections::HashMap, sync::Arc, time::Duration};

#[tokio::test]
async fn a_reader_that_joins_in_a_burst_misses_nothing() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut publisher, epoch) = holder(&bus, 0).await;
        let (name, shard) = (topic(1), ShardId::of(&topic(1)));
        let last = 400;
        let burst = {
            let name = name.clone();
            tokio::spawn(async move {
                for seq in 1..=last {
                    let batch = vec![put(&name, record(epoch, seq, seq))];
                    publisher.publish(batch).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        };
        let mut reader = Reader::join(&bus).await;
        reader.0.request_snapshot(shard, Duration::ZERO);
        let (mut buffered, mut joined) = (Vec::new(), None);
        let mut seen = 0;
        while seen < last {
            match reader.event("the burst's end").await {
                Event::Snapshot(snapshot) => {
                    seen = snapshot.records.first().map_or(0, |(_, record)| record.stamp.seq);
                    assert_eq!(seen, snapshot.n, "the content of that very n");
                    joined = Some(snapshot.n);
                }
                Event::Message(_, message) => buffered.push(message),
                _ => {}
            }
            let Some(n) = &mut joined else { continue };
            for message in buffered.drain(..).filter(|message| message.n > *n).collect::<Vec<_>>() {
                assert_eq!(message.n, *n + 1, "a hole");
                *n = message.n;
                seen = message.puts[0].1.stamp.seq;
            }
        }
        burst.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_falls_behind_sees_the_hole_and_heals_by_a_snapshot() {
    every(async |rig| {
        let bus = rig.bus();
        let subscriber = bus.subscriber();
        let queues = Queues::default();
        subscriber.show_in(&queues);
        let mut reader = Reader(subscriber);
        reader.subscribed().await;
        let (mut publisher, epoch) = holder(&bus, 0).await;
        let (name, shard) = (topic(1), ShardId::of(&topic(1)));
        let capacity = queues.rows()[0].capacity as u64;
        let total = capacity + 500;
        let all: Vec<u64> = (1..=total).collect();
        for seqs in all.chunks(100) {
            let batches = seqs.iter().map(|seq| put(&name, record(epoch, *seq, *seq)));
            publisher.publish(batches.collect()).await.unwrap();
        }
        let dropped = || queues.rows()[0].dropped;
        // All of it: what is still under way would take the places that reading makes.
        let over = async || (dropped() >= total - capacity).then_some(());
        super::rig::until("the overflow", over).await;
        let mut n = 0;
        for _ in 0..10 {
            n += 1;
            assert_eq!(reader.message().await.1.n, n, "what was there before the overflow");
        }
        publisher.publish(vec![put(&name, record(epoch, total + 1, 1))]).await.unwrap();
        let mut holes = 0;
        while n <= total {
            let (_, message) = reader.message().await;
            assert!(message.n > n, "in order all the same");
            holes += u64::from(message.n != n + 1);
            n = message.n;
        }
        assert!(holes >= 1, "an overflow must be visible");
        let snapshot = reader.snapshot(shard).await;
        assert_eq!((snapshot.n, snapshot.records[0].1.stamp.seq), (total + 1, total + 1));
    })
    .await;
}

#[tokio::test]
async fn the_link_says_that_it_is_alive_without_any_traffic() {
    every(async |rig| {
        let mut reader = Reader::join(&rig.bus()).await;
        let mut alive = 0;
        while alive < 2 {
            match reader.event("a sign of life").await {
                Event::LinkAlive => alive += 1,
                Event::LinkLost(error) => panic!("{error}"),
                _ => {}
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_later_request_for_a_snapshot_replaces_the_earlier() {
    every(async |rig| {
        let mut reader = Reader::join(&rig.bus()).await;
        let shard = ShardId::default();
        reader.0.request_snapshot(shard, Duration::from_secs(3600));
        reader.0.request_snapshot(shard, Duration::from_millis(10));
        loop {
            if let Event::Snapshot(snapshot) = reader.event("the snapshot").await {
                assert_eq!(snapshot.shard, shard);
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn waiting_for_an_event_can_be_cancelled_without_losing_any() {
    every(async |rig| {
        let bus = rig.bus();
        let mut reader = Reader::join(&bus).await;
        let (mut publisher, epoch) = holder(&bus, 0).await;
        let mut seen: HashMap<Topic, Arc<Record>> = HashMap::new();
        let (mut n, last) = (0, 200);
        for seq in 1..=last {
            publisher.publish(vec![put(&topic(1), record(epoch, seq, seq))]).await.unwrap();
            // Cut off at once, whether or not something was about to arrive.
            let cut = tokio::time::timeout(Duration::from_micros(50), reader.0.next()).await;
            if let Ok(Event::Message(_, message)) = cut {
                n += 1;
                assert_eq!(message.n, n);
                seen.extend(message.puts);
            }
        }
        while n < last {
            let (_, message) = reader.message().await;
            n += 1;
            assert_eq!(message.n, n);
            seen.extend(message.puts);
        }
        assert_eq!(seen[&topic(1)].stamp.seq, last);
    })
    .await;
}
