//! A running publisher, and a reader that lets nothing run backwards.

use crate::{
    derive::Rules,
    outbox::Outbox,
    publisher::{self, Assignment, Shelf},
    standing::Standing,
};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    admin::{Queues, Readiness},
    bus::{Bus, Event, Group, Record, Stamp, Subscriber, memory::Memory, redis::Redis},
    clock::{Clock, Micros},
    market::{Reason, State, Ticker, Topic},
    progress::Progress,
    testing::RedisServer,
};
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Longest wait for anything that must happen.
pub const SOON: Duration = Duration::from_secs(10);

/// Runs a test on either variant of the bus.
pub async fn both(test: impl AsyncFn(Bus)) {
    println!("on the memory bus");
    test(Bus::Memory(Memory::default())).await;
    println!("on Redis");
    let server = RedisServer::start().await;
    test(redis(&server)).await;
}

pub fn redis(server: &RedisServer) -> Bus {
    Bus::Redis(Redis::open(&server.url()).unwrap())
}

pub fn topic(name: &str) -> Topic {
    format!("ticker:okx:{name}-USDT").parse().unwrap()
}

/// A live ticker with that price.
pub fn live(price: u64) -> Ticker {
    let mut ticker = pending();
    ticker.last_price = Some(price.to_string().parse().unwrap());
    ticker.enter(State::Live, Reason::NONE, Micros(2));
    ticker
}

pub fn pending() -> Ticker {
    Ticker::pending("T", false, Micros(1))
}

pub fn price(record: &Record) -> Option<String> {
    record.body.ticker().unwrap().last_price.map(|price| price.to_string())
}

/// What a reader can tell of a value: state, reason, price.
pub fn seen(record: &Record) -> (State, String, Option<String>) {
    let ticker = record.body.ticker().unwrap();
    (ticker.state, ticker.reason.to_string(), price(record))
}

/// A publisher that runs.
pub struct Feed {
    pub outbox: Outbox,
    pub readiness: Readiness,
    pub shelf: Shelf,
    token: CancellationToken,
    task: JoinHandle<()>,
}

impl Feed {
    /// Responsible for these topics; `before` is what connectors say before it starts.
    pub fn start(bus: &Bus, topics: &[&str], before: &[(&str, Ticker)]) -> Self {
        let outbox = Outbox::new(&Queues::default());
        for (name, ticker) in before {
            outbox.put(topic(name), ticker.clone());
        }
        let topics = topics.iter().map(|name| topic(name)).collect();
        Self::start_with(bus, topics, outbox, Rules::default(), Clock::start())
    }

    /// Responsible for these topics, and for what follows from them.
    pub fn start_with(
        bus: &Bus,
        topics: Vec<Topic>,
        outbox: Outbox,
        rules: Rules,
        clock: Clock,
    ) -> Self {
        let (readiness, token) = (Readiness::default(), CancellationToken::new());
        let (shelf, requests) = publisher::shelf();
        let configured = topics.into_iter().map(|topic| (topic, pending())).collect();
        let (group, mark) = (Group::new("main"), Progress::default().watch("publisher"));
        let standing = Standing::new(group.clone(), outbox.clone(), readiness.clone());
        let run = publisher::run(
            bus.clone(),
            Assignment { group, configured, rules, requests, standing, mark },
            outbox.clone(),
            clock,
            readiness.clone(),
            token.clone(),
        );
        let task = tokio::spawn(async move { run.await.unwrap() });
        Self { outbox, readiness, shelf, token, task }
    }

    pub async fn ready(&self) {
        until("readiness", async || self.readiness.is_ready()).await;
    }

    pub fn put(&self, name: &str, price: u64) {
        self.outbox.put(topic(name), live(price));
    }

    /// Stops as on SIGTERM.
    pub async fn stop(self) {
        self.token.cancel();
        timeout(SOON, self.task).await.expect("stops in time").unwrap();
    }

    /// Ends as on SIGKILL: nothing more is written, nothing given back.
    pub fn die(self) {
        self.task.abort();
    }
}

pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < SOON, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Follows every topic of the bus and checks that none runs backwards.
pub struct Watcher {
    subscriber: Subscriber,
    pub last: HashMap<Topic, Arc<Record>>,
    /// What last came as a message.
    streamed: HashMap<Topic, Stamp>,
    /// Everything that came as a message, in order.
    pub history: Vec<(Topic, Arc<Record>)>,
    pub messages: u64,
    /// Heartbeats so far, those of all shards together.
    heartbeats: u64,
    pub removed: Vec<Topic>,
}

impl Watcher {
    /// Has every shard's content, and sees whatever follows.
    pub async fn join(bus: &Bus) -> Self {
        let mut watcher = Self {
            subscriber: bus.subscriber(),
            last: HashMap::new(),
            streamed: HashMap::new(),
            history: Vec::new(),
            messages: 0,
            heartbeats: 0,
            removed: Vec::new(),
        };
        let mut snapshots = 0;
        while snapshots < tickcast_shared::bus::SHARDS {
            let event = timeout(SOON, watcher.subscriber.next()).await.expect("snapshots");
            snapshots += u8::from(matches!(event, Event::Snapshot(_)));
            watcher.take(event);
        }
        watcher
    }

    /// Follows until the topic's value is like that; returns the value.
    pub async fn sees(&mut self, name: &str, like: impl Fn(&Record) -> bool) -> Arc<Record> {
        self.sees_topic(topic(name), like).await
    }

    /// The same for a topic of any kind.
    pub async fn sees_topic(
        &mut self,
        wanted: Topic,
        like: impl Fn(&Record) -> bool,
    ) -> Arc<Record> {
        let follow = async {
            loop {
                if let Some(record) = self.last.get(&wanted).filter(|record| like(record)) {
                    return record.clone();
                }
                let event = self.subscriber.next().await;
                self.take(event);
            }
        };
        match timeout(SOON, follow).await {
            Ok(record) => record,
            Err(_) => panic!("{wanted} did not come to it; last: {:?}", self.last.get(&wanted)),
        }
    }

    /// Follows until the topic shows that price, live.
    pub async fn sees_price(&mut self, name: &str, wanted: u64) -> Stamp {
        let is = |record: &Record| {
            seen(record) == (State::Live, "none".into(), Some(wanted.to_string()))
        };
        self.sees(name, is).await.stamp
    }

    /// Follows until every shard has had so many more heartbeats, one a second.
    pub async fn hears_heartbeats(&mut self, rounds: u64) {
        let wanted = self.heartbeats + rounds * u64::from(tickcast_shared::bus::SHARDS);
        let follow = async {
            while self.heartbeats < wanted {
                let event = self.subscriber.next().await;
                self.take(event);
            }
        };
        timeout(SOON, follow).await.expect("heartbeats");
    }

    /// Follows until the topic is removed.
    pub async fn sees_removal(&mut self, name: &str) {
        self.sees_removal_of(topic(name)).await;
    }

    /// The same for a topic of any kind.
    pub async fn sees_removal_of(&mut self, wanted: Topic) {
        let follow = async {
            while !self.removed.contains(&wanted) {
                let event = self.subscriber.next().await;
                self.take(event);
            }
        };
        timeout(SOON, follow).await.expect("the removal");
    }

    /// What came of a topic, in order.
    pub fn of(&self, name: &str) -> Vec<Arc<Record>> {
        let wanted = topic(name);
        let own = self.history.iter().filter(|(topic, _)| *topic == wanted);
        own.map(|(_, record)| record.clone()).collect()
    }

    /// A snapshot may be ahead of messages that are still on their way.
    fn learn(&mut self, topic: Topic, record: Arc<Record>) {
        if self.last.get(&topic).is_none_or(|last| last.stamp < record.stamp) {
            self.last.insert(topic, record);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Subscribed(shard) => self.subscriber.request_snapshot(shard, Duration::ZERO),
            Event::SnapshotFailed(shard, _) => {
                self.subscriber.request_snapshot(shard, Duration::from_millis(50));
            }
            Event::Snapshot(snapshot) => {
                for (topic, record) in snapshot.records {
                    self.learn(topic, record);
                }
            }
            Event::Message(_, message) => {
                self.messages += u64::from(message.heartbeat.is_none());
                self.heartbeats += u64::from(message.heartbeat.is_some());
                for (topic, record) in message.puts {
                    let before = self.streamed.insert(topic.clone(), record.stamp);
                    assert!(before < Some(record.stamp), "{topic}: {before:?} {:?}", record.stamp);
                    self.learn(topic.clone(), record.clone());
                    self.history.push((topic, record));
                }
                self.removed.extend(message.removes);
            }
            Event::Unsubscribed(_) | Event::LinkAlive | Event::LinkLost(_) => {}
        }
    }
}
