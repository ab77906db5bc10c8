//! What the bus carries: from sealed records through publisher, cache and broadcast to a subscriber
//! that has them decoded. Run it with
//! `cargo bench -p tickcast-shared --features testing --bench bus`; it starts a Redis of its own.
#![allow(clippy::expect_used, reason = "a measurement that cannot go on ends")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    bus::{
        Acquired, Body, Bus, Event, Group, HEARTBEAT_EVERY, Heartbeat, Publisher, Record,
        ShardBatch, ShardId, Stamp, Subscriber, memory::Memory, redis::Redis,
    },
    clock::Micros,
    market::{Reason, State, Ticker, Topic},
    testing::RedisServer,
};
use tokio::runtime::{Builder, Runtime};

/// Updates of one call.
const CALLS: [u64; 4] = [1, 64, 1024, 8192];

/// A writer that holds its group, and a reader that is subscribed.
struct Rig {
    publisher: Publisher,
    subscriber: Subscriber,
    epoch: u64,
    seq: u64,
    beaten: Instant,
}

impl Rig {
    async fn open(bus: &Bus) -> Self {
        let mut publisher = bus.publisher(Group::new("main"));
        let epoch = take(&mut publisher).await;
        let mut subscriber = bus.subscriber();
        for _ in ShardId::all() {
            while !matches!(subscriber.next().await, Event::Subscribed(_)) {}
        }
        Self { publisher, subscriber, epoch, seq: 0, beaten: Instant::now() }
    }

    /// Writes all topics once and reads until they have come; how long that took.
    async fn round(&mut self, topics: &[(Topic, Ticker)]) -> Duration {
        self.seq += 1;
        self.beat_if_due().await;
        let batches = seal(topics, Stamp { epoch: self.epoch, seq: self.seq });
        let begun = Instant::now();
        let (publisher, subscriber) = (&mut self.publisher, &mut self.subscriber);
        let writing = publisher.publish(batches);
        let (written, ()) = tokio::join!(writing, read(subscriber, topics.len()));
        written.expect("a write");
        begun.elapsed()
    }

    /// The lease must not run out while it is measured.
    async fn beat_if_due(&mut self) {
        if self.beaten.elapsed() >= HEARTBEAT_EVERY {
            self.beaten = Instant::now();
            let heartbeat = Heartbeat { sent: Micros(1), links: Vec::new() };
            if self.publisher.heartbeat(&heartbeat).await.is_err() {
                // The figures of a measurement took longer to work out than a lease lasts.
                (self.epoch, self.seq) = (take(&mut self.publisher).await, 1);
            }
        }
    }
}

async fn take(publisher: &mut Publisher) -> u64 {
    let Ok(Acquired::Held { epoch }) = publisher.acquire(0).await else {
        panic!("the lease is free")
    };
    publisher.raise().await.expect("fences");
    epoch
}

async fn read(subscriber: &mut Subscriber, mut wanted: usize) {
    while wanted > 0 {
        match subscriber.next().await {
            Event::Message(_, message) => wanted = wanted.saturating_sub(message.puts.len()),
            Event::LinkLost(error) => panic!("messages may be missing: {error}"),
            _ => {}
        }
    }
}

/// Tickers with all their fields.
fn topics(count: u64) -> Vec<(Topic, Ticker)> {
    let named = (0..count).map(|number| format!("T{number}-USDT"));
    let topic = |name: String| {
        let topic: Topic = format!("ticker:bench:{name}").parse().expect("a topic");
        let mut ticker = Ticker::pending(&name, true, Micros(1));
        ticker.enter(State::Live, Reason::NONE, Micros(2));
        let price = |text: &str| text.parse().ok();
        ticker.last_price = price("67220.1");
        (ticker.bid_price, ticker.ask_price) = (price("67220"), price("67220.2"));
        ticker.bid_qty = "0.01045638".parse().ok();
        ticker.ask_qty = "1.92318539".parse().ok();
        ticker.volume_24h = "1893.47239811".parse().ok();
        ticker.received_ts = Some(Micros(1_729_757_723_655_123));
        (topic, ticker)
    };
    named.map(topic).collect()
}

fn seal(topics: &[(Topic, Ticker)], stamp: Stamp) -> Vec<ShardBatch> {
    let mut batches: BTreeMap<ShardId, ShardBatch> = BTreeMap::new();
    for (topic, ticker) in topics {
        let shard = ShardId::of(topic);
        let body = Body::Ticker(ticker.clone());
        let group = Group::new("main");
        let record = Record { group, stamp, published: Micros(3), body };
        let batch =
            batches.entry(shard).or_insert_with(|| ShardBatch { shard, ..Default::default() });
        batch.puts.push((topic.clone(), Arc::new(record)));
    }
    batches.into_values().collect()
}

/// One thread for writer and reader; Redis has its own process.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("an event loop")
}

fn measure(criterion: &mut Criterion, name: &str, runtime: &Runtime, bus: &Bus) {
    let mut rig = runtime.block_on(Rig::open(bus));
    let mut group = criterion.benchmark_group(name);
    for call in CALLS {
        let topics = topics(call);
        group.throughput(Throughput::Elements(call));
        group.bench_function(BenchmarkId::from_parameter(call), |bencher| {
            bencher.iter_custom(|rounds| {
                runtime.block_on(async {
                    let mut spent = Duration::ZERO;
                    for _ in 0..rounds {
                        spent += rig.round(&topics).await;
                    }
                    spent
                })
            });
        });
        // Between two sizes there may be more than a lease.
        runtime.block_on(rig.beat_if_due());
    }
    group.finish();
}

fn memory(criterion: &mut Criterion) {
    measure(criterion, "bus/memory", &runtime(), &Bus::Memory(Memory::default()));
}

fn redis(criterion: &mut Criterion) {
    let runtime = runtime();
    let server = runtime.block_on(RedisServer::start());
    let bus = Bus::Redis(Redis::open(&server.url()).expect("an address"));
    measure(criterion, "bus/redis", &runtime, &bus);
}

criterion_group!(benches, memory, redis);
criterion_main!(benches);
