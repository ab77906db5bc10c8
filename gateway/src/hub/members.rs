//! The connections of a shard, as the fan-out sees them.

use super::{Table, backlog::Backlog, cohorts::Place};
use slab::Slab;
use std::rc::Rc;

/// A member's number on its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);

impl MemberId {
    /// Position in a table of members.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One connection and its place in the fan-out.
#[derive(Debug)]
pub struct Member {
    /// What it asked for; shared with its cohort.
    pub table: Rc<Table>,
    /// Where it stands; none while it has no subscription.
    pub place: Option<Place>,
    /// What it is still to be sent; none while its socket takes everything.
    pub backlog: Option<Box<Backlog>>,
}

/// All connections of a shard.
#[derive(Debug, Default)]
pub struct Members(Slab<Member>);

impl Members {
    /// Adds a connection without a subscription.
    pub fn insert(&mut self, table: Rc<Table>) -> MemberId {
        let at = self.0.insert(Member { table, place: None, backlog: None });
        // A process has far fewer descriptors than 2^32.
        MemberId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Forgets one.
    pub fn remove(&mut self, id: MemberId) -> Option<Member> {
        self.0.try_remove(id.index())
    }

    /// One that exists.
    #[must_use]
    pub fn get(&self, id: MemberId) -> Option<&Member> {
        self.0.get(id.index())
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.0.get_mut(id.index())
    }
}
