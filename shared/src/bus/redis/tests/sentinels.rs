//! A master that dies, freezes, or is no longer the one that the sentinels name.

use super::{Redis, lost};
use crate::{
    bus::{
        Acquired, Bus, Error, Publisher, ShardId,
        contract::rig::{Reader, holder, main_group, put, record, topic},
    },
    testing::Sentinels,
};
use std::{future::Future, time::Duration};
use tokio::time::timeout;

/// A failover takes some 2 s, a lease 3 s; this machine may be busy.
const FAILED_OVER_WITHIN: Duration = Duration::from_secs(20);

fn bus(sentinels: &Sentinels) -> Bus {
    Bus::Redis(Redis::open(&sentinels.url()).unwrap())
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(FAILED_OVER_WITHIN, future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// Asks for the lease until it is granted and all fences are up.
async fn held_again(publisher: &mut Publisher, floor: u64) -> u64 {
    let trying = async {
        loop {
            if let Ok(Acquired::Held { epoch }) = publisher.acquire(floor).await
                && publisher.raise().await.is_ok()
            {
                return epoch;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    in_time("the lease", trying).await
}

/// Waits until a message of that epoch has come; older ones may come before, none after.
async fn heard_of(reader: &mut Reader, epoch: u64) {
    let hearing = async { while reader.message().await.1.epoch != epoch {} };
    in_time("a message of the new epoch", hearing).await;
}

#[tokio::test]
async fn a_dead_masters_replica_takes_over_with_a_newer_epoch() {
    let mut sentinels = Sentinels::trio().await;
    let bus = bus(&sentinels);
    let mut reader = Reader::join(&bus).await;
    let (mut publisher, epoch) = holder(&bus, 0).await;
    publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await.unwrap();
    assert_eq!(reader.message().await.1.epoch, epoch);
    sentinels.servers[0].kill();
    lost(&mut reader).await;
    let again = held_again(&mut publisher, epoch).await;
    assert!(again > epoch);
    in_time("all shards", reader.subscribed()).await;
    publisher.publish(vec![put(&topic(1), record(again, 1, 2))]).await.unwrap();
    heard_of(&mut reader, again).await;
    let snapshot = reader.snapshot(ShardId::of(&topic(1))).await;
    assert_eq!(snapshot.records, [(topic(1), record(again, 1, 2))]);
}

#[tokio::test]
async fn a_write_to_a_frozen_master_is_nothing_to_its_successor() {
    let sentinels = Sentinels::trio().await;
    let bus = bus(&sentinels);
    let mut reader = Reader::join(&bus).await;
    let (mut publisher, epoch) = holder(&bus, 0).await;
    publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await.unwrap();
    sentinels.servers[0].freeze();
    // It runs when the old master thaws, which takes itself for the master then.
    let timed_out = publisher.publish(vec![put(&topic(1), record(epoch, 2, 2))]).await;
    assert!(matches!(timed_out, Err(Error::Link(_))), "{timed_out:?}");
    let again = held_again(&mut publisher, epoch).await;
    in_time("all shards", reader.subscribed()).await;
    publisher.publish(vec![put(&topic(1), record(again, 1, 3))]).await.unwrap();
    heard_of(&mut reader, again).await;
    sentinels.servers[0].thaw();
    // The sentinels make it a replica some seconds from now; until then it takes itself for a master.
    sentinels.servers[0].command(&["PING"]).await;
    let late = publisher.publish(vec![put(&topic(1), record(again, 2, 4))]).await;
    assert!(late.is_ok(), "{late:?}");
    let (_, message) = reader.message().await;
    assert_eq!((message.epoch, message.puts[0].1.stamp.seq), (again, 2), "nothing in between");
    let snapshot = reader.snapshot(ShardId::of(&topic(1))).await;
    assert_eq!(snapshot.records, [(topic(1), record(again, 2, 4))]);
}

#[tokio::test]
async fn a_master_that_still_answers_is_left_when_the_sentinels_name_another() {
    let (here, there) = tokio::join!(Sentinels::single(), Sentinels::single());
    let bus = bus(&here);
    let mut reader = Reader::join(&bus).await;
    let (mut publisher, epoch) = holder(&bus, 0).await;
    publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await.unwrap();
    assert_eq!(reader.message().await.1.epoch, epoch);
    let (sentinel, port) = (&here.sentinels[0], there.servers[0].port().to_string());
    sentinel.command(&["SENTINEL", "REMOVE", "main"]).await;
    sentinel.command(&["SENTINEL", "MONITOR", "main", "127.0.0.1", &port, "1"]).await;
    let error = lost(&mut reader).await;
    assert!(error.to_string().contains("another server"), "{error}");
    in_time("all shards", reader.subscribed()).await;
    // The other server knows nothing of the lease, and so the publisher learns where it is.
    let refused = async {
        let mut seq = 1;
        loop {
            seq += 1;
            match publisher.publish(vec![put(&topic(1), record(epoch, seq, seq))]).await {
                // First it is told that the server is another, so that it writes everything again.
                Ok(()) | Err(Error::Link(_)) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return error,
            }
        }
    };
    let error = in_time("the refusal", refused).await;
    assert!(matches!(error, Error::Fenced), "{error}");
    let again = held_again(&mut publisher, epoch).await;
    publisher.publish(vec![put(&topic(1), record(again, 1, 1))]).await.unwrap();
    heard_of(&mut reader, again).await;
}

#[tokio::test]
async fn a_replica_is_not_taken_for_a_master() {
    let sentinels = Sentinels::single().await;
    sentinels.servers[0].command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let error = bus(&sentinels).publisher(main_group()).acquire(0).await.unwrap_err();
    assert!(matches!(&error, Error::Link(text) if text.contains("is a slave")), "{error}");
}

#[tokio::test]
async fn a_name_that_the_sentinels_do_not_know_is_told() {
    let sentinels = Sentinels::single().await;
    let url = sentinels.url().replace("/main", "/nobody");
    let bus = Bus::Redis(Redis::open(&url).unwrap());
    let error = bus.publisher(main_group()).acquire(0).await.unwrap_err();
    assert!(matches!(&error, Error::Unusable(text) if text.contains("\"nobody\"")), "{error}");
}

#[tokio::test]
async fn without_any_sentinel_the_link_is_lost_and_found_again() {
    let mut sentinels = Sentinels::single().await;
    sentinels.sentinels[0].kill();
    let mut reader = Reader(bus(&sentinels).subscriber());
    let error = lost(&mut reader).await;
    assert!(error.to_string().contains("no sentinel answers"), "{error}");
    sentinels.sentinels[0].restart().await;
    in_time("all shards", reader.subscribed()).await;
}
