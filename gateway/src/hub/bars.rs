//! Bars in the fan-out: a closed bar reaches everyone exactly once, whatever the interval or lag.
//!
//! Each shard knows the last closed bar that has gone through it. One that follows it goes out to all
//! who have the topic, past every gate. Where some are missing between, the mailbox was full or the
//! bus was away: then all are owed the bars behind the last one, and get them from the store as
//! `klines`. A client that is slow or has just come is owed bars in the same way.

use super::{
    BarMark, BarsNews, Change, Key, Tick, TopicId,
    backlog::{Backlog, Cause},
    cohorts::{Place, Seat},
    fan::Fan,
    members::MemberId,
    pass::{Source, Staged},
    stage::push,
};
use crate::{
    bars::BarsDue,
    wire::{Encoding, Frames, encode},
};
use std::{collections::VecDeque, rc::Rc, sync::Arc};
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Topic},
    protocol::{ErrorCode, ErrorMessage, KlinesMessage, Plain},
};

/// When a client may ask again for bars that could not be read: by then the bus may be back.
const RETRY_AFTER_MS: u64 = 1000;
/// `klines` messages that are kept framed for the next client that is to get the same: a few topics
/// that everyone asks for after a restart. Each is at most some 200 KB in all its encodings.
const KLINES_KEPT: usize = 16;

impl Fan {
    /// Stages a bar. Not while a write is under way.
    pub(super) fn stage_bar(&mut self, tick: &Arc<Tick>, mark: &BarMark, now: Micros) {
        if let Some(before) = self.advance(tick.id, mark.closed()) {
            if mark.is_closed && mark.before == before {
                return self.stage_closed(tick, now);
            }
            self.miss_bars(tick.id, before, now);
        }
        let closed = self.topics.get(tick.id).and_then(|entry| entry.closed);
        if !mark.is_closed && Some(mark.open) > closed {
            self.stage_tick(tick, now);
        }
    }

    /// Bars were read, or could not be: who waits for them goes on.
    pub(super) fn stage_bars_news(&mut self, news: BarsNews, now: Micros) {
        let BarsNews { id, closed, is_read } = news;
        if let Some(before) = self.advance(id, closed) {
            self.miss_bars(id, before, now);
        }
        let waiting: Vec<MemberId> = self
            .behind()
            .filter(|(_, backlog)| backlog.is_waiting() && backlog.bars_due(id).is_some())
            .map(|(member, _)| member)
            .collect();
        for member in waiting {
            let Some(backlog) = self.owe(member, Cause::Present, now) else { continue };
            if !is_read {
                backlog.bars_failed(id);
            }
            self.pass.postponed.push(member);
        }
    }

    /// Notes the last closed bar of a topic; what it was before, if it is another.
    fn advance(&mut self, id: TopicId, closed: Option<Micros>) -> Option<Option<Micros>> {
        let entry = self.topics.get_mut(id)?;
        let before = entry.closed;
        entry.closed = before.max(closed);
        (entry.closed != before).then_some(before)
    }

    /// The bar goes out to all who have the topic, whatever their gates hold back.
    fn stage_closed(&mut self, tick: &Arc<Tick>, now: Micros) {
        let Some(entry) = self.topics.get(tick.id).filter(|it| !it.seats.is_empty()) else {
            return;
        };
        let position = self.pass.frames.len();
        for Seat { cohort: id, at } in &entry.seats {
            let cohort = self.cohorts.get_mut(*id);
            if let Some(gate) = &mut cohort.wants[*at as usize].gate {
                gate.went_out(&tick.quote, now);
            }
            self.counts.bars += cohort.members.len() as u64;
            push(cohort, *id, position, &mut self.pass.touched);
        }
        let frames = Source::Closed(tick.clone());
        self.pass.frames.push(Staged { frames, keys: Vec::new() });
    }

    /// All who have the topic lack the bars behind the one that opened at `before`.
    fn miss_bars(&mut self, topic: TopicId, before: Option<Micros>, now: Micros) {
        let Some(entry) = self.topics.get(topic) else { return };
        let cohorts = entry.seats.iter().map(|seat| self.cohorts.get(seat.cohort));
        let members: Vec<MemberId> =
            cohorts.flat_map(|cohort| cohort.members.iter().copied()).collect();
        for member in members {
            let Some(backlog) = self.owe(member, Cause::Present, now) else { continue };
            // Who is about to begin gets its first bars as they are now.
            if backlog.bars_due(topic).is_none_or(|due| due.newest.is_none()) {
                backlog.owe_bars(topic, BarsDue::missed(before));
            }
            backlog.queue(Key::Value(topic));
            self.pass.postponed.push(member);
        }
    }

    /// The bars that kline topics of a change begin with, for a member that stood at `old`. From now
    /// on no bar of theirs may be missed.
    pub(super) fn klines_of(&self, change: &Change, old: Option<Place>) -> Vec<(TopicId, BarsDue)> {
        let is_kline =
            |id: &&TopicId| self.topics.latest(**id).is_some_and(|newest| newest.bar.is_some());
        for topic in change.held.iter().filter(is_kline).filter_map(|id| self.topics.name(*id)) {
            self.bars.want(topic);
        }
        let had = |id| old.is_some_and(|old| self.cohorts.get(old.cohort).find(id).is_some());
        let start = BarsDue::start(change.history);
        let begins = |id: TopicId| {
            // Who has had the topic all along misses nothing of what closes until it is served.
            let closed = self.topics.get(id).filter(|_| had(id)).and_then(|entry| entry.closed);
            (id, closed.map_or(start, |closed| start.with(BarsDue::missed(Some(closed)))))
        };
        change.due.iter().filter(is_kline).copied().map(begins).collect()
    }

    /// Adds the bars that are due before the newest one; false if they have to be waited for.
    pub(super) fn fill_bars(
        &mut self,
        id: TopicId,
        encoding: Encoding,
        backlog: &mut Backlog,
        piece: &mut Vec<u8>,
    ) -> bool {
        let Some(due) = backlog.bars_due(id) else { return true };
        let Some(entry) = self.topics.get(id) else { return true };
        let Some(bars) = self.bars.get(&entry.topic, due, entry.closed) else { return false };
        let topic = entry.topic.clone();
        backlog.bars_done(id);
        self.counts.bars += bars.len() as u64;
        if due.newest.is_some() || !bars.is_empty() {
            let frames = self.last_klines.of(id, &topic, bars);
            piece.extend_from_slice(frames.get(encoding));
        }
        if due.has_failed && !self.bars.is_read(&topic) {
            piece.extend(encode::message(&unreadable(&topic), encoding));
        }
        true
    }

    /// A member that waits for bars gets the rest of what it is owed once the pass is over.
    pub(super) fn postpone_waiting(&mut self, id: MemberId, now: Micros) {
        let Some(backlog) = self.members.get_mut(id).and_then(|it| it.backlog.as_mut()) else {
            return;
        };
        if backlog.is_idle() {
            backlog.begin_clock(now);
            self.pass.postponed.push(id);
        }
    }
}

impl Backlog {
    /// A bar that closed could not be sent.
    pub(super) fn miss_bar(&mut self, tick: &Tick) {
        let Some(mark) = tick.bar else { return };
        // It was the first of its topic, or the one behind `before`.
        let due = BarsDue { newest: None, after: mark.before, has_failed: false };
        let first = BarsDue { after: Some(Micros(mark.open.0 - 1)), ..due };
        self.owe_bars(tick.id, if mark.before.is_some() { due } else { first });
        self.queue(Key::Value(tick.id));
    }
}

fn unreadable(topic: &Topic) -> Plain<'_> {
    Plain::Error(ErrorMessage {
        id: None,
        code: ErrorCode::NotReady,
        message: "past bars cannot be read now; subscribe again for them",
        field: Some(topic.as_str()),
        retry_after_ms: Some(RETRY_AFTER_MS),
    })
}

/// The last `klines` messages, framed: many clients come at once and get the same.
#[derive(Debug, Default)]
pub(super) struct LastKlines(VecDeque<Klines>);

#[derive(Debug)]
struct Klines {
    id: TopicId,
    bars: Vec<Bar>,
    frames: Rc<Frames>,
}

impl LastKlines {
    fn of(&mut self, id: TopicId, topic: &Topic, bars: Vec<Bar>) -> Rc<Frames> {
        if let Some(same) = self.0.iter().find(|it| it.id == id && it.bars == bars) {
            return same.frames.clone();
        }
        let frames = Rc::new(Frames::of(&KlinesMessage { topic, bars: &bars }));
        self.0.truncate(KLINES_KEPT - 1);
        self.0.push_front(Klines { id, bars, frames: frames.clone() });
        frames
    }
}
