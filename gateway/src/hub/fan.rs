//! The fan-out of a shard as a pure state: who is to be sent which bytes, apart from any socket.
//!
//! Membership changes only between passes; the passes themselves stand in [`super::pass`], what a
//! single connection is owed in [`super::owed`].

use super::{
    Key, Settings, Table, TopicId,
    backlog::{Backlog, Cause},
    bars::LastKlines,
    cohorts::{CohortId, Cohorts, Left, Place},
    members::{Member, MemberId, Members},
    pass::Pass,
    statuses::Statuses,
    topics::Topics,
};
use crate::{bars::BarStore, wire::Encoding};
use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};
use tickcast_shared::clock::Micros;

/// What is to be done for a connection whose table changes.
#[derive(Debug, Default)]
pub struct Change {
    /// The answer to the command.
    pub answer: Vec<u8>,
    /// Topics whose present value is to be sent.
    pub due: Vec<TopicId>,
    /// Topics whose newest value the client holds already.
    pub held: Vec<TopicId>,
    /// How many closed bars come first of those that are klines.
    pub history: usize,
    /// To be sent behind the values; may be empty.
    pub last: Vec<u8>,
}

/// All that decides who is sent what.
#[derive(Debug)]
pub struct Fan {
    /// Values.
    pub topics: Topics,
    /// States that are not well.
    pub statuses: Statuses,
    /// Who wants the same.
    pub cohorts: Cohorts,
    pub(super) members: Members,
    pub(super) pass: Pass,
    /// When held-back values are due: one entry a cohort.
    pub(super) timers: BTreeSet<(Micros, CohortId)>,
    /// Members that are owed something.
    pub(super) behind: BTreeSet<MemberId>,
    pub(super) max_topics: usize,
    /// Closed bars.
    pub(super) bars: BarStore,
    pub(super) last_klines: LastKlines,
    empty: HashMap<Encoding, Rc<Table>>,
    /// What has happened since it was last taken.
    pub counts: Counts,
}

/// What a fan has done since it was last asked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Write calls asked for by passes.
    pub writes: u64,
    /// Messages in them.
    pub deliveries: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Updates left out of a pass for newer ones of their topics because it had become too large.
    pub conflated: u64,
    /// Updates that slow clients skipped.
    pub skipped: u64,
    /// Times that a client began to lag.
    pub lagging: u64,
    /// Closed bars among the messages.
    pub bars: u64,
}

impl Fan {
    /// A shard without connections or topics.
    #[must_use]
    pub fn new(max_topics: usize, bars: BarStore) -> Self {
        Self {
            topics: Topics::default(),
            statuses: Statuses::default(),
            cohorts: Cohorts::default(),
            members: Members::default(),
            pass: Pass::default(),
            timers: BTreeSet::new(),
            behind: BTreeSet::new(),
            max_topics,
            bars,
            last_klines: LastKlines::default(),
            empty: HashMap::new(),
            counts: Counts::default(),
        }
    }

    /// Lets tables without a limit of their own cover so many topics, or as many as before.
    pub fn raise_max_topics(&mut self, max_topics: usize) {
        self.max_topics = self.max_topics.max(max_topics);
    }

    /// How many topics a table without a limit of its own may cover.
    #[must_use]
    pub fn max_topics(&self) -> usize {
        self.max_topics
    }

    /// Adds a connection without a subscription.
    pub fn enter(&mut self, encoding: Encoding) -> MemberId {
        let empty = self.empty.entry(encoding);
        let table = empty.or_insert_with(|| Rc::new(Table::empty(encoding)));
        self.members.insert(table.clone())
    }

    /// Takes a connection out of the fan-out; nothing more is sent to it.
    pub fn detach(&mut self, id: MemberId) {
        self.leave(id);
        self.behind.remove(&id);
        if let Some(member) = self.members.get_mut(id) {
            member.backlog = None;
        }
    }

    /// Forgets a connection; says whether it was known.
    pub fn forget(&mut self, id: MemberId) -> bool {
        self.detach(id);
        self.members.remove(id).is_some()
    }

    /// The member's subscription table.
    #[must_use]
    pub fn table(&self, id: MemberId) -> Rc<Table> {
        self.members.get(id).map(|member| member.table.clone()).unwrap_or_default()
    }

    /// The topics that a member gets now, with the settings in force.
    #[must_use]
    pub fn wants(&self, id: MemberId) -> Vec<(TopicId, Settings)> {
        let Some(member) = self.members.get(id) else { return Vec::new() };
        let Some(place) = member.place else { return Vec::new() };
        let wants = &self.cohorts.get(place.cohort).wants;
        wants
            .iter()
            .filter_map(|want| Some((want.topic, self.settings(member, want.topic)?)))
            .collect()
    }

    fn settings(&self, member: &Member, topic: TopicId) -> Option<Settings> {
        let named = member.table.settings(topic);
        named.or_else(|| Some(member.table.covering(self.topics.name(topic)?)?.1))
    }

    /// What a member is owed; none while its socket takes everything.
    #[must_use]
    pub fn backlog(&self, id: MemberId) -> Option<&Backlog> {
        self.members.get(id)?.backlog.as_deref()
    }

    /// Members that are owed something.
    pub fn behind(&self) -> impl Iterator<Item = (MemberId, &Backlog)> {
        self.behind.iter().filter_map(|id| Some((*id, self.backlog(*id)?)))
    }

    /// Gives a member another table: its answer, then the values it asked for, then the updates of
    /// its new cohort. Not while a pass runs.
    pub fn change(&mut self, id: MemberId, table: Table, change: Change, now: Micros) {
        let table = Rc::new(table);
        let old = self.members.get(id).and_then(|member| member.place);
        let fresh: Vec<TopicId> = change.due.iter().chain(&change.held).copied().collect();
        let mut owed: Vec<Key> =
            self.statuses.unwell(&fresh, &self.topics).into_iter().map(Key::Status).collect();
        let klines = self.klines_of(&change, old);
        owed.extend(change.due.into_iter().map(Key::Value));
        let place = match old {
            Some(old) if *self.cohorts.get(old.cohort).table == *table => Some(old),
            _ => self.join(id, &table, now),
        };
        if let (Some(old), Some(new)) = (old, place)
            && old.cohort != new.cohort
        {
            owed.extend(self.carry_over(old.cohort, new.cohort).into_iter().map(Key::Value));
        }
        if old.map(|old| old.cohort) != place.map(|place| place.cohort) {
            self.leave(id);
        }
        if let Some(place) = place {
            self.hold(place.cohort, &change.held);
        }
        let Some(member) = self.members.get_mut(id) else { return };
        // The cohort's own copy of an equal table lets go of this one.
        member.table = place.map_or(table, |place| self.cohorts.get(place.cohort).table.clone());
        member.place = place;
        let Some(backlog) = self.owe(id, Cause::Present, now) else { return };
        backlog.answer(change.answer);
        for (topic, due) in klines {
            backlog.owe_bars(topic, due);
        }
        for key in owed {
            backlog.queue(key);
        }
        if !change.last.is_empty() {
            backlog.then(change.last);
        }
    }

    /// Adds an answer for a member.
    pub fn answer(&mut self, id: MemberId, frame: Vec<u8>, now: Micros) {
        if let Some(backlog) = self.owe(id, Cause::Answer, now) {
            backlog.answer(frame);
        }
    }

    fn join(&mut self, id: MemberId, table: &Rc<Table>, now: Micros) -> Option<Place> {
        (!table.is_empty())
            .then(|| self.cohorts.join(id, table, &mut self.topics, self.max_topics, now))
    }

    /// The member's backlog, begun with `cause` if there is none.
    pub(super) fn owe(&mut self, id: MemberId, cause: Cause, now: Micros) -> Option<&mut Backlog> {
        let member = self.members.get_mut(id)?;
        self.behind.insert(id);
        let backlog = member.backlog.get_or_insert_with(|| Box::new(Backlog::new(cause, now)));
        backlog.begin_clock(now);
        if cause == Cause::Present && backlog.cause() == Cause::Answer {
            *backlog.cause_mut() = cause;
        }
        Some(backlog)
    }

    /// What the member of one cohort holds counts in the other; returns the topics of which the
    /// first still held a newer value back.
    fn carry_over(&mut self, from: CohortId, to: CohortId) -> Vec<TopicId> {
        let mut unsent = Vec::new();
        for at in 0..self.cohorts.get(to).wants.len() {
            let want = &self.cohorts.get(to).wants[at];
            let (topic, has_gate) = (want.topic, want.gate.is_some());
            let old = self.cohorts.get(from);
            let Some(old) = old.find(topic).map(|at| &old.wants[at]) else { continue };
            if old.gate.as_ref().is_some_and(|gate| gate.due().is_some()) {
                unsent.push(topic);
            }
            if has_gate && let Some(newest) = self.topics.latest(topic) {
                let before = old.gate.clone();
                if let Some(gate) = &mut self.cohorts.get_mut(to).wants[at].gate {
                    gate.joined_from(before.as_deref(), &newest.quote);
                }
            }
        }
        unsent
    }

    /// Members of the cohort hold the newest values of these topics.
    fn hold(&mut self, id: CohortId, held: &[TopicId]) {
        for topic in held {
            self.given(id, *topic);
        }
    }

    /// A member of the cohort was given the newest value of a topic.
    pub(super) fn given(&mut self, id: CohortId, topic: TopicId) {
        let cohort = self.cohorts.get_mut(id);
        if let Some(at) = cohort.find(topic)
            && let Some(gate) = &mut cohort.wants[at].gate
            && let Some(newest) = self.topics.latest(topic)
        {
            gate.held(&newest.quote);
        }
    }

    fn leave(&mut self, id: MemberId) {
        let Some(place) = self.members.get_mut(id).and_then(|member| member.place.take()) else {
            return;
        };
        match self.cohorts.leave(place, &mut self.topics) {
            Left::Moved(moved) => {
                if let Some(moved) = moved.and_then(|moved| self.members.get_mut(moved)) {
                    moved.place = Some(place);
                }
            }
            Left::Ended { wake } => {
                if let Some(wake) = wake {
                    self.timers.remove(&(wake, place.cohort));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
