//! What is told of bars, when one is withheld, and what is read for it.

use super::*;
use tickcast_shared::{
    bus::{Body, Error, Group},
    market::{BarSource, Interval},
};

const ID: TopicId = TopicId(3);

fn topic() -> Topic {
    "kline:okx:BTC-USDT:1m".parse().unwrap()
}

fn open(number: i64) -> Micros {
    Micros(number * Interval::M1.micros())
}

fn bar(number: i64, closed: bool) -> Bar {
    let price = "1".parse().unwrap();
    Bar {
        open_time: open(number),
        close_time: open(number + 1),
        open: price,
        high: price,
        low: price,
        close: price,
        ticks: 1,
        closed,
        complete: true,
        source: BarSource::Ticker,
    }
}

/// The lines of one topic that somebody wants, and the store behind them.
fn lines() -> (Lines, BarStore) {
    let store = BarStore::default();
    store.want(&topic());
    (Lines::new(store.clone()), store)
}

fn comes(lines: &mut Lines, epoch: u64, bar: &Bar, is_whole: bool) -> Option<BarMark> {
    let stamp = Stamp { epoch, seq: 1 };
    let (group, body) = (Group::new("main"), Body::Kline(bar.clone()));
    let record = Record { group, stamp, published: Micros(0), body };
    lines.bar(&topic(), ID, &record, bar, is_whole)
}

/// A closed bar; the last one that was told of before it, if it is told.
fn closes(lines: &mut Lines, epoch: u64, number: i64, is_whole: bool) -> Option<Option<Micros>> {
    comes(lines, epoch, &bar(number, true), is_whole).map(|mark| mark.before)
}

/// The bus answers the only job with these bars; the last closed bar that shards are told of.
fn reads(lines: &mut Lines, numbers: std::ops::Range<i64>) -> Option<Micros> {
    let [job] = lines.jobs().try_into().expect("one job");
    let bars = Ok(numbers.map(|number| bar(number, true)).collect());
    match lines.read(Done { job, bars }, |_| true) {
        Some(Update::Bars(BarsNews { id: ID, closed, is_read: true })) => closed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_stream_is_told_as_it_comes() {
    let (mut lines, _) = lines();
    assert!(comes(&mut lines, 1, &bar(4, false), true).is_some_and(|mark| mark.before.is_none()));
    assert_eq!(closes(&mut lines, 1, 4, true), Some(None));
    // No bar is made where there was no price.
    assert_eq!(closes(&mut lines, 1, 9, true), Some(Some(open(4))));
    assert!(lines.jobs().is_empty());
    // Another feed closes it again: shards see that it is none behind the last one.
    assert_eq!(closes(&mut lines, 2, 9, true), Some(Some(open(9))));
    assert_eq!(comes(&mut lines, 2, &bar(9, false), true), None, "it does not open again");
    assert_eq!(closes(&mut lines, 2, 10, true), Some(Some(open(9))));
}

#[test]
fn what_closed_behind_a_hole_waits_for_the_bus() {
    let (mut lines, _) = lines();
    closes(&mut lines, 1, 4, true);
    lines.distrust(ShardId::of(&topic()));
    assert_eq!(closes(&mut lines, 1, 6, false), None);
    assert!(lines.jobs().is_empty(), "the stream has not been joined again");
    lines.settle(ShardId::of(&topic()), open(8));
    assert_eq!(lines.jobs.iter().map(|job| job.limit).collect::<Vec<_>>(), [6]);
    assert_eq!(reads(&mut lines, 2..8), Some(open(7)));
    assert_eq!(closes(&mut lines, 1, 7, true), Some(Some(open(7))), "told of already");
    assert_eq!(closes(&mut lines, 1, 8, true), Some(Some(open(7))));
}

#[test]
fn a_feed_that_takes_over_may_have_filled_in_bars() {
    let (mut lines, _) = lines();
    closes(&mut lines, 1, 4, true);
    assert_eq!(closes(&mut lines, 2, 8, true), None);
    assert_eq!(reads(&mut lines, 0..9), Some(open(8)));
    assert_eq!(closes(&mut lines, 2, 9, true), Some(Some(open(8))));
}

#[test]
fn nothing_is_read_for_a_topic_that_nobody_wants() {
    let mut lines = Lines::default();
    closes(&mut lines, 1, 4, true);
    lines.distrust(ShardId::of(&topic()));
    lines.settle(ShardId::of(&topic()), open(8));
    assert!(lines.jobs().is_empty());
    assert_eq!(closes(&mut lines, 1, 9, true), Some(None));
}

#[test]
fn a_hole_within_a_read_asks_again() {
    let (mut lines, _) = lines();
    closes(&mut lines, 1, 4, true);
    lines.asked(vec![topic()]);
    let [job] = lines.jobs().try_into().unwrap();
    lines.distrust(ShardId::of(&topic()));
    let bars = Ok(vec![bar(4, true)]);
    assert!(lines.read(Done { job, bars }, |_| true).is_none());
    assert_eq!(reads(&mut lines, 0..7), Some(open(6)));
}

#[test]
fn a_read_that_fails_is_told_and_tried_again_with_the_next_look() {
    let (mut lines, store) = lines();
    closes(&mut lines, 1, 4, true);
    lines.asked(vec![topic()]);
    let [job] = lines.jobs().try_into().unwrap();
    let update = lines.read(Done { job, bars: Err(Error::Link("gone".into())) }, |_| true);
    assert!(matches!(update, Some(Update::Bars(BarsNews { is_read: false, .. }))));
    lines.asked(vec![topic()]);
    assert!(lines.jobs().is_empty(), "not at once");
    lines.look(|_| true);
    assert_eq!(reads(&mut lines, 0..5), Some(open(4)));
    assert!(store.is_read(&topic()));
    lines.look(|_| true);
    assert!(lines.jobs().is_empty());
}
