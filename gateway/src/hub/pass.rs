//! A pass: everything that has come since the last one goes out, at most one write a member.
//!
//! [`super::stage`] begins it; then its writes are handed out in batches, so that other work gets its
//! turn between them.

use super::{
    Key, Status, Tick,
    backlog::Cause,
    cohorts::{Cohort, CohortId},
    fan::{Counts, Fan},
    followed::{self, Followed},
    members::MemberId,
};
use crate::wire::{Encoding, Frames};
use bytes::{Bytes, BytesMut};
use std::{collections::HashSet, sync::Arc};
use tickcast_shared::clock::Micros;

/// From this size on, a write of a pass carries only the newest of each topic: the shard has more
/// to do than it can, or a burst has come, and a larger write would only be cut by the socket.
const CONFLATE_FROM_BYTES: usize = 48 * 1024;

/// A pass under way.
#[derive(Debug, Default)]
pub struct Pass {
    pub(super) frames: Vec<Staged>,
    /// Cohorts with something to be written.
    pub(super) touched: Vec<CohortId>,
    /// How many of them are done.
    at: usize,
    /// Members of the present cohort that are still to be served, the next one last.
    members: Vec<MemberId>,
    /// Steps with every pass, so that another cohort is first each time.
    pub(super) turn: usize,
    /// Between [`Fan::begin`] and [`Fan::end`].
    pub(super) is_running: bool,
    /// Members that can be brought up to date once the pass is over.
    pub(super) postponed: Vec<MemberId>,
    /// Updates of it that somebody follows.
    pub(super) followed: Vec<Followed>,
}

/// One message of a pass.
#[derive(Debug)]
pub(super) struct Staged {
    /// What it says.
    pub frames: Source,
    /// What a member that could not be sent it is owed.
    pub keys: Vec<Key>,
}

/// Where a message comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// A topic's value.
    Tick(Arc<Tick>),
    /// A change of state.
    Status(Arc<Status>),
    /// A bar that has closed: nothing replaces it.
    Closed(Arc<Tick>),
    /// The shard itself.
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
    pub(super) fn bytes(&self, encoding: Encoding) -> &Bytes {
        match &self.frames {
            Source::Tick(tick) | Source::Closed(tick) => tick.frames.get(encoding),
            Source::Status(status) => status.frames.get(encoding),
            Source::Own(frames) => frames.get(encoding),
        }
    }
}

impl Fan {
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
                begin_cohort(cohort, &mut self.pass, &mut self.counts);
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
            if !self.pass.followed.is_empty()
                && let Some(cohort) = self.cohorts.find_mut(id)
            {
                followed::note_writes(&mut self.pass.followed, &cohort.pending, writes);
            }
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
        self.note_missed(id, None);
        self.miss(id, 0, now);
        self.postpone_waiting(id, now);
        false
    }

    /// The socket accepted only so many bytes of what the pass has for the member.
    pub fn cut(&mut self, id: MemberId, accepted: usize, now: Micros) {
        self.note_missed(id, Some(accepted));
        if self.owe(id, Cause::Answer, now).is_some() {
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
                if let Source::Closed(tick) = &staged.frames {
                    backlog.miss_bar(tick);
                    // It will be counted when it comes.
                    self.counts.bars = self.counts.bars.saturating_sub(1);
                    start = end;
                    continue;
                }
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
        // News of many topics may have named a member many times.
        let mut postponed = std::mem::take(&mut self.pass.postponed);
        postponed.sort_unstable();
        postponed.dedup();
        postponed
    }

    /// Whether membership must not change now.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.pass.is_running
    }
}

/// Members of a cohort in the order in which they are served: another one first each time.
fn begin_cohort(cohort: &mut Cohort, pass: &mut Pass, counts: &mut Counts) {
    let Pass { frames, members, followed, .. } = pass;
    let encoding = cohort.table.encoding();
    let size: usize =
        cohort.pending.iter().map(|at| frames[*at as usize].bytes(encoding).len()).sum();
    if size >= CONFLATE_FROM_BYTES {
        let count = cohort.members.len();
        let before = if followed.is_empty() { Vec::new() } else { cohort.pending.clone() };
        counts.conflated += conflate(&mut cohort.pending, frames) * count as u64;
        followed::note_left_out(followed, &before, &cohort.pending, count);
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
