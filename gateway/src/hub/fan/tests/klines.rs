//! Bars against a naive model: whatever is slow, full, lost or late, each client is sent each bar that
//! closes exactly once and in order, in a `kline` or in `klines`.

use super::socket::Socket;
use crate::{
    bars::{
        BarStore,
        reader::{Done, Job},
    },
    client::conn::Written,
    hub::{
        Change, Key, Quote, Settings, Table, Tick, TopicId, Update, fan::Fan, members::MemberId,
        pass::Batch,
    },
    ingest::lines::Lines,
    wire::{Encoding, Frames, encode},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    io::Cursor,
    sync::Arc,
};
use tickcast_shared::{
    bus::{Body, Error, Group, Record, ShardId, Stamp},
    clock::Micros,
    conflate::Conflating,
    market::{Bar, BarSource, Interval, State, Topic},
    protocol::KlineMessage,
};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

const TOPICS: u32 = 2;
const CLIENTS: usize = 4;
/// 2026-01-01 00:00 UTC.
const START: i64 = 1_767_225_600_000_000;
const MINUTE: i64 = 60_000_000;

#[derive(Debug, Clone)]
enum Step {
    Subscribe {
        who: usize,
        topic: u32,
        history: usize,
        interval_ms: u32,
    },
    Unsubscribe {
        who: usize,
        topic: u32,
    },
    /// A bar moves, or closes; its message may be lost.
    Bar {
        topic: u32,
        closes: bool,
        lost: bool,
    },
    /// The stream is known to be whole again.
    Whole,
    /// The bus answers, or does not.
    Answer {
        fails: bool,
    },
    Look,
    /// What waits for the shard reaches it, after the mailbox had so much room.
    Pass {
        room: usize,
    },
    Read {
        who: usize,
        count: usize,
    },
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 0..CLIENTS;
    let subscribe = (who(), 0..TOPICS, prop_oneof![Just(0), Just(2), Just(100)], any::<bool>());
    let step = prop_oneof![
        4 => subscribe.prop_map(|(who, topic, history, slow)| Step::Subscribe {
            who, topic, history, interval_ms: if slow { 5000 } else { 0 }
        }),
        1 => (who(), 0..TOPICS).prop_map(|(who, topic)| Step::Unsubscribe { who, topic }),
        10 => (0..TOPICS, any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(topic, closes, lost)| Step::Bar { topic, closes, lost }),
        2 => Just(Step::Whole),
        4 => prop::bool::weighted(0.2).prop_map(|fails| Step::Answer { fails }),
        1 => Just(Step::Look),
        6 => (0..6_usize).prop_map(|room| Step::Pass { room }),
        4 => (who(), 1..1500_usize).prop_map(|(who, count)| Step::Read { who, count }),
        1 => (0..8_000_000_i64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..80)
}

/// A client and its socket.
#[derive(Debug)]
struct Client {
    member: MemberId,
    socket: Socket,
    waits: bool,
}

/// The way of bars from the bus to sockets.
#[derive(Debug)]
struct Rig {
    fan: Fan,
    store: BarStore,
    lines: Lines,
    is_whole: bool,
    jobs: VecDeque<Job>,
    mailbox: Vec<(Key, Update)>,
    /// How many bars of each topic the bus keeps; the next one is in progress.
    closed: [i64; TOPICS as usize],
    seq: u64,
    clients: Vec<Client>,
    now: Micros,
}

fn topic(number: u32) -> Topic {
    format!("kline:okx:T{number}-USDT:1m").parse().unwrap()
}

fn bar(number: i64, closed: bool) -> Bar {
    let open_time = Micros(START + number * MINUTE);
    let price = "1".parse().unwrap();
    Bar {
        open_time,
        close_time: Interval::M1.close_of(open_time),
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

impl Rig {
    fn new(capacities: [usize; CLIENTS]) -> Self {
        let store = BarStore::default();
        let mut fan = Fan::new(100, store.clone());
        let mut client = |capacity| Client {
            member: fan.enter(Encoding::default()),
            socket: Socket::new(capacity),
            waits: false,
        };
        let clients = capacities.map(&mut client).into();
        Self {
            fan,
            lines: Lines::new(store.clone()),
            store,
            is_whole: true,
            jobs: VecDeque::new(),
            mailbox: Vec::new(),
            closed: [3; TOPICS as usize],
            seq: 0,
            clients,
            now: Micros(START),
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Subscribe { who, topic, history, interval_ms } => {
                self.subscribe(who, topic, history, interval_ms);
            }
            Step::Unsubscribe { who, topic } => self.unsubscribe(who, topic),
            Step::Bar { topic, closes, lost } => self.bar(topic, closes, lost),
            Step::Whole => self.whole(),
            Step::Answer { fails } => self.answer(fails),
            Step::Look => self.look(),
            Step::Pass { room } => self.pass(room),
            Step::Read { who, count } => {
                self.clients[who].socket.read(count);
                if self.clients[who].waits {
                    self.flush(who);
                }
            }
            Step::Wait(micros) => self.now.0 += micros,
        }
        self.jobs.extend(self.lines.jobs());
    }

    fn bar(&mut self, number: u32, closes: bool, lost: bool) {
        let name = topic(number);
        let bar = bar(self.closed[number as usize], closes);
        self.closed[number as usize] += i64::from(closes);
        if lost {
            self.is_whole = false;
            ShardId::all().for_each(|shard| self.lines.distrust(shard));
            return;
        }
        self.seq += 1;
        let stamp = Stamp { epoch: 1, seq: self.seq };
        let body = Body::Kline(bar.clone());
        let record = Record { group: Group::new("main"), stamp, published: self.now, body };
        let id = TopicId(number);
        let Some(mark) = self.lines.bar(&name, id, &record, &bar, self.is_whole) else { return };
        let tick = Tick {
            id,
            topic: name.clone(),
            stamp,
            quote: Quote { state: State::Live, last: None, bid: None, ask: None },
            bar: Some(mark),
            frames: Frames::of(&KlineMessage::new(&name, stamp, &bar)),
        };
        self.mailbox.push(Update::Tick(Arc::new(tick)).keyed());
    }

    fn whole(&mut self) {
        self.is_whole = true;
        let now = Micros(START + (self.closed.iter().max().unwrap() + 1) * MINUTE);
        ShardId::all().for_each(|shard| self.lines.settle(shard, now));
    }

    fn look(&mut self) {
        let is_whole = self.is_whole;
        self.lines.look(|_| is_whole);
    }

    /// The bus answers what it was asked first.
    fn answer(&mut self, fails: bool) {
        self.asked();
        let Some(job) = self.jobs.pop_front() else { return };
        let number = (0..TOPICS).find(|it| topic(*it) == job.topic).unwrap();
        let kept = self.closed[number as usize];
        let first = (kept - i64::try_from(job.limit).unwrap()).max(0);
        let bars: Vec<Bar> = (first..kept).map(|it| bar(it, true)).collect();
        let bars = if fails { Err(Error::Link("gone".into())) } else { Ok(bars) };
        let is_whole = self.is_whole;
        let update = self.lines.read(Done { job, bars }, |_| is_whole);
        self.mailbox.extend(update.map(Update::keyed));
    }

    /// What the shard has asked for reaches the ingest.
    fn asked(&mut self) {
        if let Some(topics) = self.store.asked_now() {
            self.lines.asked(topics);
        }
        self.jobs.extend(self.lines.jobs());
    }

    fn subscribe(&mut self, who: usize, number: u32, history: usize, interval_ms: u32) {
        let Some(id) = self.fan.topics.find(&topic(number)) else { return };
        let said = json!({"type": "subscribed", "topic": number, "history": history});
        let mut table = (*self.fan.table(self.clients[who].member)).clone();
        table.add_topic(id, Settings { interval_ms, ..Settings::default() });
        self.change(who, table, &said, vec![id], history);
    }

    fn unsubscribe(&mut self, who: usize, number: u32) {
        let mut table = (*self.fan.table(self.clients[who].member)).clone();
        table.remove_topic(TopicId(number));
        let said = json!({"type": "unsubscribed", "topic": number});
        self.change(who, table, &said, Vec::new(), 0);
    }

    fn change(
        &mut self,
        who: usize,
        table: Table,
        said: &Value,
        due: Vec<TopicId>,
        history: usize,
    ) {
        let answer = encode::text(said.to_string().as_bytes());
        let change = Change { answer, due, history, ..Change::default() };
        self.fan.change(self.clients[who].member, table, change, self.now);
        self.flush(who);
    }

    fn pass(&mut self, room: usize) {
        let mut mailbox = Conflating::new(room);
        for (key, update) in std::mem::take(&mut self.mailbox) {
            mailbox.push(key, update);
        }
        self.fan.begin(&mailbox.take(), self.now);
        let mut batch = Batch::default();
        let mut goes_on = true;
        while goes_on {
            goes_on = self.fan.next_writes(2, &mut batch, self.now);
            for (member, payload) in &batch.writes {
                let client = self.clients.iter_mut().find(|it| it.member == *member).unwrap();
                let bytes = &batch.payloads[*payload as usize];
                if let Written::Part(count) = client.socket.write(bytes) {
                    client.waits = true;
                    self.fan.cut(*member, count, self.now);
                }
            }
        }
        for member in self.fan.end() {
            let who = self.clients.iter().position(|it| it.member == member).unwrap();
            self.flush(who);
        }
    }

    fn flush(&mut self, who: usize) {
        let client = &mut self.clients[who];
        client.waits = false;
        while let Some(piece) = self.fan.next_piece(client.member) {
            let whole = piece.len();
            match client.socket.write(piece) {
                Written::All => self.fan.accepted(client.member, whole, self.now),
                Written::Part(count) => {
                    self.fan.accepted(client.member, count, self.now);
                    client.waits = true;
                    return;
                }
                Written::Gone => unreachable!("simulated sockets do not break"),
            }
        }
    }

    /// Everything that is on its way arrives.
    fn settle(&mut self) {
        self.clients.iter_mut().for_each(|it| it.socket.capacity = usize::MAX);
        self.whole();
        for _ in 0..20 {
            self.now.0 += 10_000_000;
            self.look();
            self.asked();
            while !self.jobs.is_empty() {
                self.answer(false);
            }
            self.pass(usize::MAX);
            (0..CLIENTS).for_each(|who| self.flush(who));
        }
        for client in &self.clients {
            assert!(self.fan.backlog(client.member).is_none(), "{client:?} is behind");
        }
    }

    /// What a client received, message by message.
    fn received(&self, who: usize) -> Vec<Value> {
        let (mut wire, mut all) = (&self.clients[who].socket.wire[..], Vec::new());
        while !wire.is_empty() {
            let mut cursor = Cursor::new(wire);
            let (_, length) = FrameHeader::parse(&mut cursor).unwrap().unwrap();
            let start = usize::try_from(cursor.position()).unwrap();
            let end = start + usize::try_from(length).unwrap();
            all.push(serde_json::from_slice(&wire[start..end]).unwrap());
            wire = &wire[end..];
        }
        all
    }
}

fn number_of(bar: &Value) -> i64 {
    (bar["open_time"].as_i64().unwrap() - START) / MINUTE
}

/// What a client knows of a topic that it is subscribed to.
#[derive(Debug, Default)]
struct Known {
    /// So many bars are to come first.
    history: Option<u64>,
    last: Option<i64>,
}

/// Panics unless each bar comes once and in order, behind the first `klines`.
fn check(messages: &[Value], closed: [i64; TOPICS as usize]) {
    let mut known: BTreeMap<u64, Known> = BTreeMap::new();
    for message in messages {
        let name =
            message["topic"].as_str().map(|it| (0..TOPICS).find(|n| topic(*n).as_str() == it));
        let number = name.map_or_else(|| message["topic"].as_u64(), |it| it.map(u64::from));
        let Some(number) = number else { continue };
        match message["type"].as_str().unwrap() {
            "subscribed" => known.entry(number).or_default().history = message["history"].as_u64(),
            "unsubscribed" => drop(known.remove(&number)),
            "klines" => {
                let known = known.get_mut(&number).expect("a topic that it has");
                let bars: Vec<i64> =
                    message["bars"].as_array().unwrap().iter().map(number_of).collect();
                assert!(bars.windows(2).all(|it| it[1] == it[0] + 1), "{message}");
                let is_start = known.history.take().is_some();
                if let (Some(last), Some(first)) = (known.last, bars.first()) {
                    assert!(*first == last + 1 || is_start && *first <= last, "{message}");
                }
                known.last = known.last.max(bars.last().copied());
            }
            "kline" => {
                let known = known.get_mut(&number).expect("a topic that it has");
                assert_eq!(known.history, None, "klines come first: {message}");
                let this = number_of(&message["bar"]);
                let is_closed = message["bar"]["closed"] == true;
                if let Some(last) = known.last {
                    let is_next = if is_closed { this == last + 1 } else { this > last };
                    assert!(is_next, "{message} after {last}");
                }
                known.last = if is_closed { Some(this) } else { known.last };
            }
            _ => {}
        }
    }
    for (number, known) in known {
        let last = closed[usize::try_from(number).unwrap()] - 1;
        assert!(known.history.is_none() && known.last.is_none_or(|it| it == last), "{known:?}");
    }
}

fn run(steps: &[Step], capacities: [usize; CLIENTS]) -> Rig {
    let mut rig = Rig::new(capacities);
    steps.iter().for_each(|step| rig.take(step));
    rig.settle();
    for who in 0..CLIENTS {
        check(&rig.received(who), rig.closed);
    }
    rig
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn each_bar_is_sent_once_to_everyone(
        steps in steps(),
        capacities in prop::array::uniform4(prop_oneof![Just(usize::MAX), 200..3000_usize]),
    ) {
        run(&steps, capacities);
    }
}

fn moves(topic: u32) -> Step {
    Step::Bar { topic, closes: false, lost: false }
}

fn closes(topic: u32) -> Step {
    Step::Bar { topic, closes: true, lost: false }
}

fn subscribes(who: usize, history: usize, interval_ms: u32) -> Step {
    Step::Subscribe { who, topic: 0, history, interval_ms }
}

const ANSWER: Step = Step::Answer { fails: false };
const PASS: Step = Step::Pass { room: 100 };

/// The bars of a client's `klines`, and the numbers of closed bars in its `kline`s.
fn bars_of(rig: &Rig, who: usize) -> (Vec<Vec<i64>>, Vec<i64>) {
    let (mut many, mut single) = (Vec::new(), Vec::new());
    for message in rig.received(who) {
        match message["type"].as_str().unwrap() {
            "klines" => {
                many.push(message["bars"].as_array().unwrap().iter().map(number_of).collect());
            }
            "kline" if message["bar"]["closed"] == true => single.push(number_of(&message["bar"])),
            _ => {}
        }
    }
    (many, single)
}

#[test]
fn a_subscription_begins_with_the_bars_that_were_asked_for() {
    let steps = [moves(0), PASS, subscribes(0, 2, 0), ANSWER, PASS, closes(0), moves(0), PASS];
    let rig = run(&steps, [usize::MAX; CLIENTS]);
    assert_eq!(bars_of(&rig, 0), (vec![vec![1, 2]], vec![3]));
}

#[test]
fn who_waits_for_bars_gets_everything_else_meanwhile() {
    let mut rig = Rig::new([usize::MAX; CLIENTS]);
    let first = Step::Subscribe { who: 0, topic: 1, history: 0, interval_ms: 0 };
    [moves(0), moves(1), PASS, first, ANSWER, PASS].iter().for_each(|step| rig.take(step));
    rig.take(&subscribes(0, 100, 0));
    let before = rig.received(0).len();
    rig.take(&moves(1));
    rig.take(&PASS);
    let after = rig.received(0);
    assert_eq!(
        after[before..].iter().map(|it| &it["topic"]).collect::<Vec<_>>(),
        [topic(1).as_str()]
    );
    rig.take(&ANSWER);
    rig.take(&PASS);
    assert_eq!(bars_of(&rig, 0).0, [vec![], vec![0, 1, 2]]);
}

#[test]
fn an_interval_holds_no_closed_bar_back() {
    let mut rig = Rig::new([usize::MAX; CLIENTS]);
    for step in [moves(0), PASS, subscribes(0, 0, 3_600_000), ANSWER, PASS] {
        rig.take(&step);
    }
    for _ in 0..5 {
        [moves(0), PASS, closes(0), PASS].iter().for_each(|step| rig.take(step));
    }
    assert_eq!(bars_of(&rig, 0).1, [3, 4, 5, 6, 7]);
}

#[test]
fn a_mailbox_that_is_full_loses_no_closed_bar() {
    let mut steps = vec![moves(0), PASS, subscribes(0, 0, 0), ANSWER, PASS];
    steps.extend([closes(0), closes(0), moves(0), Step::Pass { room: 0 }]);
    let rig = run(&steps, [usize::MAX; CLIENTS]);
    assert_eq!(bars_of(&rig, 0), (vec![vec![], vec![3, 4]], vec![]));
}

#[test]
fn what_closed_behind_a_hole_is_read_and_told_in_order() {
    let lost = Step::Bar { topic: 0, closes: true, lost: true };
    let mut steps = vec![moves(0), PASS, subscribes(0, 1, 0), ANSWER, PASS, closes(0), PASS];
    steps.extend([lost, closes(0), PASS, Step::Whole, ANSWER, PASS, closes(0), PASS]);
    let rig = run(&steps, [usize::MAX; CLIENTS]);
    assert_eq!(bars_of(&rig, 0), (vec![vec![2], vec![4, 5]], vec![3, 6]));
}

#[test]
fn a_read_that_fails_begins_with_nothing_and_an_error() {
    let fails = Step::Answer { fails: true };
    let steps = [moves(0), PASS, subscribes(0, 100, 0), fails, PASS];
    let mut rig = Rig::new([usize::MAX; CLIENTS]);
    steps.iter().for_each(|step| rig.take(step));
    assert_eq!(bars_of(&rig, 0), (vec![vec![]], vec![]));
    let error = rig.received(0).into_iter().find(|it| it["type"] == "error").unwrap();
    assert_eq!((&error["code"], &error["retry_after_ms"]), (&json!("not_ready"), &json!(1000)));
}
