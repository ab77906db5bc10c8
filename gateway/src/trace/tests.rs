//! Who follows what, and how reports are put together.

use super::{
    assembly::{Assembly, PATIENCE},
    line::{Clock, Outcome},
    *,
};
use crate::{
    hub::{Quote, Tick, TopicId},
    wire::Frames,
};
use std::time::Duration;
use tickcast_shared::{
    bus::{Body, Heartbeat, Stamp},
    market::{Reason, State, Ticker},
};

const HOUR: Duration = Duration::from_secs(3600);

fn topic(name: &str) -> Topic {
    format!("ticker:kucoin:{name}").parse().unwrap()
}

fn record(seq: u64) -> Arc<Record> {
    let mut ticker = Ticker::pending("BTC-USDT", true, Micros(1));
    ticker.enter(State::Live, Reason::NONE, Micros(1));
    ticker.exchange_ts = Some(Micros(900_000 + 1_000 * seq as i64));
    ticker.received_ts = Some(Micros(1_000_000 + 1_000 * seq as i64));
    Arc::new(Record {
        group: Group::new("main"),
        stamp: Stamp { epoch: 7, seq },
        published: Micros(1_000_100 + 1_000 * seq as i64),
        body: Body::Ticker(ticker),
    })
}

fn fresh(seq: u64) -> Vec<Update> {
    vec![Update::Tick(Arc::new(Tick {
        id: TopicId(3),
        topic: topic("BTC-USDT"),
        stamp: Stamp { epoch: 7, seq },
        quote: Quote { state: State::Live, last: None, bid: None, ask: None },
        bar: None,
        frames: Frames::new(b"{}".to_vec()),
        mark: None,
    }))]
}

fn marked(updates: &[Update]) -> Option<&Mark> {
    match updates {
        [Update::Tick(tick)] => tick.mark.as_deref(),
        _ => panic!("one tick"),
    }
}

fn heartbeat(sent: i64, bus: i64) -> Message {
    Message {
        n: 1,
        group: Group::new("main"),
        epoch: 7,
        bus_time: Micros(bus),
        puts: Vec::new(),
        removes: Vec::new(),
        heartbeat: Some(Heartbeat { sent: Micros(sent), links: Vec::new() }),
    }
}

/// Times of the update `seq`: by the bus's clock 200 us after it was sealed, taken 300 us after.
fn arrival(seq: u64, clock: i64) -> Arrival {
    let published = record(seq).published.0;
    Arrival { bus: Some(Micros(published + 200 + clock)), taken: Micros(published + 300) }
}

fn passed(shard: usize, seq: u64) -> Passed {
    let taken = arrival(seq, 0).taken.0;
    Passed {
        shard,
        id: TopicId(3),
        stamp: Stamp { epoch: 7, seq },
        began: Micros(taken + 50),
        written: Some(Micros(taken + 80 + 10 * shard as i64)),
        sockets: 2,
        blocked: 0,
        held: 0,
        left_out: 0,
    }
}

async fn following(tracers: &Tracers, traces: &mut Traces, name: &str) -> probe::Reports {
    let slot = tracers.slot().expect("a place");
    let reports = tracers.follow(topic(name), slot, Instant::now() + HOUR).await.unwrap();
    let probe = traces.joined().await;
    traces.add(probe);
    reports
}

#[test]
fn without_a_trace_no_update_is_marked_and_no_clock_is_compared() {
    let (_tracers, mut traces) = Tracers::new(&Queues::default(), false);
    assert!(traces.is_idle());
    traces.heard(&heartbeat(1, 2), Micros(3));
    assert!(traces.clocks.is_empty());
    assert!(!traces.wants(&topic("BTC-USDT"), &record(1)));
}

#[tokio::test]
async fn only_the_followed_topic_is_marked_and_only_for_as_long_as_someone_reads() {
    let (tracers, mut traces) = Tracers::new(&Queues::default(), false);
    let mut reports = following(&tracers, &mut traces, "BTC-USDT").await;
    assert!(!traces.wants(&topic("BTC-USDT"), &record(1)), "the feed's clock is not known yet");
    traces.heard(&heartbeat(1_000_000, 1_000_100), Micros(1_000_200));
    assert!(traces.wants(&topic("BTC-USDT"), &record(1)));
    assert!(!traces.wants(&topic("ETH-USDT"), &record(1)));
    let mut updates = fresh(1);
    traces.mark(record(1), &arrival(1, 0), &mut updates);
    assert!(marked(&updates).is_some());
    assert!(matches!(reports.next().await, Some(Seen::Taken(taken)) if taken.id == TopicId(3)));
    // An older value leads to no update, and is not told of.
    let mut updates = fresh(2);
    traces.mark(record(1), &arrival(1, 0), &mut updates);
    assert!(marked(&updates).is_none());
    drop(reports);
    traces.prune(Instant::now());
    assert!(traces.is_idle() && traces.clocks.is_empty());
}

#[tokio::test]
async fn there_are_only_so_many_traces_and_each_ends() {
    let (tracers, mut traces) = Tracers::new(&Queues::default(), false);
    let mut running = Vec::new();
    for _ in 0..MAX_TRACES {
        running.push(following(&tracers, &mut traces, "BTC-USDT").await);
    }
    assert!(tracers.slot().is_none());
    traces.prune(Instant::now() + HOUR);
    assert!(traces.is_idle() && tracers.slot().is_some(), "its place is free again");
    assert!(running[0].next().await.is_none());
}

#[tokio::test]
async fn who_does_not_read_loses_reports_and_delays_nobody() {
    let queues = Queues::default();
    let (tracers, mut traces) = Tracers::new(&queues, false);
    let reports = following(&tracers, &mut traces, "BTC-USDT").await;
    traces.heard(&heartbeat(1_000_000, 1_000_100), Micros(1_000_200));
    let more = 25;
    for seq in 0..(probe::CAPACITY + more) as u64 {
        traces.mark(record(seq), &arrival(seq, 0), &mut fresh(seq));
    }
    assert_eq!(reports.take_dropped(), more as u64);
    assert_eq!(reports.take_dropped(), 0, "told once");
    let row = queues.rows().into_iter().find(|row| row.name == "trace").unwrap();
    assert_eq!((row.depth, row.dropped), (probe::CAPACITY, more as u64));
}

fn taken(seq: u64, clock: i64) -> Seen {
    let mut clocks = Clocks::default();
    clocks.heard(Some(Micros(0)), Micros(150 + clock), Micros(250));
    let (record, arrival) = (record(seq), arrival(seq, clock));
    clocks.published(record.published, arrival.bus.unwrap(), arrival.taken);
    Seen::Taken(Arc::new(Taken {
        id: TopicId(3),
        topic: topic("BTC-USDT"),
        state: State::Live,
        record,
        arrival,
        skew: clocks.skew(),
    }))
}

#[test]
fn the_hops_of_an_update_add_up_and_the_slowest_shard_counts() {
    let (mut assembly, now) = (Assembly::new(2), Instant::now());
    assert!(assembly.take(taken(1, 0), now).is_empty());
    assert!(assembly.take(Seen::Passed(passed(1, 1)), now).is_empty());
    let told = assembly.take(Seen::Passed(passed(0, 1)), now);
    let [update] = &told[..] else { panic!("{told:?}") };
    assert_eq!((update.outcome, update.sockets), (Outcome::Written, 4));
    let hops = update.hops;
    let all = [hops.venue_to_feed, hops.in_feed, hops.to_bus, hops.to_gateway, hops.to_pass];
    let us = all.map(|hop| hop.map(|hop| hop.us));
    assert_eq!(us, [100_000, 100, 200, 100, 50].map(Some));
    assert_eq!(hops.to_sockets.map(|hop| hop.us), Some(40), "shard 1 was later");
    assert_eq!(hops.total.map(|hop| hop.us), Some(100 + 200 + 100 + 50 + 40));
    assert!(all.iter().flatten().all(|hop| hop.clock == Clock::Agrees));
}

#[test]
fn the_bus_clock_an_hour_off_is_no_delay() {
    let hour_us = 3_600_000_000;
    for clock in [hour_us, -hour_us] {
        let mut assembly = Assembly::new(1);
        assembly.take(taken(1, clock), Instant::now());
        let told = assembly.take(Seen::Passed(passed(0, 1)), Instant::now());
        let hops = told[0].hops;
        // The fastest took 150 us to the bus and 100 us from there.
        let [to_bus, to_gateway] = [hops.to_bus, hops.to_gateway].map(Option::unwrap);
        assert_eq!((to_bus.us, to_bus.clock), (50, Clock::Corrected));
        assert_eq!((to_gateway.us, to_gateway.clock), (0, Clock::Corrected));
        assert_eq!(hops.total.unwrap().clock, Clock::Agrees, "feed and gateway agree");
    }
}

#[test]
fn an_update_that_a_newer_one_replaced_is_conflated() {
    let (mut assembly, now) = (Assembly::new(2), Instant::now());
    assembly.take(taken(1, 0), now);
    assembly.take(taken(2, 0), now);
    assert!(assembly.take(Seen::Passed(passed(0, 2)), now).is_empty());
    let told = assembly.take(Seen::Passed(passed(1, 2)), now);
    let outcomes: Vec<_> = told.iter().map(|it| (it.seq, it.outcome)).collect();
    assert_eq!(outcomes, [(1, Outcome::Conflated), (2, Outcome::Written)]);
    assert_eq!((told[0].hops.total, told[0].conflated_shards), (None, 2));
}

#[test]
fn a_report_that_never_comes_holds_others_up_for_a_moment_only() {
    let (mut assembly, now) = (Assembly::new(1), Instant::now());
    assembly.take(taken(1, 0), now);
    assert!(assembly.overdue(now).is_empty());
    assert_eq!(assembly.due(), Some(now + PATIENCE));
    let told = assembly.overdue(now + PATIENCE);
    assert_eq!(told[0].outcome, Outcome::Unfinished);
    assert_eq!(assembly.due(), None);
}

#[test]
fn what_became_of_it_is_told_from_the_members_it_did_not_reach() {
    let nobody = Passed { sockets: 0, written: None, ..passed(0, 1) };
    for (passed, outcome) in [
        (nobody, Outcome::Unwanted),
        (Passed { held: 3, ..nobody }, Outcome::Held),
        (Passed { left_out: 2, held: 3, ..nobody }, Outcome::Conflated),
        (Passed { blocked: 1, held: 3, ..nobody }, Outcome::Blocked),
    ] {
        let mut assembly = Assembly::new(1);
        assembly.take(taken(1, 0), Instant::now());
        let told = assembly.take(Seen::Passed(passed), Instant::now());
        assert_eq!(told[0].outcome, outcome);
        assert_eq!(told[0].hops.total, None);
    }
}

#[test]
fn a_value_that_is_written_again_came_from_no_new_frame() {
    let mut assembly = Assembly::new(1);
    let mut tell = |seq, of: u64| {
        let Seen::Taken(it) = taken(of, 0) else { unreachable!() };
        let stamp = Stamp { epoch: 7, seq };
        let record = Arc::new(Record { stamp, ..(*it.record).clone() });
        let (topic, arrival) = (it.topic.clone(), it.arrival.clone());
        let again = Taken { id: it.id, topic, state: it.state, record, arrival, skew: it.skew };
        assembly.take(Seen::Taken(Arc::new(again)), Instant::now());
        assembly.take(Seen::Passed(Passed { stamp, ..passed(0, of) }), Instant::now())
    };
    assert!(tell(1, 1)[0].received_ts.is_some());
    let again = tell(2, 1);
    assert_eq!((again[0].received_ts, again[0].hops.in_feed), (None, None));
    assert!(again[0].hops.total.is_some(), "from where it was sealed");
}
