//! What the contract's tests have in common: all variants, a publisher that holds, a reader.

use crate::{
    bus::{
        Acquired, Body, Bus, Event, Group, Heartbeat, Message, Publisher, Record, ShardBatch,
        ShardId, Snapshot, Stamp, Subscriber, memory::Memory, redis::Redis,
    },
    clock::Micros,
    market::{State, Ticker, Topic},
    testing::{Cluster, RedisServer, Sentinels},
};
use std::{
    future::Future,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

/// Longest wait for anything that must happen.
pub const SOON: Duration = Duration::from_secs(8);

/// One variant of the bus.
pub enum Rig {
    Memory(Memory),
    Redis(RedisServer),
    Sentinels(Sentinels),
    Cluster(OwnedMutexGuard<Cluster>),
}

/// The cluster of those tests that run at present: it takes seconds to form one.
static CLUSTER: Mutex<Weak<Mutex<Cluster>>> = Mutex::const_new(Weak::new());

/// An empty cluster, for one test at a time.
async fn cluster() -> OwnedMutexGuard<Cluster> {
    let mut shared = CLUSTER.lock().await;
    let cluster = match shared.upgrade() {
        Some(cluster) => cluster,
        None => {
            let cluster = Arc::new(Mutex::new(Cluster::start().await));
            *shared = Arc::downgrade(&cluster);
            cluster
        }
    };
    drop(shared);
    let cluster = cluster.lock_owned().await;
    cluster.flush().await;
    cluster
}

impl Rig {
    pub fn bus(&self) -> Bus {
        match self {
            Self::Memory(memory) => Bus::Memory(memory.clone()),
            Self::Redis(server) => Bus::Redis(Redis::open(&server.url()).unwrap()),
            Self::Sentinels(sentinels) => Bus::Redis(Redis::open(&sentinels.url()).unwrap()),
            Self::Cluster(cluster) => Bus::Redis(Redis::open(&cluster.url()).unwrap()),
        }
    }

    /// The bus forgets everything.
    pub async fn flush(&self) {
        match self {
            Self::Memory(memory) => memory.flush(),
            Self::Redis(server) => drop(server.command(&["FLUSHALL"]).await),
            Self::Sentinels(it) => drop(it.servers[0].command(&["FLUSHALL"]).await),
            Self::Cluster(cluster) => cluster.flush().await,
        }
    }
}

/// Runs a test against each variant.
pub async fn every(test: impl AsyncFn(Rig)) {
    println!("on the memory bus");
    test(Rig::Memory(Memory::default())).await;
    println!("on Redis");
    test(Rig::Redis(RedisServer::start().await)).await;
    println!("behind a sentinel");
    test(Rig::Sentinels(Sentinels::single().await)).await;
    println!("on a cluster");
    test(Rig::Cluster(cluster().await)).await;
}

pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(SOON, future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// Calls `attempt` again and again until it returns something.
pub async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let tries = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(what, tries).await
}

pub fn main_group() -> Group {
    Group::new("main")
}

pub fn topic(n: usize) -> Topic {
    format!("ticker:kucoin:T{n}-USDT").parse().unwrap()
}

/// A live ticker with that price.
pub fn record(epoch: u64, seq: u64, price: u64) -> Arc<Record> {
    let mut ticker = Ticker::pending("T-USDT", false, Micros(1));
    ticker.last_price = Some(price.to_string().parse().unwrap());
    ticker.state = State::Live;
    let stamp = Stamp { epoch, seq };
    Arc::new(Record {
        group: main_group(),
        stamp,
        published: Micros(2),
        body: Body::Ticker(ticker),
    })
}

pub fn put(topic: &Topic, record: Arc<Record>) -> ShardBatch {
    let puts = vec![(topic.clone(), record)];
    ShardBatch { shard: ShardId::of(topic), puts, ..ShardBatch::default() }
}

pub fn heartbeat() -> Heartbeat {
    Heartbeat { sent: Micros(77), links: Vec::new() }
}

/// A publisher that holds the group `main`, fences raised.
pub async fn holder(bus: &Bus, floor: u64) -> (Publisher, u64) {
    let mut publisher = bus.publisher(main_group());
    let epoch = hold(&mut publisher, floor).await;
    (publisher, epoch)
}

pub async fn hold(publisher: &mut Publisher, floor: u64) -> u64 {
    let Acquired::Held { epoch } = publisher.acquire(floor).await.unwrap() else {
        panic!("the lease is taken");
    };
    publisher.raise().await.unwrap();
    epoch
}

/// The publisher's next batch carries that number.
pub fn rewind(publisher: &mut Publisher, next: u64) {
    match publisher {
        Publisher::Memory(it) => it.rewind(next),
        Publisher::Redis(it) => it.rewind(next),
    }
}

/// A subscriber and what it has been told.
#[derive(Debug)]
pub struct Reader(pub Subscriber);

impl Reader {
    /// Subscribed to all shards.
    pub async fn join(bus: &Bus) -> Self {
        let mut reader = Self(bus.subscriber());
        reader.subscribed().await;
        reader
    }

    pub async fn subscribed(&mut self) {
        let mut missing: Vec<ShardId> = ShardId::all().collect();
        let all = async {
            while !missing.is_empty() {
                if let Event::Subscribed(shard) = self.0.next().await {
                    missing.retain(|other| *other != shard);
                }
            }
        };
        soon("the subscriptions", all).await;
    }

    pub async fn event(&mut self, what: &str) -> Event {
        soon(what, self.0.next()).await
    }

    /// The next message, whatever else happens before.
    pub async fn message(&mut self) -> (ShardId, Message) {
        let message = async {
            loop {
                if let Event::Message(shard, message) = self.0.next().await {
                    return (shard, message);
                }
            }
        };
        soon("a message", message).await
    }

    /// A shard's present content; messages before it are skipped.
    pub async fn snapshot(&mut self, shard: ShardId) -> Snapshot {
        self.0.request_snapshot(shard, Duration::ZERO);
        let snapshot = async {
            loop {
                match self.0.next().await {
                    Event::Snapshot(snapshot) if snapshot.shard == shard => return snapshot,
                    Event::SnapshotFailed(_, error) => panic!("{error}"),
                    _ => {}
                }
            }
        };
        soon("a snapshot", snapshot).await
    }
}
