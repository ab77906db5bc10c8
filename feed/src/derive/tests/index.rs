//! The index by its rules.

use super::rig::{INDEX, Rig, START, at, indexes, price, quote, stale, topic};
use crate::derive::{Derive, Rules};
use tickcast_shared::{
    bus::Index,
    market::{Reason, Source, State, Ticker},
};

const THREE: [&str; 3] = ["binance", "kucoin", "okx"];

fn shown(index: &Index) -> (State, Reason, Option<String>) {
    let ticker = &index.ticker;
    (ticker.state, ticker.reason.clone(), ticker.last_price.map(|price| price.to_string()))
}

fn live(text: &str) -> (State, Reason, Option<String>) {
    (State::Live, Reason::NONE, Some(text.into()))
}

fn stale_at(text: &str, reason: Reason) -> (State, Reason, Option<String>) {
    (State::Stale, reason, Some(text.into()))
}

fn sources(index: &Index) -> Vec<(String, String)> {
    let source =
        |it: &tickcast_shared::bus::IndexSource| (it.exchange.to_string(), it.price.to_string());
    index.sources.iter().map(source).collect()
}

fn excluded(index: &Index) -> Vec<(String, String)> {
    index.excluded.iter().map(|it| (it.exchange.to_string(), it.reason.to_string())).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(one, two)| ((*one).to_owned(), (*two).to_owned())).collect()
}

/// The one index that follows.
fn one(rig: &mut Rig, exchange: &str, ticker: Ticker, millis: i64) -> Index {
    let mut all = indexes(rig.hear(exchange, ticker, at(millis)));
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn none(rig: &mut Rig, exchange: &str, ticker: Ticker, millis: i64) {
    assert_eq!(indexes(rig.hear(exchange, ticker, at(millis))), []);
}

#[test]
fn it_is_announced_where_enough_venues_are_configured() {
    let ticker = Ticker::pending("X", true, START);
    let topics =
        ["ticker:okx:A-USDT", "ticker:kucoin:A-USDT", "ticker:okx:A-USD", "ticker:okx:B-USDT"];
    let tickers: Vec<_> = topics.map(|it| (it.parse().unwrap(), ticker.clone())).into();
    let announced = |index_quorum| {
        let rules = Rules { index_quorum, intervals: Vec::new() };
        Derive::new(rules, &tickers, START).announced()
    };
    let two = announced(2);
    assert_eq!(two.len(), 1, "USD and USDT are different quotes");
    assert_eq!(two[0].0.as_str(), "ticker:index:A-USDT");
    let pending = two[0].1.ticker().unwrap();
    assert_eq!((pending.state, pending.simulated), (State::Pending, true));
    assert_eq!(announced(1).len(), 3);
    assert!(announced(3).is_empty() && announced(0).is_empty(), "0 switches it off");
}

#[test]
fn it_is_the_median_of_middles_and_begins_with_the_quorum() {
    let mut rig = Rig::new(&THREE, 2, &[]);
    none(&mut rig, "okx", quote("100", "101", at(1)), 1);
    let two = one(&mut rig, "kucoin", quote("100.2", "100.3", at(2)), 2);
    assert_eq!(shown(&two), live("100.375"), "two venues: the mean of 100.5 and 100.25");
    assert_eq!(two.ticker.received_ts, Some(at(2)));
    assert!(two.ticker.bid_price.is_none() && two.ticker.ask_price.is_none());
    assert_eq!(excluded(&two), pairs(&[("binance", "pending")]));
    let mut far_last = quote("100.30", "100.30", at(3));
    far_last.last_price = Some(price("50"));
    let three = one(&mut rig, "binance", far_last, 3);
    assert_eq!(shown(&three), live("100.3"), "the last price has no say, zeros go");
    let all = pairs(&[("binance", "100.3"), ("kucoin", "100.25"), ("okx", "100.5")]);
    assert_eq!((sources(&three), excluded(&three)), (all, Vec::new()));
}

#[test]
fn of_three_the_one_that_is_too_far_off_is_left_out() {
    let mut rig = Rig::new(&THREE, 2, &[]);
    none(&mut rig, "binance", quote("100", "100", at(1)), 1);
    one(&mut rig, "okx", quote("100.1", "100.1", at(1)), 1);
    one(&mut rig, "kucoin", quote("100.4", "100.4", at(1)), 1);
    let far = one(&mut rig, "okx", quote("101.5", "101.5", at(2)), 2);
    assert_eq!(shown(&far), live("100.2"), "the median taken again");
    assert_eq!(excluded(&far), pairs(&[("okx", "outlier")]));
    let at_the_limit = one(&mut rig, "okx", quote("101.404", "101.404", at(3)), 3);
    assert_eq!(shown(&at_the_limit), live("100.4"), "1 % from the median still counts");
}

#[test]
fn when_none_agree_there_is_no_index() {
    let mut rig = Rig::new(&THREE, 2, &[]);
    none(&mut rig, "binance", quote("100", "100", at(1)), 1);
    one(&mut rig, "kucoin", quote("100", "100", at(1)), 1);
    one(&mut rig, "okx", quote("110", "110", at(1100)), 1100);
    let lost = one(&mut rig, "kucoin", quote("105", "105", at(1200)), 1200);
    assert_eq!(shown(&lost), stale_at("100", Reason::QUORUM));
    assert_eq!(excluded(&lost), pairs(&[("binance", "outlier"), ("okx", "outlier")]));
}

#[test]
fn two_that_disagree_make_it_stale_until_they_agree() {
    let mut rig = Rig::new(&["kucoin", "okx"], 2, &[]);
    none(&mut rig, "okx", quote("100", "100", at(1)), 1);
    one(&mut rig, "kucoin", quote("101", "101", at(1)), 1);
    let apart = one(&mut rig, "kucoin", quote("101.1", "101.1", at(2)), 2);
    assert_eq!(shown(&apart), stale_at("100.5", Reason::DISAGREE));
    assert_eq!(apart.ticker.state_since, at(2));
    none(&mut rig, "kucoin", quote("102", "102", at(3)), 3);
    assert_eq!(shown(&one(&mut rig, "kucoin", quote("101", "101", at(4)), 4)), live("100.5"));
}

#[test]
fn below_the_quorum_it_keeps_its_last_value_as_stale() {
    let mut rig = Rig::new(&["kucoin", "okx"], 2, &[]);
    none(&mut rig, "okx", quote("100", "100", at(1)), 1);
    one(&mut rig, "kucoin", quote("100", "100", at(1)), 1);
    let lost = one(&mut rig, "okx", stale(at(2)), 2);
    assert_eq!(shown(&lost), stale_at("100", Reason::QUORUM));
    assert_eq!(excluded(&lost), pairs(&[("okx", "stale")]));
    assert_eq!(sources(&lost), pairs(&[("kucoin", "100")]));
    let none = one(&mut rig, "kucoin", stale(at(1500)), 1500);
    assert_eq!(excluded(&none), pairs(&[("kucoin", "stale"), ("okx", "stale")]));
    assert_eq!(none.ticker.received_ts, Some(at(1)));
}

#[test]
fn venues_come_and_go_and_the_index_with_them() {
    let mut rig = Rig::new(&["kucoin"], 2, &[]);
    assert!(rig.0.announced().is_empty());
    let pending = Ticker::pending("BTCUSDT", true, START);
    let announced = one(&mut rig, "okx", pending, 1);
    assert_eq!((announced.ticker.state, announced.ticker.simulated), (State::Pending, true));
    none(&mut rig, "okx", quote("100", "100", at(2)), 2);
    one(&mut rig, "kucoin", quote("100", "100", at(2)), 2);
    let three = one(&mut rig, "binance", quote("100.1", "100.1", at(1100)), 1100);
    assert_eq!(sources(&three).len(), 3, "it changes the sources alone, and a second is over");
    let two = indexes(rig.remove("okx", at(2200)));
    assert_eq!((sources(&two[0]).len(), excluded(&two[0]).len()), (2, 0));
    let removed = rig.remove("binance", at(2300));
    assert_eq!(removed, [(INDEX.parse().unwrap(), crate::outbox::Change::Remove)]);
    none(&mut rig, "kucoin", quote("99", "99", at(2400)), 2400);
    let back = one(&mut rig, "okx", quote("99", "99", at(2500)), 2500);
    assert_eq!(shown(&back), live("99"));
}

#[test]
fn a_quorum_of_one_is_enough_where_it_is_configured() {
    let mut rig = Rig::new(&["okx"], 1, &[]);
    assert_eq!(shown(&one(&mut rig, "okx", quote("100", "101", at(1)), 1)), live("100.5"));
}

#[test]
fn a_quote_that_means_little_does_not_count_and_says_why() {
    let cases = [
        (quote("98.9", "101.1", at(9)), "wide_spread"),
        (quote("101", "100", at(9)), "crossed"),
        (Ticker { ask_price: None, ..quote("100", "101", at(9)) }, "no_quote"),
        (Ticker { state: State::Halted, ..quote("100", "101", at(9)) }, "halted"),
        (Ticker { state: State::Pending, ..quote("100", "101", at(9)) }, "pending"),
        (Ticker { state: State::Stale, ..quote("100", "101", at(9)) }, "stale"),
    ];
    for (ticker, reason) in cases {
        let mut rig = Rig::new(&THREE, 2, &[]);
        rig.hear("binance", ticker, at(9));
        none(&mut rig, "kucoin", quote("100", "100", at(9)), 9);
        let index = one(&mut rig, "okx", quote("99", "101", at(9)), 9);
        assert_eq!(excluded(&index), pairs(&[("binance", reason)]), "2 % of spread is allowed");
    }
}

#[test]
fn other_sources_alone_are_told_once_a_second() {
    let mut rig = Rig::new(&THREE, 2, &[]);
    none(&mut rig, "binance", quote("100", "100", at(1000)), 1000);
    one(&mut rig, "kucoin", quote("100", "100", at(1000)), 1000);
    none(&mut rig, "okx", quote("100", "100", at(1300)), 1300);
    assert_eq!(rig.0.next_due(), Some(at(2000)));
    none(&mut rig, "okx", quote("100", "100", at(1400)), 1400);
    let told = indexes(rig.pass_time(at(2000)));
    assert_eq!((told.len(), sources(&told[0]).len()), (1, 3));
    assert_eq!(rig.0.next_due(), None);
    none(&mut rig, "okx", stale(at(2100)), 2100);
    none(&mut rig, "okx", quote("100", "100", at(2200)), 2200);
    assert_eq!(indexes(rig.pass_time(at(3000))), [], "as it was published");
    let late = one(&mut rig, "okx", stale(at(9000)), 9000);
    assert_eq!(shown(&late), live("100"), "after a pause at once");
}

#[test]
fn it_owns_up_to_simulated_and_polled_sources() {
    let mut rig = Rig::new(&["kucoin", "okx"], 2, &[]);
    none(&mut rig, "okx", quote("100", "100", at(1)), 1);
    let real = one(&mut rig, "kucoin", quote("100", "100", at(1)), 1);
    assert!(!real.ticker.simulated && real.ticker.source == Source::Stream);
    let simulated = Ticker { simulated: true, source: Source::Poll, ..quote("100", "100", at(2)) };
    let mixed = one(&mut rig, "okx", simulated, 2);
    assert!(mixed.ticker.simulated, "told at once, although the price is the same");
    assert_eq!(mixed.ticker.source, Source::Poll);
}

#[test]
fn what_is_no_part_of_an_index_is_passed_over() {
    let mut rig = Rig::new(&["kucoin", "okx"], 2, &[]);
    none(&mut rig, "index", quote("100", "100", at(1)), 1);
    assert_eq!(rig.0.announced()[0].0.as_str(), INDEX);
    assert!(rig.observe(vec![(topic("bybit"), crate::outbox::Change::Remove)], at(2)).is_empty());
}
