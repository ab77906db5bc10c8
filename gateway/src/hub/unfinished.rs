//! Since when clients have owed the rest of a message. Costs nothing for those that owe none.

use super::members::MemberId;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// The members with a message, or a part of a frame, under way.
#[derive(Debug, Default)]
pub struct Unfinished(HashMap<MemberId, Instant>);

impl Unfinished {
    /// A member's message is under way since then, or none is.
    pub fn note(&mut self, id: MemberId, since: Option<Instant>) {
        match since {
            Some(since) => _ = self.0.insert(id, since),
            None if self.0.is_empty() => {}
            None => _ = self.0.remove(&id),
        }
    }

    /// Members whose message has been under way for longer than `patience` at `now`. They are
    /// looked at again only after as much time.
    pub fn overdue(&mut self, now: Instant, patience: Duration) -> Vec<MemberId> {
        let mut overdue = Vec::new();
        for (id, since) in &mut self.0 {
            if now.duration_since(*since) > patience {
                *since = now;
                overdue.push(*id);
            }
        }
        overdue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn only_what_stays_unfinished_is_overdue() {
        let (start, [slow, quick, late]) = (Instant::now(), [1, 2, 3].map(MemberId));
        let mut unfinished = Unfinished::default();
        unfinished.note(slow, Some(start));
        unfinished.note(quick, Some(start));
        unfinished.note(late, Some(start + PATIENCE));
        unfinished.note(slow, Some(start));
        unfinished.note(quick, None);
        assert_eq!(unfinished.overdue(start + PATIENCE, PATIENCE), []);
        let later = start + PATIENCE + Duration::from_millis(1);
        assert_eq!(unfinished.overdue(later, PATIENCE), [slow]);
        assert_eq!(unfinished.overdue(later, PATIENCE), []);
        unfinished.note(slow, None);
        unfinished.note(late, None);
        assert_eq!(unfinished.overdue(later + 9 * PATIENCE, PATIENCE), []);
    }
}
