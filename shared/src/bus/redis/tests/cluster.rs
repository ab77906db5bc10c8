//! A cluster whose slots move and whose nodes fail: what happens to one shard is nothing to others.

use super::Redis;
use crate::{
    bus::{
        Bus, Error, Event, Publisher, ShardBatch, ShardId,
        contract::rig::{Reader, SOON, heartbeat, holder, main_group, put, record, soon, topic},
        redis::keys,
    },
    market::Topic,
    testing::Cluster,
};
use std::{collections::HashMap, time::Duration};
use tokio::time::sleep;

fn bus(cluster: &Cluster) -> Bus {
    Bus::Redis(Redis::open(&cluster.url()).unwrap())
}

/// A topic whose shard is on that node, and one whose shard is not.
async fn topics(cluster: &Cluster, node: usize) -> (Topic, Topic) {
    let (mut here, mut elsewhere) = (None, None);
    let mut number = 0;
    while here.is_none() || elsewhere.is_none() {
        number += 1;
        let topic = topic(number);
        let owner = cluster.owner(&keys::counter(ShardId::of(&topic))).await;
        if owner == node {
            here.replace(topic)
        } else {
            elsewhere.replace(topic)
        };
    }
    (here.unwrap(), elsewhere.unwrap())
}

/// A node that has shards, and not the leases.
async fn outlying(cluster: &Cluster) -> usize {
    let control = cluster.owner(keys::EPOCH).await;
    (0..3).find(|node| *node != control).unwrap()
}

/// Heartbeats until shards that were lost are written again.
async fn regained(publisher: &mut Publisher) {
    let beating = async {
        while !publisher.take_regained() {
            publisher.heartbeat(&heartbeat()).await.unwrap();
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(2 * SOON, beating).await.expect("the shards are written again");
}

#[tokio::test]
async fn a_slot_that_moves_takes_its_readers_along() {
    let cluster = Cluster::start().await;
    let bus = bus(&cluster);
    let (moving, staying) = topics(&cluster, 0).await;
    let (shard, other) = (ShardId::of(&moving), ShardId::of(&staying));
    let mut reader = Reader::join(&bus).await;
    let (mut publisher, epoch) = holder(&bus, 0).await;
    let mut seen: HashMap<Topic, u64> = HashMap::new();
    let (last, mut rejoined) = (60, false);
    let move_at = last / 3;
    let key = keys::counter(shard);
    let publishing = async {
        for seq in 1..=last {
            let batch = [&moving, &staying].map(|topic| put(topic, record(epoch, seq, seq)));
            publisher.publish(batch.into()).await.unwrap();
            if seq == move_at {
                cluster.move_slot(&key, 1).await;
            }
            if seq % 10 == 0 {
                publisher.heartbeat(&heartbeat()).await.unwrap();
                if publisher.take_regained() {
                    let batch = vec![put(&moving, record(epoch, seq, seq))];
                    publisher.publish(batch).await.unwrap();
                }
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    let reading = async {
        while [&moving, &staying].iter().any(|topic| seen.get(topic).is_none_or(|it| *it < last)) {
            match reader.0.next().await {
                Event::Message(_, message) => {
                    for (topic, record) in message.puts {
                        let before = seen.insert(topic, record.stamp.seq).unwrap_or(0);
                        assert!(before <= record.stamp.seq, "a step back");
                    }
                }
                Event::Subscribed(of) => {
                    assert_eq!(of, shard);
                    rejoined = true;
                    reader.0.request_snapshot(of, Duration::ZERO);
                }
                Event::Snapshot(snapshot) => {
                    for (topic, record) in snapshot.records {
                        let seen = seen.entry(topic).or_default();
                        *seen = record.stamp.seq.max(*seen);
                    }
                }
                Event::Unsubscribed(of) => assert_ne!(of, other, "it did not move"),
                Event::SnapshotFailed(of, _) => reader.0.request_snapshot(of, Duration::ZERO),
                Event::LinkLost(error) => panic!("the others are there: {error}"),
                Event::LinkAlive => {}
            }
        }
    };
    let both = Box::pin(async { tokio::join!(publishing, reading) });
    soon("all is seen", both).await;
    assert!(rejoined);
    assert_eq!(cluster.owner(&key).await, 1);
}

#[tokio::test]
async fn a_dead_node_costs_its_own_shards_only_and_they_come_back() {
    let mut cluster = Cluster::start().await;
    let bus = bus(&cluster);
    let node = outlying(&cluster).await;
    let (gone, there) = topics(&cluster, node).await;
    let (lost, kept) = (ShardId::of(&gone), ShardId::of(&there));
    let mut reader = Reader::join(&bus).await;
    let (mut publisher, epoch) = holder(&bus, 0).await;
    publisher.publish(vec![put(&gone, record(epoch, 1, 1))]).await.unwrap();
    assert_eq!(reader.message().await.0, lost);

    cluster.nodes[node].kill();
    // What is said to it is not lost, and what is said to others is heard.
    let removes = vec![gone.clone()];
    let removal = ShardBatch { shard: lost, removes, ..ShardBatch::default() };
    publisher.publish(vec![removal, put(&there, record(epoch, 1, 1))]).await.unwrap();
    publisher.heartbeat(&heartbeat()).await.unwrap();
    publisher.publish(vec![put(&there, record(epoch, 2, 2))]).await.unwrap();
    let (mut unsubscribed, mut newest) = (false, 0);
    while !unsubscribed || newest < 2 {
        match reader.event("the loss of a shard, and messages on another").await {
            Event::Unsubscribed(shard) => {
                assert_ne!(shard, kept);
                unsubscribed |= shard == lost;
            }
            Event::Message(shard, message) if shard == kept => {
                newest = message.puts.first().map_or(newest, |(_, record)| record.stamp.seq);
            }
            Event::LinkLost(error) => panic!("the others are there: {error}"),
            _ => {}
        }
    }
    assert_eq!(reader.snapshot(kept).await.records, [(there, record(epoch, 2, 2))]);

    cluster.nodes[node].restart().await;
    let subscribed = async {
        while !matches!(reader.0.next().await, Event::Subscribed(shard) if shard == lost) {}
    };
    soon("the shard is subscribed again", subscribed).await;
    // The node's shards come back one by one; whoever writes does so anew after each.
    let writing = async {
        loop {
            regained(&mut publisher).await;
            publisher.publish(vec![put(&gone, record(epoch, 2, 2))]).await.unwrap();
        }
    };
    let message = async {
        loop {
            let (shard, message) = reader.message().await;
            if shard == lost && !message.puts.is_empty() {
                return message;
            }
        }
    };
    let message = async {
        tokio::select! {
            message = message => message,
            () = writing => unreachable!("it goes on"),
        }
    };
    assert_eq!(soon("a message", message).await.puts, [(gone, record(epoch, 2, 2))]);
}

#[tokio::test]
async fn a_removal_is_not_forgotten_while_its_node_is_frozen() {
    let cluster = Cluster::start().await;
    let bus = bus(&cluster);
    let node = outlying(&cluster).await;
    let (frozen, _) = topics(&cluster, node).await;
    let shard = ShardId::of(&frozen);
    let (mut publisher, epoch) = holder(&bus, 0).await;
    publisher.publish(vec![put(&frozen, record(epoch, 1, 1))]).await.unwrap();
    cluster.nodes[node].freeze();
    publisher.heartbeat(&heartbeat()).await.unwrap();
    let removes = vec![frozen];
    publisher.publish(vec![ShardBatch { shard, removes, ..ShardBatch::default() }]).await.unwrap();
    cluster.nodes[node].thaw();
    let mut reader = Reader::join(&bus).await;
    // The node's shards come back one by one; once all are back, none is regained any more.
    loop {
        regained(&mut publisher).await;
        if reader.snapshot(shard).await.records.is_empty() {
            break;
        }
    }
}

#[tokio::test]
async fn without_the_node_of_the_leases_nothing_is_written() {
    let mut cluster = Cluster::start().await;
    let bus = bus(&cluster);
    let control = cluster.owner(keys::EPOCH).await;
    let (mut publisher, epoch) = holder(&bus, 0).await;
    cluster.nodes[control].kill();
    let error = publisher.heartbeat(&heartbeat()).await.unwrap_err();
    assert!(matches!(error, Error::Link(_) | Error::Refused(_)), "{error}");
    let refused = publisher.acquire(epoch).await.unwrap_err();
    assert!(matches!(refused, Error::Link(_) | Error::Refused(_)), "{refused}");
}

#[tokio::test]
async fn a_node_spoken_to_as_a_single_server_names_the_way() {
    let cluster = Cluster::start().await;
    let url = format!("redis://127.0.0.1:{}", cluster.nodes[outlying(&cluster).await].port());
    let mut publisher = Bus::Redis(Redis::open(&url).unwrap()).publisher(main_group());
    let error = publisher.acquire(0).await.unwrap_err();
    assert!(error.to_string().contains("redis+cluster://"), "{error}");
}
