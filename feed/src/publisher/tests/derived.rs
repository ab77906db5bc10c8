//! Indexes and bars as a reader of the bus sees them.

use super::rig::{Feed, Watcher, both, live, redis, seen, until};
use crate::{derive::Rules, outbox::Outbox};
use std::sync::Arc;
use tickcast_shared::{
    admin::Queues,
    bus::{Body, Bus, Group, Heartbeat, Record},
    clock::{Clock, Micros},
    market::{Bar, Interval, State, Ticker, Topic},
    testing::RedisServer,
};

/// 2026-01-01 00:00 UTC, a beginning of every interval.
const START: Micros = Micros(1_767_225_600_000_000);
const TICKER: &str = "ticker:okx:A-USDT";
const KLINE: &str = "kline:okx:A-USDT:1m";

fn named(text: &str) -> Topic {
    text.parse().unwrap()
}

/// A clock that will say the first full minute after that time.
fn clock_before_minute(millis: i64) -> Clock {
    Clock::starting_at(Micros(START.0 + (60_000 - millis) * 1000))
}

fn start(bus: &Bus, topics: &[&str], clock: Clock) -> Feed {
    let rules = Rules { index_quorum: 2, intervals: vec![Interval::M1] };
    let topics = topics.iter().map(|it| named(it)).collect();
    Feed::start_with(bus, topics, Outbox::new(&Queues::default()), rules, clock)
}

/// A connector says this price now.
fn put(feed: &Feed, price: u64, clock: &Clock) {
    feed.outbox.put(named(TICKER), Ticker { received_ts: Some(clock.now()), ..live(price) });
}

fn shows(wanted: &str) -> impl Fn(&Record) -> bool {
    move |record| record.body.bar().is_some_and(|bar| bar.close.to_string() == wanted)
}

fn is_closed(record: &Record) -> bool {
    record.body.bar().is_some_and(|bar| bar.closed)
}

async fn kept(bus: &Bus) -> Vec<Bar> {
    bus.bars().read(&named(KLINE), None, 100).await.unwrap()
}

/// The closed bars that were published, each of which must always have been the same.
fn published(watcher: &Watcher) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for (_, record) in watcher.history.iter().filter(|(_, record)| is_closed(record)) {
        let bar = record.body.bar().unwrap();
        match bars.iter().find(|it| it.open_time == bar.open_time) {
            Some(same) => assert_eq!(same, bar, "closed differently a second time"),
            None => bars.push(bar.clone()),
        }
    }
    bars
}

fn ohlc(bar: &Bar) -> [u32; 4] {
    [bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string().parse().unwrap())
}

#[tokio::test]
async fn a_bar_is_shown_and_when_it_closes_it_is_kept() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let clock = clock_before_minute(500);
        let feed = start(&bus, &[TICKER], clock);
        feed.ready().await;
        assert!(!watcher.last.contains_key(&named(KLINE)), "nothing to show yet");
        for price in [100, 120, 90] {
            put(&feed, price, &clock);
        }
        let first = watcher.sees_topic(named(KLINE), |_| true).await;
        assert!(!is_closed(&first) && kept(&bus).await.is_empty());
        watcher.sees_topic(named(KLINE), is_closed).await;
        let bars = kept(&bus).await;
        assert_eq!((bars.len(), ohlc(&bars[0])), (1, [100, 120, 90, 90]));
        assert_eq!(published(&watcher), bars);
        feed.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_restart_goes_on_with_the_bar_and_loses_none() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let clock = clock_before_minute(2500);
        let first = start(&bus, &[TICKER], clock);
        first.ready().await;
        put(&first, 100, &clock);
        put(&first, 120, &clock);
        watcher.sees_topic(named(KLINE), shows("120")).await;
        first.stop().await;
        let second = start(&bus, &[TICKER], clock);
        second.ready().await;
        put(&second, 90, &clock);
        watcher.sees_topic(named(KLINE), is_closed).await;
        let bars = kept(&bus).await;
        assert_eq!(bars.len(), 1);
        let bar = &bars[0];
        assert!(bar.open.to_string() == "100" && bar.high.to_string() == "120", "{bar:?}");
        assert!(!bar.complete);
        assert_eq!(published(&watcher), bars);
        second.stop().await;
        let third = start(&bus, &[TICKER], clock);
        third.ready().await;
        assert_eq!(kept(&bus).await, bars, "restarts leave the kept ones alone");
        third.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_standby_closes_what_its_predecessor_left_open() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let clock = clock_before_minute(1000);
        let first = start(&bus, &[TICKER], clock);
        first.ready().await;
        put(&first, 100, &clock);
        watcher.sees_topic(named(KLINE), shows("100")).await;
        let second = start(&bus, &[TICKER], clock);
        put(&second, 130, &clock);
        first.die();
        watcher.sees_topic(named(KLINE), is_closed).await;
        second.ready().await;
        let bars = kept(&bus).await;
        assert_eq!((bars.len(), bars[0].high.to_string()), (1, "130".into()), "both saw a part");
        assert_eq!(published(&watcher), bars);
        second.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_standby_does_not_close_again_what_was_closed() {
    both(async |bus| {
        let mut watcher = Watcher::join(&bus).await;
        let clock = clock_before_minute(500);
        let first = start(&bus, &[TICKER], clock);
        first.ready().await;
        let second = start(&bus, &[TICKER], clock);
        put(&first, 100, &clock);
        put(&second, 130, &clock);
        watcher.sees_topic(named(KLINE), is_closed).await;
        let bars = kept(&bus).await;
        first.stop().await;
        second.ready().await;
        put(&second, 140, &clock);
        watcher.sees_topic(named(KLINE), shows("140")).await;
        assert_eq!(kept(&bus).await, bars, "as the one that held the group saw it");
        assert_eq!(published(&watcher), bars);
        second.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_bar_that_closes_while_redis_refuses_is_written_later() {
    let server = RedisServer::start().await;
    let bus = redis(&server);
    let mut watcher = Watcher::join(&bus).await;
    let clock = clock_before_minute(500);
    let feed = start(&bus, &[TICKER], clock);
    feed.ready().await;
    put(&feed, 100, &clock);
    watcher.sees_topic(named(KLINE), shows("100")).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    until("the next minute's bar", async || clock.now().0 > START.0 + 62_500_000).await;
    put(&feed, 110, &clock);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    watcher.sees_topic(named(KLINE), shows("110")).await;
    let bars = kept(&bus).await;
    assert_eq!((bars.len(), ohlc(&bars[0])), (1, [100, 100, 100, 100]));
    assert_eq!(published(&watcher), bars);
    feed.stop().await;
}

#[tokio::test]
async fn a_feed_that_lost_its_group_keeps_no_bar() {
    let server = RedisServer::start().await;
    let bus = redis(&server);
    let mut watcher = Watcher::join(&bus).await;
    let clock = clock_before_minute(1000);
    let feed = start(&bus, &[TICKER], clock);
    feed.ready().await;
    put(&feed, 100, &clock);
    watcher.sees_topic(named(KLINE), shows("100")).await;
    // Another writer comes, as if this process had been frozen for longer than its lease.
    let lease = server.command(&["KEYS", "*lease*"]).await;
    server.command(&["DEL", lease.trim()]).await;
    let mut usurper = bus.publisher(Group::new("main"));
    usurper.acquire(0).await.unwrap();
    usurper.raise().await.unwrap();
    let alive = Heartbeat { sent: START, links: Vec::new() };
    let is_over = async || {
        usurper.heartbeat(&alive).await.unwrap();
        clock.now().0 > START.0 + 62_200_000
    };
    until("the closing", is_over).await;
    assert!(kept(&bus).await.is_empty());
    assert!(!feed.readiness.is_ready());
    // The lease runs out, and the bar is closed by the one that holds the group again.
    watcher.sees_topic(named(KLINE), is_closed).await;
    assert_eq!(kept(&bus).await.len(), 1);
    feed.stop().await;
}

#[tokio::test]
async fn an_index_is_announced_published_and_inherits_nothing_live() {
    both(async |bus| {
        let (mut watcher, clock) = (Watcher::join(&bus).await, Clock::start());
        let topics = [TICKER, "ticker:kucoin:A-USDT"];
        let index = || named("ticker:index:A-USDT");
        let quote = |topic: &str, text: &str| {
            let side = Some(text.parse().unwrap());
            let quoted = Ticker { bid_price: side, ask_price: side, ..live(1) };
            (named(topic), Ticker { received_ts: Some(clock.now()), ..quoted })
        };
        let first = start(&bus, &topics, clock);
        let announced = watcher.sees_topic(index(), |_| true).await;
        assert_eq!(seen(&announced).0, State::Pending);
        for (topic, ticker) in [quote(topics[0], "100"), quote(topics[1], "101")] {
            first.outbox.put(topic, ticker);
        }
        let is_live = |record: &Record| seen(record).0 == State::Live;
        let value = watcher.sees_topic(index(), is_live).await;
        assert_eq!(seen(&value).2.as_deref(), Some("100.5"));
        let Body::Index(body) = &value.body else { panic!("an index") };
        assert_eq!(body.sources.len(), 2);
        watcher.sees_topic(named("kline:index:A-USDT:1m"), shows("100.5")).await;
        first.stop().await;
        let second = start(&bus, &topics, clock);
        let restart = |record: &Record| record.stamp.epoch > value.stamp.epoch;
        let inherited: Arc<Record> = watcher.sees_topic(index(), restart).await;
        assert_eq!(seen(&inherited), (State::Stale, "restart".into(), Some("100.5".into())));
        for (topic, ticker) in [quote(topics[0], "100"), quote(topics[1], "101")] {
            second.outbox.put(topic, ticker);
        }
        watcher.sees_topic(index(), is_live).await;
        second.stop().await;
    })
    .await;
}

#[tokio::test]
async fn klines_that_are_switched_off_are_removed() {
    both(async |bus| {
        let (mut watcher, clock) = (Watcher::join(&bus).await, Clock::start());
        let first = start(&bus, &[TICKER], clock);
        first.ready().await;
        put(&first, 100, &clock);
        watcher.sees_topic(named(KLINE), shows("100")).await;
        first.stop().await;
        let second = Feed::start(&bus, &["A"], &[]);
        watcher.sees_removal_of(named(KLINE)).await;
        assert!(!watcher.removed.contains(&named(TICKER)));
        second.stop().await;
    })
    .await;
}
