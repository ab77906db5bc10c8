//! A fan with simulated sockets, driven as a shard drives its own.

use super::{
    market::{self, Market},
    socket::{Socket, messages},
    soundness,
    wishes::{What, Wishes},
};
use crate::{
    client::conn::Written,
    hub::{
        Change, Key, Settings, Table, TopicId, Update, backlog::Backlog, fan::Fan,
        followed::Followed, members::MemberId, pass::Batch,
    },
    wire::{Encoding, encode},
};
use std::collections::{BTreeMap, BTreeSet};
use tickcast_shared::clock::Micros;

/// Pieces that are written at once, as on a shard.
const PIECES_AT_ONCE: usize = 8;

/// A shard without sockets of the kernel.
#[derive(Debug)]
pub struct Stage {
    pub fan: Fan,
    pub market: Market,
    pub clients: Vec<Client>,
    pub now: Micros,
    /// What was followed through the last pass.
    pub followed: Vec<Followed>,
    max_topics: usize,
    batch: Batch,
}

/// A connection and what is known of it without a look at the fan.
#[derive(Debug)]
pub struct Client {
    /// None once it has left.
    pub member: Option<MemberId>,
    pub socket: Socket,
    pub wishes: Wishes,
    /// What it has subscribed to from the answer of that number on, and the topics in it that had
    /// been heard of by then.
    pub said: BTreeMap<u64, (Wishes, BTreeSet<u32>)>,
    /// Commands so far.
    serial: u64,
    /// Bytes on its wire that are known to be whole frames.
    checked: usize,
    waits_for_room: bool,
    is_paused: bool,
}

/// The frames of an answer.
#[derive(Debug, Default)]
pub struct Said {
    pub answer: Vec<u8>,
    pub last: Vec<u8>,
}

impl Stage {
    /// No client, no topic.
    pub fn new(max_topics: usize) -> Self {
        Self {
            fan: Fan::new(max_topics, Default::default()),
            market: Market::default(),
            clients: Vec::new(),
            now: Micros(1_000_000),
            followed: Vec::new(),
            max_topics,
            batch: Batch::default(),
        }
    }

    /// A client comes; returns its number.
    pub fn enter(&mut self, encoding: Encoding, capacity: usize) -> usize {
        let client = self.client(encoding, capacity);
        self.clients.push(client);
        self.clients.len() - 1
    }

    /// A client leaves, and another comes in its place.
    pub fn replace(&mut self, who: usize) {
        self.leave(who);
        self.clients[who] = self.client(Encoding::default(), usize::MAX);
    }

    fn client(&mut self, encoding: Encoding, capacity: usize) -> Client {
        Client {
            member: Some(self.fan.enter(encoding)),
            socket: Socket::new(capacity),
            wishes: Wishes::default(),
            said: BTreeMap::new(),
            serial: 0,
            checked: 0,
            waits_for_room: false,
            is_paused: false,
        }
    }

    /// A client ends its connection.
    pub fn leave(&mut self, who: usize) {
        if let Some(member) = self.clients[who].member.take() {
            assert!(self.fan.forget(member));
        }
    }

    /// The clients that may give a command now.
    pub fn may_command(&self, who: usize) -> bool {
        self.clients[who].member.is_some() && !self.clients[who].is_paused
    }

    /// A client subscribes to what there is of `what`; none if it may not.
    pub fn subscribe(&mut self, who: usize, what: &[What], settings: Settings) -> Option<Said> {
        let (mut table, mut wishes) = self.asks(who)?;
        let mut due = BTreeSet::new();
        for what in what.iter().copied() {
            match what {
                What::Topic(number) => {
                    let Some(id) = self.fan.topics.find(&market::topic(number)) else { continue };
                    table.add_topic(id, settings);
                    due.insert(id);
                }
                What::Pattern(number) => {
                    let pattern = market::pattern(number);
                    table.add_pattern(&pattern, settings, &self.fan.topics);
                    due.extend(self.fan.topics.matching(&pattern));
                }
            }
            wishes.subscribe(what, settings);
        }
        if table.expanded(&self.fan.topics, usize::MAX).len() > self.max_topics {
            return None;
        }
        let due: Vec<TopicId> = due.into_iter().collect();
        let said = self.say(who, "subscribed", Some("synced"));
        self.change(who, table, wishes, &said, due);
        Some(said)
    }

    /// A client unsubscribes; none if it may not.
    pub fn unsubscribe(&mut self, who: usize, what: &[What]) -> Option<Said> {
        let (mut table, mut wishes) = self.asks(who)?;
        for what in what.iter().copied() {
            match what {
                What::Topic(number) => table.remove_topic(TopicId(number)),
                What::Pattern(number) => table.remove_pattern(&market::pattern(number)),
            };
            wishes.unsubscribe(what);
        }
        let said = self.say(who, "unsubscribed", None);
        self.change(who, table, wishes, &said, Vec::new());
        Some(said)
    }

    fn asks(&self, who: usize) -> Option<(Table, Wishes)> {
        let client = self.clients.get(who).filter(|_| self.may_command(who))?;
        Some(((*self.fan.table(client.member?)).clone(), client.wishes.clone()))
    }

    fn say(&mut self, who: usize, kind: &str, last: Option<&str>) -> Said {
        self.clients[who].serial += 1;
        let id = self.clients[who].serial;
        let frame = |kind| encode::text(format!(r#"{{"type":"{kind}","id":{id}}}"#).as_bytes());
        Said { answer: frame(kind), last: last.map(frame).unwrap_or_default() }
    }

    fn change(&mut self, who: usize, table: Table, wishes: Wishes, said: &Said, due: Vec<TopicId>) {
        let client = &mut self.clients[who];
        let gets = self.market.newest.keys().filter(|it| wishes.settings(**it).is_some());
        let heard = gets.copied().collect();
        client.said.insert(client.serial, (wishes.clone(), heard));
        client.wishes = wishes;
        let Said { answer, last } = said;
        let (answer, last) = (answer.clone(), last.clone());
        let change = Change { answer, due, last, ..Change::default() };
        self.fan.change(client.member.unwrap(), table, change, self.now);
        self.flush(who);
        soundness::check(&self.fan);
    }

    /// A client asks for something that is answered at once, if it may.
    pub fn ping(&mut self, who: usize) {
        if self.may_command(who) {
            let pong = self.say(who, "pong", None).answer;
            self.fan.answer(self.clients[who].member.unwrap(), pong, self.now);
            self.flush(who);
        }
    }

    /// A client reads.
    pub fn read(&mut self, who: usize, count: usize) {
        self.clients[who].socket.read(count);
        if self.clients[who].waits_for_room {
            self.flush(who);
        }
    }

    /// A whole pass, in batches of `room` writes; `between` is called after each but the last.
    pub fn pass_and(
        &mut self,
        updates: &[(Key, Update)],
        room: usize,
        mut between: impl FnMut(&mut Self, usize),
    ) {
        self.fan.begin(updates, self.now);
        soundness::check(&self.fan);
        for number in 0.. {
            let goes_on = self.fan.next_writes(room, &mut self.batch, self.now);
            assert!(self.batch.writes.len() <= room);
            self.write_batch();
            self.fan.note_written(|| self.now);
            if !goes_on {
                break;
            }
            between(self, number);
            soundness::check(&self.fan);
        }
        self.followed = self.fan.take_followed();
        for member in self.fan.end() {
            if let Some(who) = self.who(member) {
                self.flush(who);
            }
        }
        soundness::check(&self.fan);
    }

    /// A whole pass.
    pub fn pass(&mut self, updates: &[(Key, Update)], room: usize) {
        self.pass_and(updates, room, |_, _| {});
    }

    fn write_batch(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        for (member, payload) in &batch.writes {
            let who = self.who(*member).expect("writes are for clients that are there");
            let bytes = &batch.payloads[*payload as usize];
            assert!(!bytes.is_empty());
            if let Written::Part(count) = self.clients[who].socket.write(bytes) {
                self.fan.cut(*member, count, self.now);
                self.clients[who].waits_for_room = true;
            }
        }
        self.batch = batch;
    }

    fn who(&self, member: MemberId) -> Option<usize> {
        self.clients.iter().position(|client| client.member == Some(member))
    }

    fn flush(&mut self, who: usize) {
        let client = &mut self.clients[who];
        let Some(member) = client.member else { return };
        client.waits_for_room = false;
        for turn in 0..=PIECES_AT_ONCE {
            let Some(piece) = self.fan.next_piece(member) else { break };
            client.waits_for_room = true;
            if turn == PIECES_AT_ONCE {
                break;
            }
            let written = client.socket.write(piece);
            let whole = piece.len();
            match written {
                Written::All => {
                    self.fan.accepted(member, whole, self.now);
                    client.waits_for_room = false;
                }
                Written::Part(count) => {
                    self.fan.accepted(member, count, self.now);
                    break;
                }
                Written::Gone => unreachable!("simulated sockets do not break"),
            }
        }
        client.is_paused = self.fan.backlog(member).is_some_and(|it| it.holds_up_commands());
    }

    /// The client reads until there is nothing more for it.
    pub fn drain(&mut self, who: usize) {
        self.clients[who].socket.capacity = usize::MAX;
        for _ in 0..100 {
            self.read(who, usize::MAX);
        }
        let member = self.clients[who].member;
        assert!(member.is_none_or(|it| self.fan.backlog(it).is_none()), "client {who} is behind");
    }

    /// Bytes that are kept for a client.
    pub fn backlog_bytes(&self, who: usize) -> usize {
        let member = self.clients[who].member;
        member.and_then(|it| self.fan.backlog(it)).map_or(0, Backlog::bytes)
    }

    /// What has come so far must be whole frames, the last with what the fan says is missing of it.
    pub fn check_frames(&mut self, who: usize) {
        let client = &mut self.clients[who];
        let Some(member) = client.member else { return };
        let (_, cut) = messages(&client.socket.wire[client.checked..]);
        client.checked = client.socket.wire.len() - cut.len();
        let rest =
            self.fan.backlog(member).map_or(&[][..], |it| it.rest_of_frame(Encoding::default()));
        let whole = [cut, rest].concat();
        assert!(messages(&whole).1.is_empty(), "client {who}: {cut:?} and {rest:?}");
    }

    /// Time goes by; what falls due on the way goes out, and `after` is called each time.
    pub fn wait(&mut self, micros: i64, mut after: impl FnMut(&mut Self)) {
        let until = Micros(self.now.0 + micros);
        while let Some(due) = self.fan.next_due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.pass(&[], usize::MAX);
            after(self);
        }
        self.now = until;
    }
}
