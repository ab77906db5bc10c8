//! What a pass does with updates that somebody follows (see [`crate::trace`]).
//!
//! Everything here is empty and skipped while nobody follows anything. What there is to do is done
//! once a cohort and batch, or for sockets that are full: never once a delivery.

use super::{Tick, fan::Fan, members::MemberId, pass::Source};
use crate::trace::Passed;
use std::sync::Arc;
use tickcast_shared::clock::Micros;

/// An update that is followed, in the pass that is running.
#[derive(Debug)]
pub struct Followed {
    tick: Arc<Tick>,
    /// Its position in the pass's list; none if no cohort gets it now.
    frame: Option<u32>,
    /// Whether the writes that are being made carry it.
    is_in_batch: bool,
    passed: Passed,
}

impl Followed {
    /// What has become of it so far.
    #[must_use]
    pub fn passed(&self) -> &Passed {
        &self.passed
    }

    /// Tells those who follow it what has become of it on this shard.
    pub fn report(self, shard: usize) {
        if let Some(mark) = &self.tick.mark {
            mark.passed(Passed { shard, ..self.passed });
        }
    }
}

impl Fan {
    /// A followed update has been staged, behind the first `before` messages of the pass.
    pub(super) fn follow(&mut self, tick: &Arc<Tick>, before: usize, now: Micros) {
        let is_it = |source: &Source| match source {
            Source::Tick(staged) | Source::Closed(staged) => Arc::ptr_eq(staged, tick),
            Source::Status(_) | Source::Own(_) => false,
        };
        let staged = self.pass.frames[before..].iter().position(|it| is_it(&it.frames));
        let frame = staged.and_then(|at| u32::try_from(before + at).ok());
        let mut held = 0;
        for seat in self.topics.get(tick.id).iter().flat_map(|entry| &entry.seats) {
            let cohort = self.cohorts.get(seat.cohort);
            let is_pending = frame.is_some_and(|at| cohort.pending.binary_search(&at).is_ok());
            held += if is_pending { 0 } else { cohort.members.len() as u64 };
        }
        let passed = Passed {
            shard: 0,
            id: tick.id,
            stamp: tick.stamp,
            began: now,
            written: None,
            sockets: 0,
            blocked: 0,
            held,
            left_out: 0,
        };
        let followed = Followed { tick: tick.clone(), frame, is_in_batch: false, passed };
        self.pass.followed.push(followed);
    }

    /// Notes that the writes just made carried what is followed; `now` is asked only if they did.
    pub fn note_written(&mut self, now: impl Fn() -> Micros) {
        for followed in self.pass.followed.iter_mut().filter(|it| it.is_in_batch) {
            followed.is_in_batch = false;
            followed.passed.written = Some(now());
        }
    }

    /// What was followed through the pass that is ending.
    #[must_use]
    pub fn take_followed(&mut self) -> Vec<Followed> {
        std::mem::take(&mut self.pass.followed)
    }

    /// A member takes no part in the pass, or its socket took only so many bytes of what the pass
    /// has for it.
    pub(super) fn note_missed(&mut self, id: MemberId, accepted: Option<usize>) {
        if self.pass.followed.is_empty() {
            return;
        }
        let place = self.members.get_mut(id).and_then(|member| member.place);
        let Some(cohort) = place.and_then(|place| self.cohorts.find_mut(place.cohort)) else {
            return;
        };
        let (encoding, mut end) = (cohort.table.encoding(), 0);
        for at in &cohort.pending {
            end += self.pass.frames[*at as usize].bytes(encoding).len();
            if accepted.is_some_and(|accepted| end <= accepted) {
                continue;
            }
            for followed in self.pass.followed.iter_mut().filter(|it| it.frame == Some(*at)) {
                followed.passed.blocked += 1;
                // It was counted when the write was asked for.
                let counted = u64::from(accepted.is_some());
                followed.passed.sockets = followed.passed.sockets.saturating_sub(counted);
            }
        }
    }
}

/// So many members of a cohort are to be written what it has pending.
pub(super) fn note_writes(followed: &mut [Followed], pending: &[u32], writes: u64) {
    let has = |it: &&mut Followed| it.frame.is_some_and(|at| pending.binary_search(&at).is_ok());
    for followed in followed.iter_mut().filter(has).filter(|_| writes > 0) {
        followed.passed.sockets += writes;
        followed.is_in_batch = true;
    }
}

/// A cohort of so many members was given only the newest of each topic.
pub(super) fn note_left_out(
    followed: &mut [Followed],
    before: &[u32],
    after: &[u32],
    members: usize,
) {
    for followed in followed {
        let Some(at) = followed.frame else { continue };
        if before.binary_search(&at).is_ok() && after.binary_search(&at).is_err() {
            followed.passed.left_out += members as u64;
        }
    }
}
