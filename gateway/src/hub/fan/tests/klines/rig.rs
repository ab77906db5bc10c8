//! The way of bars from the bus through the ingest's lines, a mailbox and the fan to sockets.

use crate::hub::fan::tests::socket::Socket;
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
use serde_json::{Value, json};
use std::{collections::VecDeque, io::Cursor, sync::Arc};
use tickcast_shared::{
    bus::{Body, Error, Group, Record, ShardId, Stamp},
    clock::Micros,
    conflate::Conflating,
    market::{Bar, BarSource, Interval, State, Topic},
    protocol::KlineMessage,
};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

pub const TOPICS: u32 = 2;
pub const CLIENTS: usize = 4;
/// 2026-01-01 00:00 UTC.
pub const START: i64 = 1_767_225_600_000_000;
pub const MINUTE: i64 = 60_000_000;

#[derive(Debug, Clone)]
pub enum Step {
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

/// A client and its socket.
#[derive(Debug)]
pub struct Client {
    pub member: MemberId,
    pub socket: Socket,
    waits: bool,
}

/// The way of bars from the bus to sockets.
#[derive(Debug)]
pub struct Rig {
    fan: Fan,
    store: BarStore,
    lines: Lines,
    is_whole: bool,
    jobs: VecDeque<Job>,
    mailbox: Vec<(Key, Update)>,
    /// How many bars of each topic the bus keeps; the next one is in progress.
    pub closed: [i64; TOPICS as usize],
    seq: u64,
    clients: Vec<Client>,
    now: Micros,
}

pub fn topic(number: u32) -> Topic {
    format!("kline:okx:T{number}-USDT:1m").parse().unwrap()
}

pub fn bar(number: i64, closed: bool) -> Bar {
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
    pub fn new(capacities: [usize; CLIENTS]) -> Self {
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

    pub fn take(&mut self, step: &Step) {
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
            mark: None,
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
    pub fn settle(&mut self) {
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
    pub fn received(&self, who: usize) -> Vec<Value> {
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
