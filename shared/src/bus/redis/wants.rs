//! Which shards' snapshots are wanted, and when.

use crate::bus::{SHARDS, ShardId};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::{sync::Notify, time::Instant};

/// At most one request a shard; a newer one replaces the older, even while that is being served.
#[derive(Debug, Default)]
pub(super) struct Wants {
    slots: Mutex<[Slot; SHARDS as usize]>,
    changed: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    due: Option<Instant>,
    /// Number of the newest request.
    newest: u64,
}

/// A request that is being served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    pub shard: ShardId,
    number: u64,
}

impl Wants {
    pub(super) fn ask(&self, shard: ShardId, due: Instant) {
        let slot = &mut self.slots()[shard.index()];
        slot.due = Some(due);
        slot.newest += 1;
        self.changed.notify_one();
    }

    /// Removes and returns the requests that are due.
    pub(super) fn take_due(&self, now: Instant) -> Vec<Request> {
        let mut slots = self.slots();
        let mut due = Vec::new();
        for shard in ShardId::all() {
            let slot = &mut slots[shard.index()];
            if slot.due.is_some_and(|at| at <= now) {
                slot.due = None;
                due.push(Request { shard, number: slot.newest });
            }
        }
        due
    }

    /// When the next request will be due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.slots().iter().filter_map(|slot| slot.due).min()
    }

    /// Whether nobody has asked again since.
    pub(super) fn is_newest(&self, request: Request) -> bool {
        self.slots()[request.shard.index()].newest == request.number
    }

    /// Waits for a new request.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn slots(&self) -> MutexGuard<'_, [Slot; SHARDS as usize]> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_newer_request_replaces_the_older() {
        let (wants, now) = (Wants::default(), Instant::now());
        let shard = ShardId::default();
        wants.ask(shard, now);
        let served = wants.take_due(now);
        assert_eq!(served.len(), 1);
        assert!(wants.is_newest(served[0]));
        let later = now + Duration::from_secs(1);
        wants.ask(shard, later);
        assert!(!wants.is_newest(served[0]));
        assert_eq!(wants.take_due(now), []);
        assert_eq!(wants.next_due(), Some(later));
        assert_eq!(wants.take_due(later).len(), 1);
        assert_eq!(wants.next_due(), None);
    }
}
