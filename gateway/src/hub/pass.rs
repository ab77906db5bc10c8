//! A pass: everything that has come since the last one goes out, at most one write a member.
//!
//! A pass begins with the tables brought up to date and everything staged, then hands out its
//! writes in batches, so that other work gets its turn between them.

use super::{
    About, Key, Status, Tick, TopicId, Update,
    backlog::Cause,
    cohorts::{Cohort, CohortId, Seat},
    fan::{Counts, Fan},
    gate::{Gate, Verdict},
    members::MemberId,
};
use crate::wire::{Encoding, Frames};
use bytes::{Bytes, BytesMut};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};
use tickcast_shared::{
    clock::Micros,
    market::{Pattern, Topic},
    protocol::{Added, ErrorCode, ErrorMessage, Plain},
};

/// From this size on, a write of a pass carries only the newest of each topic: the shard has more
/// to do than it can, or a burst has come, and a larger write would only be cut by the socket.
const CONFLATE_FROM_BYTES: usize = 48 * 1024;

/// A pass under way.
#[derive(Debug, Default)]
pub struct Pass {
    frames: Vec<Staged>,
    /// Cohorts with something to be written.
    touched: Vec<CohortId>,
    /// How many of them are done.
    at: usize,
    /// Members of the present cohort that are still to be served, the next one last.
    members: Vec<MemberId>,
    /// Steps with every pass, so that another cohort is first each time.
    turn: usize,
    /// Between [`Fan::begin`] and [`Fan::end`].
    pub(super) is_running: bool,
    /// Members that can be brought up to date once the pass is over.
    pub(super) postponed: Vec<MemberId>,
}

/// One message of a pass.
#[derive(Debug)]
struct Staged {
    frames: Source,
    /// What a member that could not be sent it is owed.
    keys: Vec<Key>,
}

#[derive(Debug)]
enum Source {
    Tick(Arc<Tick>),
    Status(Arc<Status>),
    Own(Frames),
}

/// Writes to be made: members and the bytes for each.
#[derive(Debug, Default)]
pub struct Batch {
    /// Bytes that several members get.
    pub payloads: Vec<Bytes>,
    /// Who gets which of them.
    pub writes: Vec<(MemberId, u32)>,
}

impl Staged {
    fn bytes(&self, encoding: Encoding) -> &Bytes {
        match &self.frames {
            Source::Tick(tick) => tick.frames.get(encoding),
            Source::Status(status) => status.frames.get(encoding),
            Source::Own(frames) => frames.get(encoding),
        }
    }
}

impl Fan {
    /// Applies updates and stages what members get of them, together with held-back values that
    /// are due. Not while a pass runs.
    pub fn begin(&mut self, updates: &[(Key, Update)], now: Micros) {
        self.pass.is_running = true;
        let news = self.apply(updates);
        self.announce(&news, now);
        for (_, update) in updates {
            match update {
                Update::Tick(tick) => self.stage_tick(tick, now),
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
                if cohort.wants.len() >= self.max_topics {
                    left_out = Some(pattern);
                    continue;
                }
                self.cohorts.extend(id, *topic_id, Gate::new(settings, now), &mut self.topics);
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

    fn stage_tick(&mut self, tick: &Arc<Tick>, now: Micros) {
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
        let Some(newest) = self.topics.latest(topic) else {
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

    /// Adds up to `room` writes to the batch; says whether the pass goes on. Members that are owed
    /// something are noted as missing theirs instead.
    pub fn next_writes(&mut self, room: usize, batch: &mut Batch, now: Micros) -> bool {
        batch.payloads.clear();
        batch.writes.clear();
        while batch.writes.len() < room {
            let Some(id) = self.pass.touched.get(self.pass.at).copied() else {
                return false;
            };
            // All of its members may have gone since the pass began.
            let Some(cohort) = self.cohorts.find_mut(id) else {
                self.pass.members.clear();
                self.pass.at += 1;
                continue;
            };
            if self.pass.members.is_empty() {
                begin_cohort(cohort, &self.pass.frames, &mut self.counts, &mut self.pass.members);
            }
            let encoding = cohort.table.encoding();
            let payload = payload(&cohort.pending, &self.pass.frames, encoding);
            let (frames, size) = (cohort.pending.len() as u64, payload.len() as u64);
            let number = batch.payloads.len();
            batch.payloads.push(payload);
            let before = batch.writes.len();
            while batch.writes.len() < room
                && let Some(member) = self.pass.members.pop()
            {
                if self.is_to_be_written(member, id, now) {
                    batch.writes.push((member, u32::try_from(number).unwrap_or(u32::MAX)));
                }
            }
            let writes = (batch.writes.len() - before) as u64;
            self.counts.writes += writes;
            self.counts.deliveries += writes * frames;
            self.counts.bytes += writes * size;
            if self.pass.members.is_empty() {
                self.pass.at += 1;
            }
        }
        self.pass.at < self.pass.touched.len()
    }

    /// Whether the member takes part in the pass: one that left, or that is behind, does not.
    fn is_to_be_written(&mut self, id: MemberId, cohort: CohortId, now: Micros) -> bool {
        let Some(member) = self.members.get_mut(id) else { return false };
        if member.place.is_none_or(|place| place.cohort != cohort) {
            return false;
        }
        if member.backlog.is_none() {
            return true;
        }
        self.miss(id, 0, now);
        false
    }

    /// The socket accepted only so many bytes of what the pass has for the member.
    pub fn cut(&mut self, id: MemberId, accepted: usize, now: Micros) {
        if let Some(backlog) = self.owe(id, Cause::Answer, now) {
            self.counts.lagging += u64::from(backlog.lag(now));
            self.miss(id, accepted, now);
        }
    }

    /// Notes what the pass has for the member behind the first `accepted` bytes.
    fn miss(&mut self, id: MemberId, accepted: usize, now: Micros) {
        let Some(member) = self.members.get_mut(id) else { return };
        let (Some(place), Some(backlog)) = (member.place, &mut member.backlog) else { return };
        let cohort = self.cohorts.get(place.cohort);
        self.counts.lagging += u64::from(backlog.lag(now));
        let mut start = 0;
        for staged in cohort.pending.iter().map(|at| &self.pass.frames[*at as usize]) {
            let bytes = staged.bytes(cohort.table.encoding());
            let end = start + bytes.len();
            if start < accepted && accepted < end {
                backlog.begin_with(&bytes[accepted - start..]);
            } else if accepted <= start {
                for key in &staged.keys {
                    self.counts.skipped += u64::from(backlog.miss(key.clone()));
                }
                if staged.keys.is_empty() {
                    backlog.then(bytes.to_vec());
                }
            }
            start = end;
        }
    }

    /// The pass is over. Returns the members that could not be brought up to date meanwhile.
    #[must_use]
    pub fn end(&mut self) -> Vec<MemberId> {
        for id in std::mem::take(&mut self.pass.touched) {
            if let Some(cohort) = self.cohorts.find_mut(id) {
                cohort.pending.clear();
            }
        }
        self.pass.frames.clear();
        self.pass.members.clear();
        self.pass.at = 0;
        self.pass.is_running = false;
        std::mem::take(&mut self.pass.postponed)
    }

    /// Whether membership must not change now.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.pass.is_running
    }
}

/// Members of a cohort in the order in which they are served: another one first each time.
fn begin_cohort(
    cohort: &mut Cohort,
    frames: &[Staged],
    counts: &mut Counts,
    members: &mut Vec<MemberId>,
) {
    let encoding = cohort.table.encoding();
    let size: usize =
        cohort.pending.iter().map(|at| frames[*at as usize].bytes(encoding).len()).sum();
    if size >= CONFLATE_FROM_BYTES {
        counts.conflated += conflate(&mut cohort.pending, frames) * cohort.members.len() as u64;
    }
    // Taken from the end, so in falling order. Every start has its turn, and two that follow each
    // other are half a round apart.
    let count = cohort.members.len().max(1);
    let first = (cohort.turn / 2 + cohort.turn % 2 * (count / 2)) % count;
    cohort.turn = cohort.turn.wrapping_add(1);
    members.extend(cohort.members[first..].iter().chain(&cohort.members[..first]));
}

/// Leaves out messages that a later one of the same list replaces; returns how many.
fn conflate(pending: &mut Vec<u32>, frames: &[Staged]) -> u64 {
    let before = pending.len();
    let mut newer: HashSet<&Key> = HashSet::new();
    pending.reverse();
    pending.retain(|at| match frames[*at as usize].keys.as_slice() {
        [key] => newer.insert(key),
        _ => true,
    });
    pending.reverse();
    (before - pending.len()) as u64
}

fn payload(pending: &[u32], frames: &[Staged], encoding: Encoding) -> Bytes {
    let each = || pending.iter().map(|at| frames[*at as usize].bytes(encoding));
    if let [only] = pending {
        return frames[*only as usize].bytes(encoding).clone();
    }
    let mut joined = BytesMut::with_capacity(each().map(Bytes::len).sum());
    each().for_each(|bytes| joined.extend_from_slice(bytes));
    joined.freeze()
}

fn push(cohort: &mut Cohort, id: CohortId, at: usize, touched: &mut Vec<CohortId>) {
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
