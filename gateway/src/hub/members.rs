//! The connections of a shard.

use super::{Table, cohorts::Place};
use crate::client::Conn;
use slab::Slab;
use std::rc::Rc;

/// A member's number on its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub usize);

/// One connection and its place in the fan-out.
#[derive(Debug)]
pub struct Member {
    /// Its socket.
    pub conn: Rc<Conn>,
    /// What it asked for; shared with its cohort.
    pub table: Rc<Table>,
    /// Where it stands; none while it has no subscription or is sent present values.
    pub place: Option<Place>,
}

/// All connections of a shard.
#[derive(Debug, Default)]
pub struct Members(Slab<Member>);

impl Members {
    /// Adds a connection without a subscription.
    pub fn insert(&mut self, conn: Rc<Conn>) -> MemberId {
        MemberId(self.0.insert(Member { conn, table: Rc::default(), place: None }))
    }

    /// Forgets one.
    pub fn remove(&mut self, id: MemberId) -> Option<Member> {
        self.0.try_remove(id.0)
    }

    /// One that exists.
    #[must_use]
    pub fn get(&self, id: MemberId) -> Option<&Member> {
        self.0.get(id.0)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.0.get_mut(id.0)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (MemberId, &Member)> {
        self.0.iter().map(|(id, member)| (MemberId(id), member))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
