//! Bars and indexes on the bus, as a feed writes them.

use super::Stage;
use serde_json::Value;
use std::{ops::Range, sync::Arc};
use tickcast_shared::{
    bus::{Body, Excluded, Group, Index, IndexSource, Record, ShardBatch, ShardId, Stamp},
    clock::Micros,
    market::{Bar, BarSource, Interval, Reason, State, Ticker, Topic},
};

/// 2026-01-01 00:00 UTC.
pub const START: i64 = 1_767_225_600_000_000;

/// A topic's bar of that number, counted from [`START`].
pub fn bar(topic: &Topic, number: i64, closed: bool) -> Bar {
    let interval = topic.interval().unwrap_or(Interval::M1);
    let open_time = Micros(START + number * interval.micros());
    let price = |number: i64| number.to_string().parse().unwrap();
    Bar {
        open_time,
        close_time: interval.close_of(open_time),
        open: price(100),
        high: price(200 + number),
        low: price(50),
        close: price(100 + number),
        ticks: 3,
        closed,
        complete: true,
        source: BarSource::Ticker,
    }
}

/// The number of a bar in a message.
pub fn number_of(topic: &str, bar: &Value) -> i64 {
    let interval = topic.parse::<Topic>().unwrap().interval().unwrap();
    (bar["open_time"].as_i64().unwrap() - START) / interval.micros()
}

/// The numbers of the bars in a `klines` message.
pub fn numbers_of(klines: &Value) -> Vec<i64> {
    let topic = klines["topic"].as_str().unwrap();
    klines["bars"].as_array().unwrap().iter().map(|bar| number_of(topic, bar)).collect()
}

impl Stage {
    /// Publishes a bar in progress.
    pub async fn open_bar(&mut self, topic: &str, number: i64) {
        self.bar(topic, number, false).await;
    }

    /// Publishes a closed bar, which the bus keeps in the same step.
    pub async fn close_bar(&mut self, topic: &str, number: i64) {
        self.bar(topic, number, true).await;
    }

    async fn bar(&mut self, topic: &str, number: i64, closed: bool) {
        let topic: Topic = topic.parse().unwrap();
        let bar = bar(&topic, number, closed);
        let record = Arc::new(self.record_of(&topic, Body::Kline(bar.clone())));
        let shard = ShardId::of(&topic);
        let bars = closed.then(|| (topic.clone(), bar)).into_iter().collect();
        let puts = vec![(topic, record)];
        self.write(vec![ShardBatch { shard, puts, bars, ..ShardBatch::default() }]).await;
    }

    /// Lets the bus keep closed bars without a message for each.
    pub async fn keep_bars(&mut self, topic: &str, numbers: Range<i64>) {
        let topic: Topic = topic.parse().unwrap();
        let shard = ShardId::of(&topic);
        let bars = numbers.map(|number| (topic.clone(), bar(&topic, number, true))).collect();
        self.write(vec![ShardBatch { shard, bars, ..ShardBatch::default() }]).await;
    }

    /// Publishes an index of two venues, with a third left out.
    pub async fn index(&mut self, topic: &str, price: &str) {
        let topic: Topic = topic.parse().unwrap();
        let now = self.clock.now();
        let mut ticker = Ticker::pending("", true, now);
        ticker.last_price = Some(price.parse().unwrap());
        ticker.received_ts = Some(now);
        ticker.enter(State::Live, Reason::NONE, now);
        let source = |name: &str| IndexSource {
            exchange: name.parse().unwrap(),
            price: price.parse().unwrap(),
            received_ts: now,
        };
        let excluded =
            vec![Excluded { exchange: "kraken".parse().unwrap(), reason: Reason::CROSSED }];
        let sources = vec![source("binance"), source("okx")];
        let record = self.record_of(&topic, Body::Index(Index { ticker, sources, excluded }));
        let (shard, puts) = (ShardId::of(&topic), vec![(topic, Arc::new(record))]);
        self.write(vec![ShardBatch { shard, puts, ..ShardBatch::default() }]).await;
    }

    fn record_of(&mut self, topic: &Topic, body: Body) -> Record {
        let seq = self.seqs.entry(topic.clone()).or_default();
        *seq += 1;
        let stamp = Stamp { epoch: self.epoch, seq: *seq };
        Record { group: Group::new("main"), stamp, published: self.clock.now(), body }
    }
}
