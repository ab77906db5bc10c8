//! Bars by their rules.

use super::rig::{INDEX, Rig, START, at, bars, last, live, ohlc, quote, stale, topic};
use crate::outbox::Change;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, BarSource, Interval, Topic},
};

const M1: [Interval; 1] = [Interval::M1];
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// A rig whose topic has been live for more than a minute at [`START`].
fn seen(intervals: &[Interval]) -> Rig {
    let mut rig = Rig::new(&["okx"], 0, intervals);
    rig.hear("okx", last("1", at(-130 * SECOND)), at(-130 * SECOND));
    rig.run_until(at(-SECOND));
    rig
}

fn hear(rig: &mut Rig, text: &str, millis: i64) -> Vec<(String, Bar)> {
    bars(rig.hear("okx", last(text, at(millis)), at(millis)))
}

fn closed(changes: Vec<(Topic, Change)>) -> Vec<Bar> {
    bars(changes).into_iter().map(|(_, bar)| bar).filter(|bar| bar.closed).collect()
}

/// What closes until then.
fn closed_until(rig: &mut Rig, millis: i64) -> Vec<Bar> {
    closed(rig.run_until(at(millis)))
}

#[test]
fn the_first_price_announces_every_interval_at_once() {
    let mut rig = Rig::new(&["okx"], 0, &Interval::ALL);
    assert!(bars(rig.hear("okx", live(at(0)), at(0))).is_empty(), "no price yet");
    assert_eq!(rig.0.next_due(), None);
    let first = hear(&mut rig, "100.10", 30 * SECOND);
    let topics: Vec<&str> = first.iter().map(|(topic, _)| topic.as_str()).collect();
    let wanted = Interval::ALL.map(|it| format!("kline:okx:BTC-USDT:{it}"));
    assert_eq!(topics, wanted);
    let bar = Bar {
        open_time: START,
        close_time: at(MINUTE),
        open: "100.10".parse().unwrap(),
        high: "100.1".parse().unwrap(),
        low: "100.1".parse().unwrap(),
        close: "100.1".parse().unwrap(),
        ticks: 1,
        closed: false,
        complete: false,
        source: BarSource::Ticker,
    };
    assert_eq!(first[0].1, bar, "the feed started in it");
}

#[test]
fn a_bar_in_progress_is_shown_at_most_once_a_second() {
    let mut rig = seen(&M1);
    let mut shown = Vec::new();
    for n in 0..500 {
        let millis = 10 * n;
        shown.extend(bars(rig.run_until(at(millis))));
        shown.extend(hear(&mut rig, &format!("{}", 100 + n), millis));
    }
    shown.extend(bars(rig.run_until(at(8 * SECOND))));
    let open: Vec<&Bar> = shown.iter().map(|(_, bar)| bar).filter(|bar| !bar.closed).collect();
    assert!((4..=6).contains(&open.len()), "{}", open.len());
    let newest = open[open.len() - 1];
    assert_eq!((ohlc(newest), newest.ticks), (["100", "599", "100", "599"].map(String::from), 500));
}

#[test]
fn a_price_that_changes_nothing_is_counted_and_not_shown() {
    let mut rig = seen(&M1);
    hear(&mut rig, "5", 3 * SECOND);
    rig.run_until(at(5 * SECOND));
    assert!(hear(&mut rig, "5", 6 * SECOND).is_empty());
    assert!(bars(rig.run_until(at(50 * SECOND))).is_empty());
    assert_eq!(closed_until(&mut rig, 62 * SECOND)[0].ticks, 2);
}

#[test]
fn a_bar_closes_by_the_timer_and_none_is_invented() {
    let mut rig = seen(&M1);
    for (text, millis) in [("5", 0), ("9", 20_000), ("3", 40_000), ("4", 59_999)] {
        hear(&mut rig, text, millis);
    }
    assert!(closed_until(&mut rig, 61_999).is_empty());
    assert_eq!(rig.0.next_due(), Some(at(62 * SECOND)));
    let bars = closed_until(&mut rig, 62 * SECOND);
    assert_eq!(bars.len(), 1);
    assert_eq!((bars[0].open_time, bars[0].close_time), (START, at(MINUTE)));
    assert_eq!((ohlc(&bars[0]), bars[0].ticks), (["5", "9", "3", "4"].map(String::from), 4));
    assert!(bars[0].complete);
    assert_eq!(rig.0.next_due(), None, "nothing is due in an empty interval");
    assert!(hear(&mut rig, "7", 5 * MINUTE + 1).is_empty(), "shown in its turn");
    let next = closed_until(&mut rig, 6 * MINUTE + 2 * SECOND);
    assert_eq!((next.len(), next[0].open_time), (1, at(5 * MINUTE)));
    assert!(next[0].complete, "the topic was live all the time");
}

#[test]
fn every_interval_is_built_and_closed_by_itself() {
    let mut rig = seen(&Interval::ALL);
    let day = 24 * 60 * MINUTE;
    let mut all = Vec::new();
    for (n, millis) in (0..=day).step_by(usize::try_from(30 * SECOND).unwrap()).enumerate() {
        all.extend(closed(rig.run_until(at(millis))));
        all.extend(closed(rig.hear("okx", last(&format!("{}", n + 1), at(millis)), at(millis))));
    }
    all.extend(closed_until(&mut rig, day + 2 * SECOND));
    all.retain(|bar| bar.open_time >= START);
    for (interval, count) in Interval::ALL.into_iter().zip([1440, 288, 96, 24, 6, 1]) {
        let of_it: Vec<&Bar> =
            all.iter().filter(|bar| interval.close_of(bar.open_time) == bar.close_time).collect();
        assert_eq!(of_it.len(), count, "{interval}");
        assert!(of_it.iter().all(|bar| bar.complete && bar.high == bar.close));
        assert_eq!(of_it.iter().map(|bar| bar.ticks).sum::<u64>(), 2880);
    }
}

#[test]
fn a_price_of_the_next_interval_does_not_close_the_bar_before() {
    let mut rig = seen(&M1);
    hear(&mut rig, "5", 30 * SECOND);
    rig.run_until(at(59 * SECOND));
    hear(&mut rig, "6", MINUTE + 100);
    let early = bars(rig.run_until(at(61_999)));
    assert!(early.is_empty(), "bars come in order: {early:?}");
    // Received before the boundary, and handed on after it.
    assert!(bars(rig.hear("okx", last("4", at(59_900)), at(61_999))).is_empty());
    let late = bars(rig.run_until(at(63 * SECOND)));
    assert_eq!(late.len(), 2);
    assert!(late[0].1.closed && !late[1].1.closed);
    assert_eq!(ohlc(&late[0].1), ["5", "5", "4", "4"].map(String::from));
    assert_eq!(ohlc(&late[1].1), ["6", "6", "6", "6"].map(String::from));
}

#[test]
fn late_prices_open_nothing_again() {
    let mut rig = seen(&M1);
    hear(&mut rig, "5", 30 * SECOND);
    rig.run_until(at(70 * SECOND));
    for millis in [30 * SECOND, 59_999, -MINUTE] {
        let late = bars(rig.hear("okx", last("9", at(millis)), at(70 * SECOND)));
        assert!(late.is_empty(), "{late:?}");
    }
    // Nothing was received in the second minute, and that stays so.
    hear(&mut rig, "6", 2 * MINUTE + 10 * SECOND);
    let late = rig.hear("okx", last("9", at(90 * SECOND)), at(2 * MINUTE + 11 * SECOND));
    assert!(closed(late).is_empty());
    let bars = closed_until(&mut rig, 10 * MINUTE);
    assert_eq!((bars.len(), bars[0].open_time), (1, at(2 * MINUTE)));
}

#[test]
fn what_waited_for_a_slow_bus_is_not_late() {
    let mut rig = seen(&M1);
    let put = |text, millis| {
        let ticker = last(text, at(millis));
        (topic("okx"), Change::Put(Box::new(tickcast_shared::bus::Body::Ticker(ticker))))
    };
    let waited = vec![put("5", 10_000), put("6", 59_000), put("7", 61_000), put("8", 125_000)];
    let derived = closed(rig.observe(waited, at(130 * SECOND)));
    let shown: Vec<_> = derived.iter().map(|bar| (bar.open_time, ohlc(bar), bar.ticks)).collect();
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0], (START, ["5", "6", "5", "6"].map(String::from), 2));
    assert_eq!(shown[1], (at(MINUTE), ["7", "7", "7", "7"].map(String::from), 1));
}

#[test]
fn only_live_prices_count_and_a_gap_is_owned_up_to() {
    let mut rig = seen(&M1);
    hear(&mut rig, "5", SECOND);
    rig.hear("okx", stale(at(2 * SECOND)), at(2 * SECOND));
    hear(&mut rig, "6", 30 * SECOND);
    rig.hear("okx", stale(at(70 * SECOND)), at(70 * SECOND));
    hear(&mut rig, "7", 130 * SECOND);
    hear(&mut rig, "8", 190 * SECOND);
    let bars = closed_until(&mut rig, 4 * MINUTE + 2 * SECOND);
    let shown: Vec<_> = bars.iter().map(|bar| (bar.open_time, bar.complete)).collect();
    assert_eq!(shown, [(at(3 * MINUTE), true)], "others were closed on the way");
    let mut rig = seen(&M1);
    hear(&mut rig, "5", SECOND);
    rig.hear("okx", stale(at(2 * SECOND)), at(2 * SECOND));
    hear(&mut rig, "6", 30 * SECOND);
    let first = closed_until(&mut rig, 62 * SECOND);
    assert!(!first[0].complete, "{first:?}");
    assert_eq!(ohlc(&first[0]), ["5", "6", "5", "6"].map(String::from), "nothing stale in it");
    hear(&mut rig, "7", 70 * SECOND);
    assert!(closed_until(&mut rig, 122 * SECOND)[0].complete);
}

#[test]
fn prices_that_were_passed_over_leave_bars_incomplete() {
    let mut rig = seen(&M1);
    hear(&mut rig, "5", SECOND);
    rig.0.interrupt();
    hear(&mut rig, "6", 30 * SECOND);
    assert!(!closed_until(&mut rig, 62 * SECOND)[0].complete);
}

#[test]
fn the_topics_go_with_their_ticker_and_come_back_with_it() {
    let mut rig = Rig::new(&["okx"], 0, &[Interval::M1, Interval::H1]);
    assert!(rig.remove("okx", at(0)).is_empty(), "never announced");
    hear(&mut rig, "5", SECOND);
    let removed = rig.remove("okx", at(2 * SECOND));
    let names: Vec<String> = removed.iter().map(|(topic, _)| topic.to_string()).collect();
    assert_eq!(names, ["kline:okx:BTC-USDT:1m", "kline:okx:BTC-USDT:1h"]);
    assert!(removed.iter().all(|(_, change)| *change == Change::Remove));
    assert!(bars(rig.run_until(at(5 * MINUTE))).is_empty());
    let back = hear(&mut rig, "6", 6 * MINUTE + 1);
    assert_eq!(back.len(), 2);
    assert!(!back[0].1.complete);
}

#[test]
fn an_index_has_bars_of_its_value() {
    let mut rig = Rig::new(&["kucoin", "okx"], 2, &M1);
    rig.hear("okx", quote("100", "101", at(1)), at(1));
    let first = bars(rig.hear("kucoin", quote("100", "101", at(2)), at(2)));
    assert_eq!(first.len(), 1, "there is no last price: no bars of the venues");
    assert_eq!(first[0].0, INDEX.replace("ticker", "kline") + ":1m");
    rig.hear("okx", quote("101", "102", at(3)), at(3));
    rig.hear("okx", stale(at(4)), at(4));
    let index = closed(rig.run_until(at(62 * SECOND)));
    assert_eq!(ohlc(&index[0]), ["100.5", "101", "100.5", "101"].map(String::from));
    assert_eq!((index[0].ticks, index[0].complete), (2, false));
}

#[test]
fn without_intervals_there_is_nothing() {
    let mut rig = Rig::new(&["okx"], 0, &[]);
    assert!(hear(&mut rig, "5", 1).is_empty());
    assert_eq!(rig.0.next_due(), None::<Micros>);
}
