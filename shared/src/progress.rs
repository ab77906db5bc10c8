//! Whether the loops that a process cannot do without go round: what its watchdog is fed with.
//!
//! A loop marks each of its turns, and comes round at least every [`IDLE_TURN`] when there is nothing
//! to do for it. Waiting for others, such as a Redis that is gone, is part of a turn that ends by its
//! own time-outs; a deadlock or a blocked thread is not.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Longest time between two turns of a loop that has nothing to do: often beside any sensible
/// watchdog, seldom beside everything else that a process does.
pub const IDLE_TURN: Duration = Duration::from_secs(1);

/// The loops of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<Vec<Weak<Loop>>>>);

/// One loop's own mark. When it is dropped the loop has ended, and is not waited for any more.
#[derive(Debug)]
pub struct Mark(Arc<Loop>);

#[derive(Debug)]
struct Loop {
    name: String,
    has_turned: AtomicBool,
}

impl Progress {
    /// Adds a loop, which is expected to turn from now on.
    #[must_use]
    pub fn watch(&self, name: impl Into<String>) -> Mark {
        let added = Arc::new(Loop { name: name.into(), has_turned: AtomicBool::new(true) });
        let mut loops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loops.push(Arc::downgrade(&added));
        Mark(added)
    }

    /// The loops that have not turned since the last call that found none; an empty list starts the
    /// next round.
    #[must_use]
    pub fn standing_still(&self) -> Vec<String> {
        let mut loops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loops.retain(|it| it.strong_count() > 0);
        let running: Vec<_> = loops.iter().filter_map(Weak::upgrade).collect();
        let still = running.iter().filter(|it| !it.has_turned.load(Ordering::Relaxed));
        let still: Vec<String> = still.map(|it| it.name.clone()).collect();
        if still.is_empty() {
            running.iter().for_each(|it| it.has_turned.store(false, Ordering::Relaxed));
        }
        still
    }
}

impl Mark {
    /// The loop has come round.
    pub fn turn(&self) {
        // Read first: a busy loop does not write to memory that another thread reads each time.
        if !self.0.has_turned.load(Ordering::Relaxed) {
            self.0.has_turned.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_stands_still_until_it_turns_again() {
        let progress = Progress::default();
        let (a, b) = (progress.watch("a"), progress.watch("b"));
        assert!(progress.standing_still().is_empty(), "both have just begun");
        a.turn();
        assert_eq!(progress.standing_still(), ["b"]);
        assert_eq!(progress.standing_still(), ["b"], "what has turned is not asked for twice");
        b.turn();
        assert!(progress.standing_still().is_empty());
        assert_eq!(progress.standing_still(), ["a", "b"], "a new round");
    }

    #[test]
    fn a_loop_that_has_ended_is_not_waited_for() {
        let progress = Progress::default();
        let (a, b) = (progress.watch("a"), progress.watch("b"));
        assert!(progress.standing_still().is_empty());
        b.turn();
        drop(a);
        assert!(progress.standing_still().is_empty());
        drop(b);
        assert!(progress.standing_still().is_empty());
    }
}
