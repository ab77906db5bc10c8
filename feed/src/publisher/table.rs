//! The group's topics with their newest values; gives every value its epoch and sequence number.

use super::{batches::Batches, closings::Closings, succession::may_follow};
use crate::{derive::closed_bar, outbox::Change};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tickcast_shared::{
    bus::{Body, Group, Index, Record, ShardBatch, Stamp},
    clock::Micros,
    market::{Bar, Reason, State, Ticker, Topic},
};
use tokio::time::Instant;

/// How long a topic that is no longer configured is shown as halted before it is removed: long
/// enough for every gateway to pass it on.
pub(super) const REMOVE_AFTER: Duration = Duration::from_secs(5);

/// Changes in the order in which they are to be written.
pub(super) type Changes = Vec<(Topic, Change)>;

/// Everything this publisher answers for.
pub(super) struct Table {
    group: Group,
    epoch: u64,
    entries: HashMap<Topic, Entry>,
    /// Last number given to each topic under this epoch; kept when a topic is removed, so that it
    /// is not given again should the topic return.
    numbers: HashMap<Topic, u64>,
    closings: Closings,
    /// The newest epoch under which something is known to be written.
    wrote: u64,
}

struct Entry {
    value: Value,
    standing: Standing,
}

enum Value {
    /// Known, but not written under the present epoch.
    Unsealed(Box<Body>),
    /// As it was last written.
    Sealed(Arc<Record>),
}

/// Where a topic's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Configured; its value is pending or what a former writer left.
    Announced,
    /// A connector of this process has spoken for it.
    Heard,
    /// Left by a former writer and not configured here: to be removed then.
    Unconfigured { remove_at: Instant },
    /// Its removal has been sealed and is not confirmed: a rewrite repeats it.
    Removing,
}

impl Entry {
    fn may_follow(&self, former: &Record) -> bool {
        may_follow(self.value.body(), &former.body)
    }

    /// Whether it is to be removed by now.
    fn is_due(&self, at: Instant) -> bool {
        match self.standing {
            Standing::Unconfigured { remove_at } => remove_at <= at,
            Standing::Removing => true,
            Standing::Announced | Standing::Heard => false,
        }
    }
}

impl Value {
    fn body(&self) -> &Body {
        match self {
            Self::Unsealed(body) => body,
            Self::Sealed(record) => &record.body,
        }
    }
}

impl Table {
    /// A table of these topics, nothing heard of them yet.
    pub(super) fn new(group: Group, configured: Vec<(Topic, Body)>) -> Self {
        let announced = |(topic, body): (Topic, Body)| {
            let value = Value::Unsealed(Box::new(body));
            (topic, Entry { value, standing: Standing::Announced })
        };
        Self {
            group,
            epoch: 0,
            entries: configured.into_iter().map(announced).collect(),
            numbers: HashMap::new(),
            closings: Closings::default(),
            wrote: 0,
        }
    }

    /// Numbers start again under this epoch.
    pub(super) fn enter(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.numbers.clear();
    }

    /// Keeps the newest of these values, and every closed bar, without writing them; returns how many
    /// older ones were passed over.
    pub(super) fn absorb(&mut self, changes: Changes, at: Instant) -> u64 {
        let all = changes.len();
        self.remember_closings(&changes);
        let mut newest = HashMap::with_capacity(all);
        newest.extend(changes);
        let passed_over = all - newest.len();
        for (topic, change) in newest {
            match change {
                Change::Put(body) => {
                    let value = Value::Unsealed(body);
                    self.entries.insert(topic, Entry { value, standing: Standing::Heard });
                }
                Change::Remove => {
                    // It may be in the cache: the next rewrite removes it there.
                    if let Some(entry) = self.entries.get_mut(&topic) {
                        entry.standing = Standing::Unconfigured { remove_at: at };
                    }
                }
            }
        }
        passed_over as u64
    }

    fn remember_closings(&mut self, changes: &Changes) {
        for (topic, change) in changes {
            if let Change::Put(body) = change
                && let Some(bar) = closed_bar(body)
            {
                self.closings.push(topic.clone(), bar.clone());
            }
        }
    }

    /// Another writer holds the group and has written what ended before that time.
    pub(super) fn stand_by(&mut self, written_to: Micros) {
        self.closings.forget_before(written_to);
    }

    /// What a former writer has closed is not closed again.
    pub(super) fn reconcile(&mut self, cached: &[(Topic, Arc<Record>)]) {
        self.closings.reconcile(cached, self.wrote);
    }

    /// The newest epoch under which something is known to be written.
    pub(super) fn wrote(&self) -> u64 {
        self.wrote
    }

    /// The highest epoch among cached records.
    pub(super) fn highest_epoch(cached: &[(Topic, Arc<Record>)]) -> u64 {
        cached.iter().map(|(_, record)| record.stamp.epoch).max().unwrap_or(0)
    }

    /// What a new epoch begins with: every topic as this process has heard it, and as stale where
    /// only the cache knows it, or knows it better (see [`may_follow`]): nobody inherits `live` from
    /// a former writer. A bar has no state: what a former writer left of it was absorbed before.
    pub(super) fn take_over(
        &mut self,
        cached: Vec<(Topic, Arc<Record>)>,
        now: Micros,
        at: Instant,
    ) -> Changes {
        for (topic, record) in cached {
            let entry = self.entries.get(&topic);
            let body = match entry.map(|entry| entry.standing) {
                None => left_over(&record, now),
                Some(Standing::Unconfigured { .. } | Standing::Removing) => continue,
                Some(Standing::Heard) if entry.is_some_and(|it| it.may_follow(&record)) => continue,
                Some(_) if !is_priced(&record.body) => continue,
                Some(_) => inherited(&record, now),
            };
            let standing = entry.map(|entry| entry.standing);
            let standing =
                standing.unwrap_or(Standing::Unconfigured { remove_at: at + REMOVE_AFTER });
            let value = Value::Unsealed(Box::new(body));
            self.entries.insert(topic, Entry { value, standing });
        }
        self.rewrite(at)
    }

    /// Every closed bar that is not known to be written, then every topic's present value, or its
    /// removal where that is due.
    pub(super) fn rewrite(&self, at: Instant) -> Changes {
        let closing = |(topic, bar): &(Topic, Bar)| {
            (topic.clone(), Change::Put(Box::new(Body::Kline(bar.clone()))))
        };
        let mut changes: Changes = self.closings.iter().map(closing).collect();
        let openings = self.closings.openings();
        let is_closing = |topic: &Topic, body: &Body| {
            closed_bar(body).is_some_and(|bar| openings.contains(&(topic, bar.open_time)))
        };
        let change = |(topic, entry): (&Topic, &Entry)| {
            let put = || Change::Put(Box::new(entry.value.body().clone()));
            let change = if entry.is_due(at) { Change::Remove } else { put() };
            (topic.clone(), change)
        };
        let others = self
            .entries
            .iter()
            .filter(|(topic, entry)| entry.is_due(at) || !is_closing(topic, entry.value.body()));
        changes.extend(others.map(change));
        changes
    }

    /// The removals that are due.
    pub(super) fn due_removals(&self, at: Instant) -> Changes {
        let due = self.entries.iter().filter(|(_, entry)| entry.is_due(at));
        let due = due.filter(|(_, entry)| entry.standing != Standing::Removing);
        due.map(|(topic, _)| (topic.clone(), Change::Remove)).collect()
    }

    /// Everything sealed so far has been written: what was removed is gone, and every bar that was
    /// closed is kept.
    pub(super) fn confirmed(&mut self) {
        self.closings.confirmed();
        self.wrote = self.epoch;
        self.entries.retain(|_, entry| entry.standing != Standing::Removing);
    }

    /// Seals what connectors have said and what follows from it.
    pub(super) fn seal_heard(&mut self, changes: Changes, now: Micros) -> Vec<ShardBatch> {
        self.remember_closings(&changes);
        self.seal(changes, now, Some(Standing::Heard))
    }

    /// Seals what this table has said itself: takeovers, rewrites, removals.
    pub(super) fn seal_own(&mut self, changes: Changes, now: Micros) -> Vec<ShardBatch> {
        self.seal(changes, now, None)
    }

    /// Gives every value its number and time and sorts the changes by shard, in order.
    fn seal(&mut self, changes: Changes, now: Micros, as_: Option<Standing>) -> Vec<ShardBatch> {
        let mut batches = Batches::default();
        for (topic, change) in changes {
            match change {
                Change::Put(body) => {
                    let record = self.stamp(&topic, *body, now);
                    self.keep(&topic, &record, as_);
                    batches.put(topic, record);
                }
                Change::Remove => {
                    if let Some(entry) = self.entries.get_mut(&topic) {
                        entry.standing = Standing::Removing;
                    }
                    batches.remove(topic);
                }
            }
        }
        batches.done()
    }

    fn stamp(&mut self, topic: &Topic, body: Body, now: Micros) -> Arc<Record> {
        let seq = match self.numbers.get_mut(topic) {
            Some(number) => {
                *number += 1;
                *number
            }
            None => *self.numbers.entry(topic.clone()).or_insert(1),
        };
        Arc::new(Record {
            group: self.group.clone(),
            stamp: Stamp { epoch: self.epoch, seq },
            published: now,
            body,
        })
    }

    fn keep(&mut self, topic: &Topic, record: &Arc<Record>, as_: Option<Standing>) {
        let value = Value::Sealed(record.clone());
        if let Some(entry) = self.entries.get_mut(topic) {
            entry.value = value;
            entry.standing = as_.unwrap_or(entry.standing);
        } else if let Some(standing) = as_ {
            self.entries.insert(topic.clone(), Entry { value, standing });
        }
    }
}

/// A former writer's value, which nobody vouches for yet.
fn inherited(record: &Record, now: Micros) -> Body {
    entered(record, State::Stale, Reason::RESTART, now)
}

/// A former writer's topic that is no longer configured.
fn left_over(record: &Record, now: Micros) -> Body {
    entered(record, State::Halted, Reason::UNCONFIGURED, now)
}

/// A record's value in another state; a bar has none.
fn entered(record: &Record, state: State, reason: Reason, now: Micros) -> Body {
    let mut body = record.body.clone();
    match &mut body {
        Body::Ticker(ticker) | Body::Index(Index { ticker, .. }) => {
            ticker.enter(state, reason, now)
        }
        Body::Kline(_) => {}
    }
    body
}

fn is_priced(body: &Body) -> bool {
    body.ticker().is_none_or(Ticker::is_priced)
}
