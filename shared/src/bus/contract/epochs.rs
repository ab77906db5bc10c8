//! Leases, epochs and fences.

use super::rig::{Reader, every, heartbeat, hold, holder, main_group, put, record, topic, until};
use crate::bus::{Acquired, Error, Group, LEASE_TTL, ShardId};
use std::time::{SystemTime, UNIX_EPOCH};

/// Far in the future of every test machine's clock, in ms since 1970 (year 2128).
const FUTURE: u64 = 5_000_000_000_000;

#[tokio::test]
async fn a_second_publisher_waits_until_the_first_lets_go() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut first, epoch) = holder(&bus, 0).await;
        let mut second = bus.publisher(main_group());
        match second.acquire(0).await.unwrap() {
            Acquired::Busy { for_at_most } => assert!(for_at_most <= LEASE_TTL),
            held @ Acquired::Held { .. } => panic!("{held:?}"),
        }
        first.release().await.unwrap();
        assert!(hold(&mut second, 0).await > epoch);
        let late = first.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await;
        assert!(matches!(late, Err(Error::Fenced)), "{late:?}");
        assert!(matches!(first.heartbeat(&heartbeat()).await, Err(Error::Fenced)));
        first.release().await.unwrap();
        second.heartbeat(&heartbeat()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_expires_and_so_do_the_fences() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut first, epoch) = holder(&bus, 0).await;
        let mut second = bus.publisher(main_group());
        let taken = until("the lease's end", async || match second.acquire(0).await.unwrap() {
            Acquired::Held { epoch } => Some(epoch),
            Acquired::Busy { .. } => None,
        })
        .await;
        assert!(taken > epoch);
        // The second has not raised its fences yet; the first one's have expired all the same. They
        // were raised a moment after the lease was taken.
        until("the fences' end", async || {
            let late = first.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await;
            matches!(late, Err(Error::Fenced)).then_some(())
        })
        .await;
        second.raise().await.unwrap();
        second.publish(vec![put(&topic(1), record(taken, 1, 2))]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_older_epoch_cannot_raise_its_fences_again() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut first, _) = holder(&bus, 0).await;
        first.release().await.unwrap();
        let _second = holder(&bus, 0).await;
        assert!(matches!(first.raise().await, Err(Error::Fenced)));
    })
    .await;
}

#[tokio::test]
async fn the_same_publisher_steps_its_epoch_when_it_acquires_again() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut publisher, first) = holder(&bus, 0).await;
        let second = hold(&mut publisher, 0).await;
        assert!(second > first);
        publisher.publish(vec![put(&topic(1), record(second, 1, 1))]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_epoch_is_above_the_floor_and_the_clock() {
    every(async |rig| {
        let bus = rig.bus();
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let (mut publisher, epoch) = holder(&bus, 0).await;
        assert!(epoch > before && epoch < FUTURE);
        assert_eq!(hold(&mut publisher, FUTURE).await, FUTURE + 1);
        assert_eq!(hold(&mut publisher, 0).await, FUTURE + 2, "one counter, never back");
        let mut other = bus.publisher(Group::new("other"));
        assert_eq!(hold(&mut other, 0).await, FUTURE + 3, "one counter for all groups");
    })
    .await;
}

#[tokio::test]
async fn a_bus_that_comes_back_empty_fences_and_never_issues_an_older_epoch() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut publisher, epoch) = holder(&bus, FUTURE).await;
        publisher.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await.unwrap();
        rig.flush().await;
        let refused = publisher.publish(vec![put(&topic(1), record(epoch, 2, 2))]).await;
        assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
        assert!(matches!(publisher.heartbeat(&heartbeat()).await, Err(Error::Fenced)));
        assert!(hold(&mut publisher, epoch).await > epoch);
    })
    .await;
}

#[tokio::test]
async fn groups_do_not_fence_each_other() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut main, epoch) = holder(&bus, 0).await;
        let mut other = bus.publisher(Group::new("other"));
        hold(&mut other, 0).await;
        main.publish(vec![put(&topic(1), record(epoch, 1, 1))]).await.unwrap();
        main.heartbeat(&heartbeat()).await.unwrap();
        assert_eq!(main.cached().await.unwrap(), [(topic(1), record(epoch, 1, 1))]);
        assert_eq!(other.cached().await.unwrap(), [], "the cached record is of the group main");
        let mut reader = Reader::join(&bus).await;
        assert_eq!(reader.snapshot(ShardId::of(&topic(1))).await.records.len(), 1);
    })
    .await;
}
