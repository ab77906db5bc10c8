//! Writing to Tickcast's bus as a feed does: lease, fences, heartbeats, batches by shard.

use super::{PublishError, Update};
use crate::venue::source::stamp_text;
use std::{
    collections::BTreeMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    bus::{
        Acquired, Body, Bus, Error, Group, HEARTBEAT_EVERY, Heartbeat, LinkState, LinkStatus,
        Publisher, Record, ShardBatch, ShardId, Stamp, redis::Redis,
    },
    clock::{Clock, Micros},
    market::{Reason, Source, State, Ticker, Topic},
};
use tokio::runtime::{Builder, Runtime};

/// The exchange whose topics the benchmark publishes.
pub const EXCHANGE: &str = "bench";
/// Its group of topics.
const GROUP: &str = "main";
/// How long a Redis that was just started may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The writing half of the bus, with the event loop that drives it.
#[derive(Debug)]
pub struct BusSink {
    publisher: Publisher,
    epoch: u64,
    topics: Vec<(Topic, Ticker)>,
    links: Vec<LinkStatus>,
    beat: Instant,
    // Last: what it drives is dropped before.
    runtime: Runtime,
}

impl BusSink {
    /// Takes the group and announces these topics, live, the last of them last.
    ///
    /// # Errors
    /// [`PublishError`] when Redis cannot be reached or refuses.
    pub fn open(redis: &str, topics: &[String], clock: &Clock) -> Result<Self, PublishError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let bus = Bus::Redis(Redis::open(redis).map_err(failed)?);
        let mut publisher = bus.publisher(Group::new(GROUP));
        let epoch = runtime.block_on(take_over(&mut publisher)).map_err(failed)?;
        let now = clock.now();
        let mut named = Vec::new();
        for name in topics {
            let topic: Topic = name.parse().map_err(|_| bad(name))?;
            let ticker = ticker(topic.symbol(), now).ok_or_else(|| bad(name))?;
            named.push((topic, ticker));
        }
        let exchange = EXCHANGE.parse().map_err(|_| bad(EXCHANGE))?;
        let links = vec![LinkStatus {
            exchange,
            state: LinkState::Live,
            reason: Reason::NONE,
            since: now,
            proven: Some(now),
            reconnects: 0,
            source: Source::Stream,
        }];
        let mut sink =
            Self { publisher, epoch, topics: named, links, beat: Instant::now(), runtime };
        sink.beat_if_due(clock)?;
        let first = |topic| Update { topic, seq: 0, due: now };
        let last = sink.topics.len().saturating_sub(1);
        sink.send(clock, &(0..last).map(first).collect::<Vec<_>>())?;
        sink.send(clock, &[first(last)])?;
        Ok(sink)
    }

    /// Writes updates, all in one call.
    pub(super) fn send(&mut self, clock: &Clock, updates: &[Update]) -> Result<(), PublishError> {
        let now = clock.now();
        let mut batches: BTreeMap<ShardId, ShardBatch> = BTreeMap::new();
        for update in updates {
            let Some((topic, ticker)) = self.topics.get_mut(update.topic) else { continue };
            ticker.received_ts = Some(now);
            ticker.bid_qty = stamp_text(update.due).parse().ok();
            step(ticker, update.seq);
            let record = Record {
                group: Group::new(GROUP),
                stamp: Stamp { epoch: self.epoch, seq: update.seq + 1 },
                published: now,
                body: Body::Ticker(ticker.clone()),
            };
            let shard = ShardId::of(topic);
            let batch = batches.entry(shard).or_default();
            batch.shard = shard;
            batch.puts.push((topic.clone(), Arc::new(record)));
        }
        let publishing = self.publisher.publish(batches.into_values().collect());
        self.runtime.block_on(publishing).map_err(failed)
    }

    /// Renews the lease and proves that the writer lives.
    pub(super) fn beat_if_due(&mut self, clock: &Clock) -> Result<(), PublishError> {
        if Instant::now() < self.beat {
            return Ok(());
        }
        let sent = clock.now();
        self.links.iter_mut().for_each(|link| link.proven = Some(sent));
        self.beat = Instant::now() + HEARTBEAT_EVERY;
        let heartbeat = Heartbeat { sent, links: self.links.clone() };
        self.runtime.block_on(self.publisher.heartbeat(&heartbeat)).map_err(failed)
    }
}

fn failed(error: Error) -> PublishError {
    PublishError(error.to_string())
}

fn bad(name: &str) -> PublishError {
    PublishError(format!("{name:?} is no topic of {EXCHANGE}"))
}

async fn take_over(publisher: &mut Publisher) -> Result<u64, Error> {
    let epoch = patiently(publisher).await?;
    publisher.raise().await?;
    Ok(epoch)
}

/// Asks for the lease until it is given or patience ends.
async fn patiently(publisher: &mut Publisher) -> Result<u64, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let failed = match publisher.acquire(0).await {
            Ok(Acquired::Held { epoch }) => return Ok(epoch),
            Ok(Acquired::Busy { .. }) => Error::Fenced,
            Err(error) => error,
        };
        if Instant::now() > deadline {
            return Err(failed);
        }
        wait(ASK_EVERY).await;
    }
}

fn wait(span: Duration) -> impl Future<Output = ()> {
    tokio::time::sleep(span)
}

/// A ticker such as a venue sends, with all its fields.
fn ticker(symbol: &str, now: Micros) -> Option<Ticker> {
    let mut ticker = Ticker::pending(symbol, true, now);
    ticker.enter(State::Live, Reason::NONE, now);
    ticker.ask_qty = "1.92318539".parse().ok();
    ticker.open_24h = "66890.1".parse().ok();
    ticker.high_24h = "67744.3".parse().ok();
    ticker.low_24h = "66012.8".parse().ok();
    ticker.volume_24h = "1893.47239811".parse().ok();
    ticker.quote_volume_24h = "126839001.118".parse().ok();
    ticker.exchange_ts = Some(now);
    step(&mut ticker, 0);
    ticker.is_priced().then_some(ticker)
}

/// Moves the price by up to 1 % around its mean and back, within a hundred updates.
fn step(ticker: &mut Ticker, seq: u64) {
    let tenths = 672_000 + 67 * (seq % 100);
    let price = |tenths: u64| format!("{}.{}", tenths / 10, tenths % 10).parse().ok();
    ticker.last_price = price(tenths);
    ticker.bid_price = price(tenths - 1);
    ticker.ask_price = price(tenths + 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_tickers_are_whole_and_never_crossed() {
        for seq in 0..200 {
            let mut ticker = ticker("T0-USDT", Micros(1)).unwrap();
            step(&mut ticker, seq);
            assert!(ticker.bid_price < ticker.ask_price && ticker.volume_24h.is_some());
        }
    }
}
