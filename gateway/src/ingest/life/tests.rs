//! Who may be believed when.

use super::*;
use tickcast_shared::{
    bus::{Body, Stamp},
    market::Ticker,
};

const EPOCH: u64 = 7;

fn live_record() -> Record {
    let mut ticker = Ticker::pending("BTC-USDT", true, Micros(1));
    ticker.enter(State::Live, Reason::NONE, Micros(2));
    ticker.received_ts = Some(Micros(2));
    Record {
        group: Group::new("main"),
        stamp: Stamp { epoch: EPOCH, seq: 1 },
        published: Micros(3),
        body: Body::Ticker(ticker),
    }
}

/// The shard of the record.
fn own_shard() -> ShardId {
    ShardId::new(5).unwrap()
}

fn shown(life: &Life) -> (State, String) {
    let judgement = life.judge(&live_record(), own_shard(), true, false);
    (judgement.state, judgement.reason.as_str().to_owned())
}

#[test]
fn nothing_is_live_after_an_outage_until_its_feed_is_heard_again() {
    let (mut life, start) = (Life::default(), Instant::now());
    let group = Group::new("main");
    assert_eq!(shown(&life), (State::Stale, "bus_lost".into()));
    life.bus_alive(start);
    assert_eq!(shown(&life), (State::Stale, "unproven".into()));
    life.group_heard(&group, EPOCH, own_shard(), None, start);
    assert_eq!(shown(&life), (State::Live, "none".into()));

    life.bus_lost(Micros(9));
    assert_eq!(shown(&life), (State::Stale, "bus_lost".into()));
    // Ten minutes later the bus is back and still has the value; the feed died meanwhile.
    let back = start + Duration::from_secs(600);
    life.bus_alive(back);
    life.excuse_groups(back);
    assert_eq!(shown(&life), (State::Stale, "unproven".into()));
    assert!(life.groups_gone_silent(back + GROUP_SILENCE).is_empty());
    let late = back + GROUP_SILENCE + Duration::from_millis(1);
    assert_eq!(life.groups_gone_silent(late).len(), 1);
    assert_eq!(shown(&life), (State::Stale, "feed_lost".into()));
    assert!(
        life.group_heard(&group, EPOCH, own_shard(), None, late),
        "its values are to be judged anew"
    );
    assert_eq!(shown(&life), (State::Live, "none".into()));
}

#[test]
fn another_epoch_of_the_group_proves_nothing_of_this_one() {
    let (mut life, now) = (Life::default(), Instant::now());
    life.bus_alive(now);
    life.group_heard(&Group::new("main"), EPOCH + 1, own_shard(), None, now);
    assert_eq!(shown(&life), (State::Stale, "unproven".into()));
    let news = life.group_heard(&Group::new("main"), EPOCH, own_shard(), None, now);
    assert!(!news, "a step back is no news");
}

#[test]
fn a_takeover_leaves_a_value_live_until_its_own_writer_has_been_silent_for_too_long() {
    let (mut life, start) = (Life::default(), Instant::now());
    let group = Group::new("main");
    life.bus_alive(start);
    life.group_heard(&group, EPOCH, own_shard(), None, start);
    let taken_over = start + Duration::from_secs(1);
    assert!(life.group_heard(&group, EPOCH + 1, own_shard(), None, taken_over));
    assert_eq!(shown(&life), (State::Live, "none".into()));
    assert!(!life.predecessors_gone(start + GROUP_SILENCE));
    // Its successor speaks, and has not written this topic.
    life.group_heard(&group, EPOCH + 1, own_shard(), None, start + GROUP_SILENCE);
    let late = start + GROUP_SILENCE + Duration::from_millis(1);
    assert!(life.predecessors_gone(late), "its values are to be judged anew");
    assert_eq!(shown(&life), (State::Stale, "unproven".into()));

    life.group_heard(&group, EPOCH + 2, own_shard(), None, late);
    life.bus_lost(Micros(9));
    life.bus_alive(late);
    assert_eq!(shown(&life), (State::Stale, "unproven".into()), "nobody knows what happened");
}

#[test]
fn a_takeover_does_not_revive_a_shard_that_was_silent() {
    let (mut life, start) = (Life::default(), Instant::now());
    let (group, other) = (Group::new("main"), ShardId::new(6).unwrap());
    life.bus_alive(start);
    life.group_heard(&group, EPOCH, own_shard(), None, start);
    let late = start + GROUP_SILENCE + Duration::from_millis(1);
    life.group_heard(&group, EPOCH, other, None, late);
    life.groups_gone_silent(late);
    assert!(life.group_heard(&group, EPOCH + 1, other, None, late));
    assert_eq!(shown(&life).0, State::Stale);
}

#[test]
fn a_living_group_speaks_for_an_exchange_before_a_silent_one() {
    let (mut life, now) = (Life::default(), Instant::now());
    life.bus_alive(now);
    let link = |reconnects| LinkStatus {
        exchange: "kucoin".parse().unwrap(),
        state: LinkState::Live,
        reason: Reason::NONE,
        since: Micros(1),
        proven: Some(Micros(1)),
        reconnects,
        source: tickcast_shared::market::Source::Stream,
    };
    let beat = |reconnects| Heartbeat { sent: Micros(5), links: vec![link(reconnects)] };
    life.group_heard(&Group::new("old"), 9, own_shard(), Some(&beat(1)), now);
    let later = now + GROUP_SILENCE + Duration::from_secs(1);
    life.group_heard(&Group::new("new"), 5, own_shard(), Some(&beat(2)), later);
    life.groups_gone_silent(later);
    let exchanges = life.exchanges();
    let (_, kucoin) = exchanges.first_key_value().unwrap();
    assert_eq!((kucoin.judgement.state, kucoin.link.reconnects), (State::Live, 2));
}

#[test]
fn an_age_is_told_by_the_feeds_clock_and_our_monotonic_time() {
    let (mut life, now) = (Life::default(), Instant::now());
    let topic: Topic = "ticker:kucoin:BTC-USDT".parse().unwrap();
    let beat = Heartbeat { sent: Micros(2_000_002), links: Vec::new() };
    life.group_heard(&Group::new("main"), EPOCH, own_shard(), Some(&beat), now);
    let wrong_wall_clock = Micros(3_600_000_000);
    let age = life.age(&topic, &live_record(), now + Duration::from_secs(1), wrong_wall_clock);
    assert_eq!(age, Some(Duration::from_secs(3)));
}

#[test]
fn a_shard_on_which_nothing_comes_is_stale_while_others_live() {
    let (mut life, start) = (Life::default(), Instant::now());
    let (group, other) = (Group::new("main"), ShardId::new(6).unwrap());
    life.bus_alive(start);
    life.group_heard(&group, EPOCH, other, None, start);
    assert_eq!(shown(&life), (State::Stale, "unproven".into()), "not heard here yet");
    life.group_heard(&group, EPOCH, own_shard(), None, start);
    assert_eq!(shown(&life), (State::Live, "none".into()));
    let late = start + GROUP_SILENCE + Duration::from_millis(1);
    life.group_heard(&group, EPOCH, other, None, late);
    assert_eq!(life.groups_gone_silent(late), [(group.clone(), 15)]);
    assert_eq!(shown(&life), (State::Stale, "feed_lost".into()));
    assert!(life.is_alive(&group, other) && !life.is_alive(&group, own_shard()));
    assert_eq!(life.groups[&group].standing, Standing::Alive, "its links are known");
    assert!(life.group_heard(&group, EPOCH, own_shard(), None, late));
    assert_eq!(shown(&life), (State::Live, "none".into()));
}

#[test]
fn a_shard_that_was_unsubscribed_is_to_be_proven_again() {
    let (mut life, start) = (Life::default(), Instant::now());
    let group = Group::new("main");
    life.bus_alive(start);
    life.group_heard(&group, EPOCH, own_shard(), None, start);
    life.shard_lost(own_shard());
    assert_eq!(shown(&life), (State::Stale, "unproven".into()));
    let back = start + Duration::from_secs(60);
    life.shard_subscribed(own_shard(), back);
    let gone = life.groups_gone_silent(back + GROUP_SILENCE);
    assert_eq!(gone, [(group.clone(), 15)], "counted from its return");
    life.group_heard(&group, EPOCH, own_shard(), None, back);
    assert_eq!(shown(&life), (State::Live, "none".into()));
}
