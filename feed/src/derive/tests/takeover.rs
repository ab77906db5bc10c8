//! Bars that a former writer began.

use super::rig::{Rig, START, at, bars, last, ohlc, price, stale};
use std::sync::Arc;
use tickcast_shared::{
    bus::{Body, Group, Record, Stamp},
    market::{Bar, BarSource, Interval, Topic},
};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

fn former(minute: i64, closed: bool) -> Bar {
    Bar {
        open_time: at(minute * MINUTE),
        close_time: at((minute + 1) * MINUTE),
        open: price("10"),
        high: price("30"),
        low: price("5"),
        close: price("20"),
        ticks: 7,
        closed,
        complete: true,
        source: BarSource::Ticker,
    }
}

fn cached(topic: &str, bar: Bar) -> Vec<(Topic, Arc<Record>)> {
    let record = Record {
        group: Group::new("main"),
        stamp: Stamp { epoch: 6, seq: 40 },
        published: START,
        body: Body::Kline(bar),
    };
    vec![(topic.parse().unwrap(), Arc::new(record))]
}

const TOPIC: &str = "kline:okx:BTC-USDT:1m";

/// What the topic's value is to be after a takeover.
fn inherit(rig: &mut Rig, bar: Bar) -> Option<Bar> {
    let values = bars(rig.0.take_over(&cached(TOPIC, bar), 0));
    assert!(values.len() <= 1);
    values.into_iter().next().map(|(topic, bar)| {
        assert_eq!(topic, TOPIC);
        bar
    })
}

fn rig() -> Rig {
    Rig::new(&["okx"], 0, &[Interval::M1])
}

fn hear(rig: &mut Rig, text: &str, millis: i64) {
    rig.hear("okx", last(text, at(millis)), at(millis));
}

fn closed_until(rig: &mut Rig, millis: i64) -> Vec<Bar> {
    bars(rig.run_until(at(millis))).into_iter().map(|it| it.1).filter(|it| it.closed).collect()
}

#[test]
fn a_bar_in_progress_is_gone_on_with_and_owns_up_to_the_gap() {
    let mut rig = rig();
    rig.pass_time(at(20 * SECOND));
    let value = inherit(&mut rig, former(0, false)).unwrap();
    assert!(!value.complete && !value.closed);
    hear(&mut rig, "31", 30 * SECOND);
    let bars = closed_until(&mut rig, 62 * SECOND);
    assert_eq!((bars.len(), ohlc(&bars[0])), (1, ["10", "31", "5", "31"].map(String::from)));
    assert_eq!((bars[0].ticks, bars[0].complete), (8, false));
}

#[test]
fn high_and_low_are_merged_with_what_was_seen_here() {
    let mut rig = rig();
    hear(&mut rig, "4", 30 * SECOND);
    hear(&mut rig, "8", 40 * SECOND);
    let value = inherit(&mut rig, former(0, false)).unwrap();
    assert_eq!(ohlc(&value), ["10", "30", "4", "8"].map(String::from));
    assert_eq!((value.ticks, value.complete), (9, false));
}

#[test]
fn a_standby_that_saw_the_bar_whole_has_it_complete() {
    let mut rig = rig();
    hear(&mut rig, "9", -30 * SECOND);
    rig.run_until(at(0));
    hear(&mut rig, "11", SECOND);
    hear(&mut rig, "12", 2 * SECOND);
    let value = inherit(&mut rig, former(0, false)).unwrap();
    assert_eq!(ohlc(&value), ["11", "30", "5", "12"].map(String::from));
    assert_eq!((value.ticks, value.complete), (2, true));
}

#[test]
fn a_bar_that_ended_meanwhile_is_closed_once() {
    let mut rig = rig();
    rig.pass_time(at(10 * MINUTE));
    inherit(&mut rig, former(0, false)).unwrap();
    let bars = closed_until(&mut rig, 10 * MINUTE);
    assert_eq!((bars.len(), ohlc(&bars[0])), (1, ["10", "30", "5", "20"].map(String::from)));
    assert!(!bars[0].complete);
    assert!(closed_until(&mut rig, 20 * MINUTE).is_empty());
}

#[test]
fn what_the_former_writer_has_closed_is_not_closed_again() {
    let mut rig = rig();
    hear(&mut rig, "9", 30 * SECOND);
    let value = inherit(&mut rig, former(0, true)).unwrap();
    assert_eq!(value, former(0, true), "as it was left");
    assert!(closed_until(&mut rig, 5 * MINUTE).is_empty());
    hear(&mut rig, "9", 30 * SECOND);
    assert!(closed_until(&mut rig, 6 * MINUTE).is_empty());
}

#[test]
fn a_newer_own_bar_stands_and_the_former_one_closes_before_it() {
    let mut rig = rig();
    hear(&mut rig, "9", MINUTE + SECOND);
    let value = inherit(&mut rig, former(0, false)).unwrap();
    assert_eq!(value.open_time, at(MINUTE));
    let bars = closed_until(&mut rig, 2 * MINUTE + 2 * SECOND);
    let opens: Vec<_> = bars.iter().map(|bar| bar.open_time).collect();
    assert_eq!(opens, [START, at(MINUTE)]);
}

#[test]
fn what_was_closed_here_while_nothing_could_be_written_stands() {
    let mut rig = rig();
    hear(&mut rig, "9", 30 * SECOND);
    assert_eq!(closed_until(&mut rig, 62 * SECOND).len(), 1);
    assert_eq!(inherit(&mut rig, former(0, false)), None);
    assert_eq!(inherit(&mut rig, former(-1, true)), None);
    assert_eq!(inherit(&mut rig, former(0, true)), Some(former(0, true)), "kept as it was written");
}

#[test]
fn what_this_process_wrote_itself_is_not_counted_twice() {
    let mut rig = rig();
    hear(&mut rig, "9", 30 * SECOND);
    assert!(rig.0.take_over(&cached(TOPIC, former(0, false)), 6).is_empty());
    assert_eq!(closed_until(&mut rig, 62 * SECOND)[0].ticks, 1);
}

#[test]
fn topics_that_are_not_made_here_are_left_alone() {
    let mut rig = rig();
    for topic in ["kline:okx:BTC-USDT:5m", "kline:kucoin:BTC-USDT:1m"] {
        assert!(rig.0.take_over(&cached(topic, former(0, false)), 0).is_empty());
    }
    rig.hear("okx", stale(at(1)), at(1));
    assert_eq!(rig.0.next_due(), None);
}
