//! What a connection is still to be sent: the tail of a write, answers, and topics to be brought up
//! to date. Bounded by construction, for values are named here, never stored.

use super::{Key, TopicId};
use crate::{
    bars::BarsDue,
    wire::{Encoding, unfinished},
};
use std::collections::{HashMap, HashSet, VecDeque};
use tickcast_shared::clock::Micros;

/// A client whose answers take up more than this is not read from until it has accepted them.
const ANSWERS_BEFORE_PAUSE: usize = 8 * 1024;

/// What is left to be sent to one connection. Order: the tail, answers, then the queue.
#[derive(Debug)]
pub struct Backlog {
    /// Bytes handed to the socket in part.
    tail: Vec<u8>,
    /// How much of the tail has been accepted.
    done: usize,
    /// Length of the cut frame at the tail's start; whole frames follow.
    cut: usize,
    /// Answers to commands; they go before values.
    answers: VecDeque<Vec<u8>>,
    /// Bytes of answers, those in the tail included.
    answer_bytes: usize,
    queue: VecDeque<Item>,
    queued: HashSet<Key>,
    /// Closed bars that go before the newest value of their topic.
    bars: HashMap<TopicId, BarsDue>,
    /// What waits for bars to be read: such topics, and frames that have their place behind them.
    held: Vec<Item>,
    cause: Cause,
    /// Since when the socket has not accepted the tail, or the next one.
    since: Micros,
}

/// Why there is a backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Present values of a subscription are on their way.
    Present,
    /// An answer did not fit into the socket.
    Answer,
    /// Updates did not fit into the socket: the client is slow.
    Lagging(Lag),
}

/// How a client lags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Since when.
    pub since: Micros,
    /// Updates that gave way to newer ones of their topics.
    pub skipped: u64,
    /// Whether the client has been told.
    pub told: bool,
}

/// One thing to be sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// The newest of what the key names.
    Newest(Key),
    /// A frame that has its place behind what was queued before it.
    Frame(Vec<u8>),
}

impl Backlog {
    /// An empty one.
    #[must_use]
    pub fn new(cause: Cause, now: Micros) -> Self {
        Self {
            tail: Vec::new(),
            done: 0,
            cut: 0,
            answers: VecDeque::new(),
            answer_bytes: 0,
            queue: VecDeque::new(),
            queued: HashSet::new(),
            bars: HashMap::new(),
            held: Vec::new(),
            cause,
            since: now,
        }
    }

    /// Why there is one.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The same, to be changed.
    pub fn cause_mut(&mut self) -> &mut Cause {
        &mut self.cause
    }

    /// Since when the socket has not accepted what it was last given.
    #[must_use]
    pub fn since(&self) -> Micros {
        self.since
    }

    /// Whether so many answers wait that the client's next command has to wait as well.
    #[must_use]
    pub fn holds_up_commands(&self) -> bool {
        self.answer_bytes > ANSWERS_BEFORE_PAUSE
    }

    /// Adds an answer; it goes before values.
    pub fn answer(&mut self, frame: Vec<u8>) {
        self.answer_bytes += frame.len();
        self.answers.push_back(frame);
    }

    /// Adds a frame behind everything queued so far.
    pub fn then(&mut self, frame: Vec<u8>) {
        self.queue.push_back(Item::Frame(frame));
    }

    /// Adds the newest of what the key names, unless it waits already; says whether it did not.
    pub fn queue(&mut self, key: Key) -> bool {
        let is_new = self.queued.insert(key.clone());
        if is_new {
            self.queue.push_back(Item::Newest(key));
        }
        is_new
    }

    /// Closed bars of a topic are to be sent, besides those that are already.
    pub fn owe_bars(&mut self, topic: TopicId, due: BarsDue) {
        self.bars.entry(topic).and_modify(|it| *it = it.with(due)).or_insert(due);
    }

    /// The closed bars of a topic that are to be sent.
    #[must_use]
    pub fn bars_due(&self, topic: TopicId) -> Option<BarsDue> {
        self.bars.get(&topic).copied()
    }

    /// No more bars of the topic are to be sent.
    pub fn bars_done(&mut self, topic: TopicId) {
        self.bars.remove(&topic);
    }

    /// Bars could not be read: a subscription begins with what there is. What was missed is waited
    /// for all the same.
    pub fn bars_failed(&mut self, topic: TopicId) {
        if let Some(due) = self.bars.get_mut(&topic) {
            due.has_failed = due.newest.is_some();
        }
    }

    /// Puts something aside that waits for bars.
    pub fn hold(&mut self, item: Item) {
        if let Item::Newest(key) = &item {
            self.queued.insert(key.clone());
        }
        self.held.push(item);
    }

    /// What was put aside is tried again, before anything else.
    pub fn resume(&mut self) {
        for item in self.held.drain(..).rev() {
            self.queue.push_front(item);
        }
    }

    /// Whether something waits for bars.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether there is nothing for the socket until bars have been read.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.is_waiting() && self.tail().is_empty()
    }

    /// From now on the socket may be slow: before there was nothing for it.
    pub fn begin_clock(&mut self, now: Micros) {
        if self.is_idle() {
            self.since = now;
        }
    }

    /// The socket is too full for updates. Returns whether the client begins to lag with it; one
    /// that is still being sent present values does not.
    pub fn lag(&mut self, now: Micros) -> bool {
        let begins = self.cause == Cause::Answer;
        if begins {
            self.cause = Cause::Lagging(Lag { since: now, skipped: 0, told: false });
        }
        begins
    }

    /// An update could not be sent: its topic is brought up to date later. Returns whether a lagging
    /// client's older update gave way for it.
    pub fn miss(&mut self, key: Key) -> bool {
        let is_value = matches!(key, Key::Value(_));
        let gave_way = !self.queue(key) && is_value;
        match &mut self.cause {
            Cause::Lagging(lag) if gave_way => {
                lag.skipped += 1;
                true
            }
            _ => false,
        }
    }

    /// Begins with the rest of a frame whose start the socket has accepted.
    pub fn begin_with(&mut self, rest: &[u8]) {
        self.tail = rest.to_vec();
        self.done = 0;
        self.cut = rest.len();
    }

    /// Bytes for the socket.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        &self.tail[self.done..]
    }

    /// The socket has accepted so many of them.
    pub fn accepted(&mut self, count: usize, now: Micros) {
        self.done = self.tail.len().min(self.done + count);
        if self.done == self.tail.len() {
            self.answer_bytes = self.answers.iter().map(Vec::len).sum();
            self.since = now;
        }
    }

    /// An empty tail to be filled, after the last one was accepted.
    pub fn next_tail(&mut self) -> Vec<u8> {
        (self.done, self.cut) = (0, 0);
        let mut tail = std::mem::take(&mut self.tail);
        tail.clear();
        tail
    }

    /// The next bytes for the socket: whole frames.
    pub fn set_tail(&mut self, tail: Vec<u8>) {
        (self.tail, self.done, self.cut) = (tail, 0, 0);
    }

    /// The next answer.
    pub fn next_answer(&mut self) -> Option<Vec<u8>> {
        self.answers.pop_front()
    }

    /// The next thing to be sent behind the answers.
    pub fn next_item(&mut self) -> Option<Item> {
        let item = self.queue.pop_front()?;
        if let Item::Newest(key) = &item {
            self.queued.remove(key);
        }
        Some(item)
    }

    /// Whether something stands behind the answers.
    #[must_use]
    pub fn has_items(&self) -> bool {
        !self.queue.is_empty() || self.is_waiting() || matches!(self.cause, Cause::Lagging(_))
    }

    /// What is next behind the answers.
    #[must_use]
    pub fn peek(&self) -> Option<&Item> {
        self.queue.front()
    }

    /// Bytes that it takes up.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        let frames = self.queue.iter().map(|item| match item {
            Item::Frame(frame) => frame.len(),
            Item::Newest(_) => 0,
        });
        let whole: usize = frames.chain(self.answers.iter().map(Vec::len)).sum();
        let names =
            self.queue.capacity() * size_of::<Item>() + self.queued.capacity() * size_of::<Key>();
        let bars = self.bars.capacity() * size_of::<(TopicId, BarsDue)>()
            + self.held.capacity() * size_of::<Item>();
        self.tail.capacity() + whole + names + bars
    }

    /// What is missing of the frame or event in flight: it must be finished before anything else can
    /// be said.
    #[must_use]
    pub fn rest_of_frame(&self, encoding: Encoding) -> &[u8] {
        if self.done == 0 && self.cut == 0 {
            return &[];
        }
        if self.done < self.cut {
            return &self.tail[self.done..self.cut];
        }
        unfinished::rest(&self.tail, self.cut, self.done, encoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hub::TopicId, wire::encode};

    #[test]
    fn the_rest_of_a_cut_frame_is_found() {
        let bytes = [encode::text(b"abc"), encode::text(b"de")].concat();
        for (done, rest) in [(0, ""), (1, "\u{3}abc"), (4, "c"), (5, ""), (8, "e"), (9, "")] {
            let mut backlog = Backlog::new(Cause::Answer, Micros(0));
            backlog.set_tail(bytes.clone());
            backlog.accepted(done, Micros(1));
            assert_eq!(backlog.rest_of_frame(Encoding::default()), rest.as_bytes(), "{done}");
        }
        let mut backlog = Backlog::new(Cause::Answer, Micros(0));
        backlog.begin_with(b"xyz");
        backlog.accepted(1, Micros(1));
        assert_eq!(backlog.rest_of_frame(Encoding::default()), b"yz");
    }

    #[test]
    fn a_topic_waits_once_and_what_it_skips_is_counted() {
        let mut backlog = Backlog::new(Cause::Answer, Micros(0));
        assert!(backlog.lag(Micros(5)) && !backlog.lag(Micros(6)));
        let key = |id| Key::Value(TopicId(id));
        for id in [1, 2, 1, 1] {
            backlog.miss(key(id));
        }
        let lag = Lag { since: Micros(5), skipped: 2, told: false };
        assert_eq!(backlog.cause(), Cause::Lagging(lag));
        assert_eq!(backlog.next_item(), Some(Item::Newest(key(1))));
        assert!(backlog.queue(key(1)), "it may wait again once it has been sent");
    }

    #[test]
    fn the_clock_starts_anew_with_every_tail_accepted() {
        let mut backlog = Backlog::new(Cause::Present, Micros(0));
        backlog.set_tail(b"abcd".to_vec());
        backlog.accepted(3, Micros(10));
        assert_eq!(backlog.since(), Micros(0));
        backlog.accepted(1, Micros(20));
        assert_eq!(backlog.since(), Micros(20));
    }

    #[test]
    fn a_tail_taken_to_be_filled_leaves_nothing_in_flight() {
        let mut backlog = Backlog::new(Cause::Answer, Micros(0));
        backlog.set_tail(encode::text(b"abc"));
        backlog.accepted(5, Micros(1));
        drop(backlog.next_tail());
        assert!(backlog.tail().is_empty() && backlog.rest_of_frame(Encoding::default()).is_empty());
    }

    #[test]
    fn commands_wait_while_answers_pile_up() {
        let mut backlog = Backlog::new(Cause::Answer, Micros(0));
        backlog.answer(vec![0; ANSWERS_BEFORE_PAUSE + 1]);
        assert!(backlog.holds_up_commands());
        let answer = backlog.next_answer().unwrap();
        backlog.set_tail(answer);
        assert!(backlog.holds_up_commands(), "still on its way");
        backlog.accepted(ANSWERS_BEFORE_PAUSE + 1, Micros(1));
        assert!(!backlog.holds_up_commands());
    }
}
