//! Bars: kept in the order of their openings, each once, as long as their interval says.

use super::rig::{every, holder, topic};
use crate::{
    bus::{Bus, ShardBatch, ShardId},
    clock::Micros,
    market::{Bar, BarSource, Interval, Topic},
};

/// 2026-01-01 00:00 UTC, a beginning of every interval.
const START: i64 = 1_767_225_600_000_000;

fn topic_of(interval: Interval) -> Topic {
    topic(1).to_kline(interval)
}

fn bar(interval: Interval, number: i64, close: u32) -> Bar {
    let open_time = Micros(START + number * interval.micros());
    let price = |number: u32| number.to_string().parse().unwrap();
    Bar {
        open_time,
        close_time: interval.close_of(open_time),
        open: price(10),
        high: price(30),
        low: price(5),
        close: price(close),
        ticks: 3,
        closed: true,
        complete: true,
        source: BarSource::Ticker,
    }
}

fn batch(interval: Interval, bars: Vec<Bar>) -> Vec<ShardBatch> {
    let topic = topic_of(interval);
    let shard = ShardId::of(&topic);
    let bars = bars.into_iter().map(|bar| (topic.clone(), bar)).collect();
    vec![ShardBatch { shard, bars, ..ShardBatch::default() }]
}

async fn closes(bus: &Bus, interval: Interval, end: Option<i64>, limit: usize) -> Vec<String> {
    let end = end.map(|number| Micros(START + number * interval.micros()));
    let bars = bus.bars().read(&topic_of(interval), end, limit).await.unwrap();
    bars.iter().map(|bar| bar.close.to_string()).collect()
}

#[tokio::test]
async fn bars_are_kept_in_order_and_replaced() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut publisher, _) = holder(&bus, 0).await;
        let m1 = Interval::M1;
        assert!(closes(&bus, m1, None, 10).await.is_empty());
        for number in [1_i64, 2, 5, 3] {
            let close = u32::try_from(number).unwrap();
            publisher.publish(batch(m1, vec![bar(m1, number, close)])).await.unwrap();
        }
        assert_eq!(closes(&bus, m1, None, 10).await, ["1", "2", "3", "5"]);
        publisher.publish(batch(m1, vec![bar(m1, 3, 33), bar(m1, 0, 8)])).await.unwrap();
        assert_eq!(closes(&bus, m1, None, 10).await, ["8", "1", "2", "33", "5"]);
        assert_eq!(closes(&bus, m1, None, 2).await, ["33", "5"]);
        assert_eq!(closes(&bus, m1, Some(5), 2).await, ["2", "33"]);
        assert_eq!(closes(&bus, m1, Some(99), 1).await, ["5"]);
        assert!(closes(&bus, m1, Some(0), 9).await.is_empty());
        let read = bus.bars().read(&topic_of(m1), None, 1).await.unwrap();
        assert_eq!(read, [bar(m1, 5, 5)], "nothing is lost on the way");
    })
    .await;
}

#[tokio::test]
async fn old_bars_give_way() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut publisher, _) = holder(&bus, 0).await;
        let week = 7 * 24 * 60;
        let (m1, d1) = (Interval::M1, Interval::D1);
        for number in [0, 1, week, week + 1] {
            let close = u32::try_from(number + 1).unwrap();
            publisher.publish(batch(m1, vec![bar(m1, number, close)])).await.unwrap();
            publisher.publish(batch(d1, vec![bar(d1, number, close)])).await.unwrap();
        }
        assert_eq!(closes(&bus, m1, None, 10).await, ["2", "10081", "10082"]);
        assert_eq!(closes(&bus, d1, None, 10).await.len(), 4, "days are kept for good");
    })
    .await;
}

#[tokio::test]
async fn a_fenced_writer_leaves_no_bars() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut publisher, epoch) = holder(&bus, 0).await;
        publisher.release().await.unwrap();
        let _successor = holder(&bus, epoch).await;
        let m1 = Interval::M1;
        assert!(publisher.publish(batch(m1, vec![bar(m1, 1, 1)])).await.is_err());
        assert!(closes(&bus, m1, None, 10).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn many_bars_are_several_messages() {
    every(async |rig| {
        let bus = rig.bus();
        let (mut publisher, _) = holder(&bus, 0).await;
        let h4 = Interval::H4;
        let all = (0..1300).map(|number| bar(h4, number, 7)).collect();
        publisher.publish(batch(h4, all)).await.unwrap();
        assert_eq!(closes(&bus, h4, None, 5000).await.len(), 1300);
    })
    .await;
}
