//! Starting, stopping, standing by, taking over.

use super::rig::{Feed, Watcher, both, live, price, seen, topic};
use std::time::Duration;
use tickcast_shared::{admin::Service, market::State};

#[tokio::test]
async fn configured_topics_are_announced_and_updates_follow_in_order() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let feed = Feed::start(&bus, &["A", "B"], &[]);
        feed.ready().await;
        for name in ["A", "B"] {
            let announced = watcher.sees(name, |_| true).await;
            assert_eq!(seen(&announced), (State::Pending, "awaiting_data".into(), None));
            assert_eq!(announced.stamp.seq, 1);
            assert!(announced.published.0 > 1_700_000_000_000_000);
        }
        for n in 1..=500 {
            feed.put("A", n);
        }
        watcher.sees_price("A", 500).await;
        let numbers: Vec<u64> = watcher.of("A").iter().map(|record| record.stamp.seq).collect();
        assert_eq!(numbers, (1..=501).collect::<Vec<_>>());
        let prices: Vec<_> = watcher.of("A").iter().skip(1).map(|it| price(it)).collect();
        assert_eq!(prices, (1..=500).map(|n| Some(n.to_string())).collect::<Vec<_>>());
        assert!(
            watcher.messages < 100,
            "gathered while a call was in flight: {}",
            watcher.messages
        );
        feed.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_restart_steps_the_epoch_and_inherits_nothing_live() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let first = Feed::start(&bus, &["A"], &[]);
        first.put("A", 100);
        let before = watcher.sees_price("A", 100).await;
        first.stop().await;
        let second = Feed::start(&bus, &["A"], &[]);
        second.ready().await;
        let inherited = watcher.sees("A", |record| record.stamp.epoch > before.epoch).await;
        assert_eq!(seen(&inherited), (State::Stale, "restart".into(), Some("100".into())));
        second.put("A", 101);
        watcher.sees_price("A", 101).await;
        assert!(
            !watcher.of("A")[2..].iter().any(|it| price(it) == Some("100".into())
                && it.body.ticker().unwrap().state == State::Live)
        );
        second.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_heard_before_the_takeover_goes_out_as_it_is_and_only_the_newest() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let first = Feed::start(&bus, &["A"], &[]);
        first.put("A", 100);
        watcher.sees_price("A", 100).await;
        first.stop().await;
        watcher.history.clear();
        let second = Feed::start(&bus, &["A"], &[("A", live(90)), ("A", live(101))]);
        watcher.sees_price("A", 101).await;
        let history: Vec<_> = watcher.of("A").iter().map(|it| seen(it)).collect();
        assert_eq!(
            history,
            [(State::Live, "none".to_owned(), Some("101".to_owned()))],
            "its own live value, and no word of a restart"
        );
        second.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_topic_that_is_no_longer_configured_is_halted_and_then_removed() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let first = Feed::start(&bus, &["A", "OLD"], &[]);
        first.put("OLD", 7);
        watcher.sees_price("OLD", 7).await;
        first.stop().await;
        let second = Feed::start(&bus, &["A"], &[]);
        let halted =
            watcher.sees("OLD", |it| it.body.ticker().unwrap().state == State::Halted).await;
        assert_eq!(seen(&halted), (State::Halted, "unconfigured".into(), Some("7".into())));
        watcher.sees_removal("OLD").await;
        assert_eq!(watcher.removed, [topic("OLD")]);
        second.stop().await;
        let third = Feed::start(&bus, &["A"], &[]);
        third.ready().await;
        let fresh = Watcher::join(&bus).await;
        assert!(!fresh.last.contains_key(&topic("OLD")));
        third.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_second_feed_stands_by_until_the_first_stops() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let first = Feed::start(&bus, &["A"], &[]);
        first.ready().await;
        let second = Feed::start(&bus, &["A"], &[]);
        second.put("A", 55);
        // For longer than the lease would hold without the first one's heartbeats.
        watcher.hears_heartbeats(4).await;
        first.put("A", 100);
        let active = watcher.sees_price("A", 100).await;
        assert_eq!(second.readiness.service(), Service::Standby);
        assert!(!watcher.of("A").iter().any(|it| price(it) == Some("55".into())));
        first.stop().await;
        let taken = watcher.sees_price("A", 55).await;
        assert!(taken.epoch > active.epoch);
        let of_second = watcher.of("A").into_iter().filter(|it| it.stamp.epoch > active.epoch);
        let of_second: Vec<_> = of_second.map(|it| seen(&it)).collect();
        let live = (State::Live, "none".to_owned(), Some("55".to_owned()));
        assert_eq!(of_second, [live], "what a hot standby hears itself never looks restarted");
        second.ready().await;
        second.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_standby_takes_over_from_a_feed_that_died() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let first = Feed::start(&bus, &["A"], &[]);
        first.put("A", 100);
        let before = watcher.sees_price("A", 100).await;
        let second = Feed::start(&bus, &["A"], &[]);
        first.die();
        let died = std::time::Instant::now();
        second.put("A", 200);
        let after = watcher.sees_price("A", 200).await;
        assert!(died.elapsed() < Duration::from_secs(5), "{:?}", died.elapsed());
        assert!(after.epoch > before.epoch);
        second.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_pending_at_the_stop_is_still_published() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let feed = Feed::start(&bus, &["A"], &[]);
        feed.ready().await;
        feed.put("A", 1);
        feed.put("A", 2);
        feed.stop().await;
        watcher.sees_price("A", 2).await;
    })
    .await;
}

#[tokio::test]
async fn a_topic_can_be_removed_and_come_back() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let feed = Feed::start(&bus, &["A"], &[]);
        feed.ready().await;
        feed.put("A", 1);
        feed.outbox.remove(topic("A"));
        feed.put("A", 2);
        let back = watcher.sees_price("A", 2).await;
        assert_eq!((watcher.removed.as_slice(), back.seq), ([topic("A")].as_slice(), 3));
        feed.stop().await;
    })
    .await;
}
