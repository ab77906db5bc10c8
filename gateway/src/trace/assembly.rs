//! The reports on updates put together again: pure, told the time.

use super::{
    line::{Hops, Outcome, Update},
    probe::{Passed, Seen, Taken},
};
use crate::hub::TopicId;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{bus::Stamp, clock::Micros, market::State};

/// How long a shard's report is waited for. A pass takes far less; what is missing after that was
/// dropped on the way here.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Most updates of which reports are awaited, more than all reports that may be on their way.
const MAX_OPEN: usize = super::probe::CAPACITY;

/// Updates whose reports are still coming.
#[derive(Debug)]
pub struct Assembly {
    shards: usize,
    open: VecDeque<Open>,
    /// The frame that each topic's newest update came from.
    received: HashMap<TopicId, Micros>,
}

/// An update.
#[derive(Debug)]
struct Open {
    taken: Arc<Taken>,
    since: Instant,
    received: Option<Micros>,
    shards: Vec<Fate>,
}

/// What a shard did with an update.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Not told yet.
    Awaited,
    /// It went through a pass.
    Passed(Passed),
    /// A newer one was passed on instead.
    Replaced,
}

impl Assembly {
    /// For a gateway of so many shards.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        Self { shards, open: VecDeque::new(), received: HashMap::new() }
    }

    /// Takes a report; returns the updates of which all is known now, in order.
    pub fn take(&mut self, seen: Seen, now: Instant) -> Vec<Update> {
        match seen {
            Seen::Taken(taken) => {
                let received = self.new_frame(&taken);
                let shards = vec![Fate::Awaited; self.shards];
                self.open.push_back(Open { taken, since: now, received, shards });
            }
            Seen::Passed(passed) => self.open.iter_mut().for_each(|open| open.note(passed)),
        }
        self.finished(|open| open.is_complete(), MAX_OPEN)
    }

    /// The updates of which reports have been missing for too long, and those they held up.
    pub fn overdue(&mut self, now: Instant) -> Vec<Update> {
        self.finished(|open| open.is_complete() || now >= open.since + PATIENCE, MAX_OPEN)
    }

    /// When [`Self::overdue`] is to be asked next; none while nothing is awaited.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.open.front().map(|open| open.since + PATIENCE)
    }

    /// When the frame was received that led to the update: a change of state and a value that is
    /// written again come from none.
    fn new_frame(&mut self, taken: &Taken) -> Option<Micros> {
        let ticker = taken.record.body.ticker()?;
        let received = ticker.received_ts.filter(|_| ticker.state == State::Live)?;
        let before = self.received.insert(taken.id, received);
        before.is_none_or(|before| received > before).then_some(received)
    }

    fn finished(&mut self, is_over: impl Fn(&Open) -> bool, room: usize) -> Vec<Update> {
        let mut finished = Vec::new();
        while let Some(open) = self.open.front()
            && (self.open.len() > room || is_over(open))
            && let Some(open) = self.open.pop_front()
        {
            finished.push(open.tell());
        }
        finished
    }
}

impl Open {
    fn stamp(&self) -> Stamp {
        self.taken.record.stamp
    }

    fn note(&mut self, passed: Passed) {
        let stamp = self.stamp();
        let Some(fate) = self.shards.get_mut(passed.shard) else { return };
        if passed.id != self.taken.id || !matches!(fate, Fate::Awaited) {
            return;
        }
        if passed.stamp == stamp {
            *fate = Fate::Passed(passed);
        } else if passed.stamp > stamp {
            // Updates reach a shard in order: this one will not come any more.
            *fate = Fate::Replaced;
        }
    }

    fn is_complete(&self) -> bool {
        !self.shards.iter().any(|fate| matches!(fate, Fate::Awaited))
    }

    fn passes(&self) -> impl Iterator<Item = &Passed> {
        self.shards.iter().filter_map(|fate| match fate {
            Fate::Passed(passed) => Some(passed),
            Fate::Awaited | Fate::Replaced => None,
        })
    }

    fn tell(&self) -> Update {
        let Taken { topic, state, record, arrival, skew, .. } = &*self.taken;
        let sum = |count: fn(&Passed) -> u64| self.passes().map(count).sum::<u64>();
        let replaced = self.shards.iter().filter(|fate| matches!(fate, Fate::Replaced)).count();
        // The slowest shard: where it was written last, or where its pass began last.
        let last = self.passes().max_by_key(|passed| (passed.written, passed.began));
        let (pass, written) = (last.map(|it| it.began), last.and_then(|it| it.written));
        let mut update = Update {
            topic: topic.clone(),
            epoch: record.stamp.epoch,
            seq: record.stamp.seq,
            state: *state,
            outcome: Outcome::Unfinished,
            exchange_ts: record.body.ticker().and_then(|ticker| ticker.exchange_ts),
            received_ts: self.received,
            published_ts: record.published,
            bus_ts: arrival.bus,
            taken_ts: arrival.taken,
            pass_ts: pass,
            written_ts: written,
            hops: Hops::of(&self.taken, self.received, pass, written),
            sockets: sum(|it| it.sockets),
            blocked: sum(|it| it.blocked),
            held: sum(|it| it.held),
            left_out: sum(|it| it.left_out),
            conflated_shards: replaced,
            skew: *skew,
        };
        update.outcome = self.outcome(&update);
        update
    }

    fn outcome(&self, update: &Update) -> Outcome {
        match update {
            _ if update.sockets > 0 => Outcome::Written,
            _ if !self.is_complete() => Outcome::Unfinished,
            _ if update.blocked > 0 => Outcome::Blocked,
            _ if update.left_out > 0 || update.conflated_shards > 0 => Outcome::Conflated,
            _ if update.held > 0 => Outcome::Held,
            _ => Outcome::Unwanted,
        }
    }
}
