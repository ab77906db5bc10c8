//! The staging of a pass: tables are brought up to date, and every cohort is given what it gets.

use super::{
    About, Key, Status, Tick, TopicId, Update,
    cohorts::{Cohort, CohortId, Seat},
    fan::Fan,
    gate::{Gate, Verdict},
    pass::{Source, Staged},
};
use crate::wire::Frames;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tickcast_shared::{
    clock::Micros,
    market::{Channel, Pattern, Topic},
    protocol::{Added, ErrorCode, ErrorMessage, Plain},
};

impl Fan {
    /// Applies updates and stages what members get of them, together with held-back values that
    /// are due. Not while a pass runs.
    pub fn begin(&mut self, updates: &[(Key, Update)], now: Micros) {
        self.pass.is_running = true;
        let news = self.apply(updates);
        self.announce(&news, now);
        for (_, update) in updates {
            match update {
                Update::Tick(tick) => {
                    let before = self.pass.frames.len();
                    match &tick.bar {
                        None => self.stage_tick(tick, now),
                        Some(mark) => self.stage_bar(tick, mark, now),
                    }
                    if tick.mark.is_some() {
                        self.follow(tick, before, now);
                    }
                }
                Update::Bars(news) => self.stage_bars_news(*news, now),
                Update::Status(status) => self.stage_status(status),
                Update::Removed(_) => {}
            }
        }
        self.stage_due(now);
        let first = self.pass.turn % self.pass.touched.len().max(1);
        self.pass.touched.rotate_left(first);
        self.pass.turn = self.pass.turn.wrapping_add(1);
    }

    /// When the next held-back value is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Micros> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Brings the tables up to date; returns the topics that are new or back, each once.
    fn apply(&mut self, updates: &[(Key, Update)]) -> BTreeMap<TopicId, Topic> {
        let mut news = BTreeMap::new();
        for (_, update) in updates {
            match update {
                Update::Tick(tick) => {
                    if self.topics.tick(tick) {
                        news.insert(tick.id, tick.topic.clone());
                    }
                }
                Update::Status(status) => self.statuses.set(status),
                Update::Bars(_) => {}
                // Its last status stays: someone who is brought up to date must still be told.
                Update::Removed(id) => self.topics.remove(*id),
            }
        }
        news
    }

    /// Lets topics that are new or back join the patterns that cover them, with a `topics_added` to
    /// each cohort.
    fn announce(&mut self, news: &BTreeMap<TopicId, Topic>, now: Micros) {
        if news.is_empty() {
            return;
        }
        let cohorts = self.cohorts.iter();
        let with_patterns: Vec<CohortId> = cohorts
            .filter(|(_, cohort)| cohort.table.patterns().len() > 0)
            .map(|(id, _)| id)
            .collect();
        for id in with_patterns {
            self.announce_to(id, news, now);
        }
    }

    fn announce_to(&mut self, id: CohortId, news: &BTreeMap<TopicId, Topic>, now: Micros) {
        let table = self.cohorts.get(id).table.clone();
        let mut added: BTreeMap<&Pattern, Vec<(TopicId, &Topic)>> = BTreeMap::new();
        let mut left_out = None;
        for (topic_id, topic) in news {
            let Some((pattern, settings)) = table.covering(topic) else { continue };
            if table.settings(*topic_id).is_some() {
                continue;
            }
            let cohort = self.cohorts.get(id);
            // One that is back has kept its seat; who joined meanwhile has never heard of it.
            if cohort.find(*topic_id).is_none() {
                if cohort.wants.len() >= table.most(self.max_topics) {
                    left_out = Some(pattern);
                    continue;
                }
                self.cohorts.extend(id, *topic_id, Gate::new(settings, now), &mut self.topics);
                if topic.channel() == Channel::Kline {
                    self.bars.read_soon(topic);
                }
            }
            added.entry(pattern).or_default().push((*topic_id, topic));
        }
        for (pattern, topics) in added {
            let keys = topics.iter().map(|(id, _)| Key::Added(*id)).collect();
            let topics: Vec<&Topic> = topics.into_iter().map(|(_, topic)| topic).collect();
            let frames = Frames::of(&topics_added(pattern, &topics));
            self.stage(Staged { frames: Source::Own(frames), keys }, &[id]);
        }
        if let Some(pattern) = left_out {
            let frames = Source::Own(Frames::of(&too_many(pattern)));
            self.stage(Staged { frames, keys: Vec::new() }, &[id]);
        }
    }

    pub(super) fn stage_tick(&mut self, tick: &Arc<Tick>, now: Micros) {
        let Some(entry) = self.topics.get(tick.id) else { return };
        let is_newest = entry.latest.as_ref().is_some_and(|newest| Arc::ptr_eq(newest, tick));
        let mut position = None;
        for Seat { cohort: id, at } in &entry.seats {
            let cohort = self.cohorts.get_mut(*id);
            if let Some(gate) = &mut cohort.wants[*at as usize].gate {
                // What a newer one of this pass replaces counts only if it changed the state.
                let counts = is_newest || gate.is_other_state(&tick.quote);
                if !counts {
                    continue;
                }
                if let Verdict::At(due) = gate.offer(&tick.quote, now, phase(*id)) {
                    wait(cohort, *id, *at, due, &mut self.timers);
                    continue;
                }
            }
            let at = *position.get_or_insert_with(|| {
                self.pass.frames.push(Staged {
                    frames: Source::Tick(tick.clone()),
                    keys: vec![Key::Value(tick.id)],
                });
                self.pass.frames.len() - 1
            });
            push(cohort, *id, at, &mut self.pass.touched);
        }
    }

    fn stage_status(&mut self, status: &Arc<Status>) {
        let concerned: Vec<CohortId> = match &status.about {
            About::Topic(id) => self.wanting(std::iter::once(*id)),
            About::Exchange(name) => {
                let topics = self.topics.known();
                let its = topics.filter(|(_, topic)| topic.exchange() == name.as_ref());
                self.wanting(its.map(|(id, _)| id))
            }
            About::Bus => self.cohorts.iter().map(|(id, _)| id).collect(),
        };
        let keys = vec![Key::Status(status.about.clone())];
        self.stage(Staged { frames: Source::Status(status.clone()), keys }, &concerned);
    }

    /// Cohorts that want any of the topics.
    fn wanting(&self, topics: impl Iterator<Item = TopicId>) -> Vec<CohortId> {
        let seats = topics.filter_map(|id| self.topics.get(id)).flat_map(|entry| &entry.seats);
        let cohorts: BTreeSet<CohortId> = seats.map(|seat| seat.cohort).collect();
        cohorts.into_iter().collect()
    }

    fn stage(&mut self, staged: Staged, cohorts: &[CohortId]) {
        let at = self.pass.frames.len();
        self.pass.frames.push(staged);
        for id in cohorts {
            push(self.cohorts.get_mut(*id), *id, at, &mut self.pass.touched);
        }
    }

    /// Held-back values whose time has come.
    fn stage_due(&mut self, now: Micros) {
        while let Some((due, id)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, id));
            let cohort = self.cohorts.get_mut(id);
            cohort.wake = None;
            let waiting = std::mem::take(&mut cohort.waiting);
            for at in waiting {
                self.stage_if_due(id, at, now);
            }
        }
    }

    fn stage_if_due(&mut self, id: CohortId, at: u32, now: Micros) {
        let cohort = self.cohorts.get_mut(id);
        let want = &mut cohort.wants[at as usize];
        let topic = want.topic;
        let Some(gate) = &mut want.gate else { return };
        gate.is_listed = false;
        // What has gone out meanwhile no longer waits.
        let Some(due) = gate.due() else { return };
        let Some(newest) = self.topics.shown(topic) else {
            gate.forget_due();
            return;
        };
        if due > now {
            wait(cohort, id, at, due, &mut self.timers);
            return;
        }
        gate.went_out(&newest.quote, now);
        let (frames, keys) = (Source::Tick(newest.clone()), vec![Key::Value(topic)]);
        self.stage(Staged { frames, keys }, &[id]);
    }
}

pub(super) fn push(cohort: &mut Cohort, id: CohortId, at: usize, touched: &mut Vec<CohortId>) {
    if cohort.pending.is_empty() {
        touched.push(id);
    }
    // A mailbox holds 65536 updates and a cohort adds two messages of its own: far below u32.
    cohort.pending.push(u32::try_from(at).unwrap_or(u32::MAX));
}

/// Keeps the cohort's list of held-back topics, and the shard's timers, in step with a gate.
fn wait(
    cohort: &mut Cohort,
    id: CohortId,
    at: u32,
    due: Micros,
    timers: &mut BTreeSet<(Micros, CohortId)>,
) {
    if let Some(gate) = &mut cohort.wants[at as usize].gate
        && !gate.is_listed
    {
        gate.is_listed = true;
        cohort.waiting.push(at);
    }
    if cohort.wake.is_none_or(|wake| due < wake) {
        if let Some(wake) = cohort.wake.replace(due) {
            timers.remove(&(wake, id));
        }
        timers.insert((due, id));
    }
}

/// Microseconds by which a cohort's common moments are shifted against those of others: a large odd
/// factor scatters neighbouring numbers.
fn phase(id: CohortId) -> i64 {
    i64::from(id.0.wrapping_mul(0x9E37_79B1))
}

/// A `topics_added` message.
pub(super) fn topics_added<'a>(pattern: &'a Pattern, topics: &'a [&'a Topic]) -> Plain<'a> {
    Plain::TopicsAdded(Added { pattern: pattern.as_str(), topics })
}

fn too_many(pattern: &Pattern) -> Plain<'_> {
    Plain::Error(ErrorMessage {
        id: None,
        code: ErrorCode::TooManyTopics,
        message: "a new listing would pass the limit of topics and did not join the pattern",
        field: Some(pattern.as_str()),
        retry_after_ms: None,
    })
}
