//! The store: what is there is given, what is not is asked for once, and its memory is bounded.

use super::*;
use tickcast_shared::{
    market::{BarSource, Interval},
    protocol::MAX_HISTORY,
};

fn topic(number: usize) -> Topic {
    format!("kline:okx:T{number}-USDT:1m").parse().unwrap()
}

fn open(number: i64) -> Micros {
    Micros(number * Interval::M1.micros())
}

fn bar(number: i64) -> Bar {
    let price = "1".parse().unwrap();
    Bar {
        open_time: open(number),
        close_time: open(number + 1),
        open: price,
        high: price,
        low: price,
        close: price,
        ticks: 1,
        closed: true,
        complete: true,
        source: BarSource::Venue,
    }
}

fn bars(numbers: std::ops::Range<i64>) -> Vec<Bar> {
    numbers.map(bar).collect()
}

fn numbers(bars: Option<Vec<Bar>>) -> Option<Vec<i64>> {
    bars.map(|bars| bars.iter().map(|bar| bar.open_time.0 / Interval::M1.micros()).collect())
}

#[test]
fn what_is_missing_is_asked_for_once() {
    let (store, topic) = (BarStore::default(), topic(0));
    assert!(!store.is_wanted(&topic));
    for _ in 0..3 {
        assert_eq!(store.get(&topic, BarsDue::start(2), Some(open(5))), None);
    }
    assert_eq!(store.asked_now(), Some(vec![topic.clone()]));
    assert!(store.asked_now().is_none() && store.is_wanted(&topic));
    assert_eq!(store.read(&topic, bars(0..8), MOST_BARS), Some(open(7)));
    let get = |newest, until| numbers(store.get(&topic, BarsDue::start(newest), Some(open(until))));
    assert_eq!(get(2, 5), Some(vec![4, 5]), "not beyond what has been told");
    assert_eq!(get(100, 1), Some(vec![0, 1]), "there are no more");
    let due = BarsDue::start(1).with(BarsDue::missed(Some(open(2))));
    assert_eq!(numbers(store.get(&topic, due, Some(open(5)))), Some(vec![3, 4, 5]));
    assert!(store.asked_now().is_none());
}

#[test]
fn recent_bars_are_there_without_a_read() {
    let (store, topic) = (BarStore::default(), topic(0));
    bars(0..20).into_iter().for_each(|bar| store.push(&topic, bar));
    let get =
        |after| numbers(store.get(&topic, BarsDue::missed(Some(open(after))), Some(open(19))));
    assert_eq!(get(16), Some(vec![17, 18, 19]));
    assert_eq!(get(11).map(|all| all.len()), Some(RECENT_BARS));
    assert!(store.asked_now().is_none());
    assert_eq!(get(10), None);
    assert!(store.asked_now().is_some());
    assert_eq!(store.read_bars(), 0);
}

#[test]
fn what_closed_while_the_bus_was_read_stays() {
    let mut series = Series::default();
    bars(5..7).into_iter().for_each(|bar| series.push(bar));
    series.read(bars(0..6), MOST_BARS);
    let all = series.get(BarsDue::start(100), Some(open(9)));
    assert_eq!(numbers(all), Some(vec![0, 1, 2, 3, 4, 5, 6]));
    series.push(bar(6));
    assert_eq!(series.len(), 7, "in the place of the one with the same opening");
    series.shrink();
    series.push(bar(7));
    assert!(series.len() == RECENT_BARS && !series.is_read());
}

#[test]
fn a_part_that_was_read_does_not_pass_for_the_whole() {
    let mut series = Series::default();
    series.push(bar(3));
    // Nothing is known of what lies between 3 and 10.
    series.read(bars(10..13), 3);
    assert_eq!(series.get(BarsDue::missed(Some(open(3))), Some(open(12))), None);
    let behind = series.get(BarsDue::missed(Some(open(10))), Some(open(12)));
    assert_eq!(numbers(behind), Some(vec![11, 12]));
}

#[test]
fn memory_is_bounded_by_giving_up_what_was_not_asked_for_longest() {
    let store = BarStore::default();
    let topics = MOST_READ_BARS / MOST_BARS + 10;
    for number in 0..topics {
        let due = BarsDue::start(MAX_HISTORY as usize);
        assert_eq!(store.get(&topic(number), due, Some(open(9999))), None);
        store.read(&topic(number), bars(0..MAX_HISTORY.into()), MOST_BARS);
        assert!(store.read_bars() <= MOST_READ_BARS);
    }
    assert!(!store.is_read(&topic(0)) && store.is_read(&topic(topics - 1)));
    assert!(store.is_wanted(&topic(0)), "its next bars are for its clients all the same");
}
