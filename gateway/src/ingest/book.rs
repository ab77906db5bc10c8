//! Every topic's newest record and what clients have been told of it.

use super::{
    life::{Judgement, Life},
    lines::Lines,
};
use crate::{
    bars::BarStore,
    hub::{About, BarMark, Quote, Status, Tick, TopicId, Update},
    prices::{Prices, Shown},
    wire::Frames,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    bus::{Group, Record, ShardId},
    market::{Bar, Reason, State, Topic},
    protocol::{KlineMessage, Plain, StatusScope, TickerMessage},
};
use tracing::warn;

/// A topic that the cache lost is given up when its feed, alive, has not written it for so long.
/// A feed that found the cache empty rewrites everything within two seconds.
const MISSING_FOR: Duration = Duration::from_secs(10);

/// One topic.
#[derive(Debug)]
struct Entry {
    id: TopicId,
    shard: ShardId,
    record: Arc<Record>,
    /// The state that clients have been told.
    told: State,
    /// Since when the cache lacks it.
    missing: Option<Instant>,
}

/// All topics, and the numbers that their names were given.
#[derive(Debug)]
pub struct Book {
    entries: HashMap<Topic, Entry>,
    /// Each name's number, and the state and reason that clients were told as its feed's own.
    numbers: HashMap<Topic, (TopicId, State, Reason)>,
    /// The closed bars of kline topics.
    pub lines: Lines,
    prices: Prices,
}

/// What is known of a shard of the bus.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Whether its values can be relied on.
    pub is_trusted: bool,
    /// Whether no message of it is missing.
    pub is_whole: bool,
}

impl Book {
    /// An empty book that keeps `prices` and `bars` up to date.
    #[must_use]
    pub fn new(prices: Prices, bars: BarStore) -> Self {
        let lines = Lines::new(bars);
        Self { entries: HashMap::new(), numbers: HashMap::new(), lines, prices }
    }

    /// How many topics there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Takes a record in if it is newer than the one held; adds what clients are to be told.
    pub fn put(
        &mut self,
        topic: &Topic,
        record: Arc<Record>,
        life: &Life,
        standing: Standing,
        out: &mut Vec<Update>,
    ) {
        if let Some(entry) = self.entries.get_mut(topic) {
            let is_back = entry.missing.take().is_some();
            if record.stamp > entry.record.stamp {
                entry.record = record;
            } else if !is_back || record.body.bar().is_some() {
                return;
            }
        } else {
            let next = TopicId(u32::try_from(self.numbers.len()).unwrap_or(u32::MAX));
            let numbered = self.numbers.entry(topic.clone());
            let (id, ..) = *numbered.or_insert((next, State::Live, Reason::NONE));
            let shard = ShardId::of(topic);
            let entry = Entry { id, shard, record, told: State::Live, missing: None };
            self.entries.insert(topic.clone(), entry);
        }
        self.tell_own_state(topic, out);
        if let Some(entry) = self.entries.get_mut(topic) {
            if let Some(bar) = entry.record.body.bar() {
                let mark = self.lines.bar(topic, entry.id, &entry.record, bar, standing.is_whole);
                return entry.tell_bar(topic, bar, mark, &self.prices, out);
            }
            let judgement = life.judge(&entry.record, entry.shard, standing.is_trusted, false);
            entry.tell(topic, judgement.state, &self.prices, out);
        }
    }

    /// A `status` whenever the state or the reason that the feed itself gives has changed. What
    /// this gateway makes of it (bus or feed lost) has a `status` of its own for all topics.
    fn tell_own_state(&mut self, topic: &Topic, out: &mut Vec<Update>) {
        let Some(entry) = self.entries.get(topic) else { return };
        let Some((id, state, reason)) = self.numbers.get_mut(topic) else { return };
        let none = Reason::NONE;
        // A bar is as good as it ever was.
        let (own, why, since) = match entry.record.body.ticker() {
            Some(ticker) => (ticker.state, &ticker.reason, Some(ticker.state_since)),
            None => (State::Live, &none, None),
        };
        if *state != own || reason != why {
            (*state, *reason) = (own, why.clone());
            let own = Judgement { state: own, reason: why.clone(), since };
            out.push(status(About::Topic(*id), StatusScope::Topic, topic.as_str(), &own));
        }
    }

    /// A feed says that a topic ceased to exist. It cannot speak for one that another group, or a
    /// later epoch, has taken over.
    pub fn removed_by(&mut self, group: &Group, epoch: u64, topic: &Topic, out: &mut Vec<Update>) {
        let owner = self.entries.get(topic).map(|entry| &entry.record);
        if owner.is_some_and(|it| it.group == *group && it.stamp.epoch <= epoch) {
            self.remove(topic, out);
        }
    }

    fn remove(&mut self, topic: &Topic, out: &mut Vec<Update>) {
        if let Some(entry) = self.entries.remove(topic) {
            let gone =
                Judgement { state: State::Halted, reason: Reason::UNCONFIGURED, since: None };
            out.push(status(About::Topic(entry.id), StatusScope::Topic, topic.as_str(), &gone));
            out.push(Update::Removed(entry.id));
            if let Some((_, state, reason)) = self.numbers.get_mut(topic) {
                (*state, *reason) = (gone.state, gone.reason);
            }
            self.prices.remove(topic);
        }
    }

    /// Topics of a shard.
    #[must_use]
    pub fn of_shard(&self, shard: ShardId) -> HashSet<Topic> {
        let of_shard = self.entries.iter().filter(|(_, entry)| entry.shard == shard);
        of_shard.map(|(topic, _)| topic.clone()).collect()
    }

    /// The cache no longer has the topic: its value cannot be vouched for.
    pub fn missing(&mut self, topic: &Topic, now: Instant) {
        if let Some(entry) = self.entries.get_mut(topic) {
            entry.missing.get_or_insert(now);
        }
    }

    /// Judges every topic anew after the bus, a group or a shard changed; tells what changed.
    pub fn rejudge(
        &mut self,
        life: &Life,
        trusted: impl Fn(ShardId) -> bool,
        out: &mut Vec<Update>,
    ) {
        for (topic, entry) in &mut self.entries {
            let (shard, is_missing) = (entry.shard, entry.missing.is_some());
            let judgement = life.judge(&entry.record, shard, trusted(shard), is_missing);
            if judgement.state != entry.told {
                entry.tell(topic, judgement.state, &self.prices, out);
            }
        }
    }

    /// Gives up topics that the cache has lacked for too long although their feed lives.
    pub fn give_up_missing(&mut self, life: &Life, now: Instant, out: &mut Vec<Update>) {
        let lost = |entry: &Entry| {
            entry.missing.is_some_and(|since| now.duration_since(since) > MISSING_FOR)
                && life.is_alive(&entry.record.group, entry.shard)
        };
        let gone: Vec<Topic> = self
            .entries
            .iter()
            .filter(|(_, entry)| lost(entry))
            .map(|(topic, _)| topic.clone())
            .collect();
        for topic in gone {
            warn!(%topic, "the bus no longer has this topic and its feed does not write it");
            self.remove(&topic, out);
        }
    }
}

impl Entry {
    /// Tells clients the value in the state that this gateway may vouch for.
    fn tell(&mut self, topic: &Topic, state: State, prices: &Prices, out: &mut Vec<Update>) {
        let Some(ticker) = self.record.body.ticker() else { return };
        let message = TickerMessage::new(topic, &self.record, ticker, state);
        out.push(Update::Tick(Arc::new(Tick {
            id: self.id,
            topic: topic.clone(),
            stamp: self.record.stamp,
            quote: Quote {
                state,
                last: ticker.last_price,
                bid: ticker.bid_price,
                ask: ticker.ask_price,
            },
            bar: None,
            frames: Frames::of(&message),
            mark: None,
        })));
        prices.set(topic, Shown { record: self.record.clone(), state });
        self.told = state;
    }

    /// Tells clients a bar. It says what was, so nothing that happens later makes it less true; one
    /// without a mark is told later, or not at all.
    fn tell_bar(
        &self,
        topic: &Topic,
        bar: &Bar,
        mark: Option<BarMark>,
        prices: &Prices,
        out: &mut Vec<Update>,
    ) {
        prices.set(topic, Shown { record: self.record.clone(), state: State::Live });
        if let Some(mark) = mark {
            let stamp = self.record.stamp;
            out.push(Update::Tick(Arc::new(Tick {
                id: self.id,
                topic: topic.clone(),
                stamp,
                quote: Quote { state: State::Live, last: None, bid: None, ask: None },
                bar: Some(mark),
                frames: Frames::of(&KlineMessage::new(topic, stamp, bar)),
                mark: None,
            })));
        }
    }
}

/// A `status` message, framed.
#[must_use]
pub fn status(about: About, scope: StatusScope, name: &str, judgement: &Judgement) -> Update {
    let message = Plain::Status {
        scope,
        name,
        state: judgement.state,
        reason: judgement.reason.as_str(),
        since: judgement.since,
    };
    let well = judgement.state == State::Live;
    Update::Status(Arc::new(Status { about, well, frames: Frames::of(&message) }))
}
