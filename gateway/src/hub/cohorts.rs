//! Cohorts: all connections of a shard that want exactly the same bytes.

use super::{Table, TopicId, members::MemberId, topics::Topics};
use slab::Slab;
use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

/// A cohort's number on its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CohortId(pub usize);

/// Connections with the same subscription table.
#[derive(Debug)]
pub struct Cohort {
    /// What its members asked for: the cohort's key.
    pub table: Rc<Table>,
    /// What the table covers now.
    pub topics: BTreeSet<TopicId>,
    /// Who is in it.
    pub members: Vec<MemberId>,
    /// Frames of the running pass that its members get, as positions in the pass's list.
    pub pending: Vec<u32>,
}

/// All cohorts of a shard. None is empty: the last member to leave takes its cohort along.
#[derive(Debug, Default)]
pub struct Cohorts {
    all: Slab<Cohort>,
    by_table: HashMap<Rc<Table>, CohortId>,
}

/// Where a member stands: its cohort and its place in the cohort's list.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The cohort.
    pub cohort: CohortId,
    /// Position in [`Cohort::members`].
    pub at: usize,
}

impl Cohorts {
    /// Adds a member to the cohort of `table`, making the cohort if it is the first.
    pub fn join(
        &mut self,
        member: MemberId,
        table: &Rc<Table>,
        topics: &mut Topics,
        max_topics: usize,
    ) -> Place {
        let id = match self.by_table.get(table) {
            Some(id) => *id,
            None => self.found(table, topics, max_topics),
        };
        let members = &mut self.all[id.0].members;
        members.push(member);
        Place { cohort: id, at: members.len() - 1 }
    }

    fn found(&mut self, table: &Rc<Table>, topics: &mut Topics, max_topics: usize) -> CohortId {
        let covered = table.expanded(topics, max_topics);
        let id = CohortId(self.all.vacant_key());
        for topic in &covered {
            if let Some(entry) = topics.get_mut(*topic) {
                entry.cohorts.push(id);
            }
        }
        self.all.insert(Cohort {
            table: table.clone(),
            topics: covered,
            members: Vec::new(),
            pending: Vec::new(),
        });
        self.by_table.insert(table.clone(), id);
        id
    }

    /// Takes a member out; returns the member that now stands in its place, if any.
    pub fn leave(&mut self, place: Place, topics: &mut Topics) -> Option<MemberId> {
        let cohort = &mut self.all[place.cohort.0];
        cohort.members.swap_remove(place.at);
        let moved = cohort.members.get(place.at).copied();
        if cohort.members.is_empty() {
            let cohort = self.all.remove(place.cohort.0);
            self.by_table.remove(&cohort.table);
            for topic in &cohort.topics {
                if let Some(entry) = topics.get_mut(*topic) {
                    entry.cohorts.retain(|id| *id != place.cohort);
                }
            }
        }
        moved
    }

    /// A cohort that exists.
    #[must_use]
    pub fn get(&self, id: CohortId) -> &Cohort {
        &self.all[id.0]
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: CohortId) -> &mut Cohort {
        &mut self.all[id.0]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (CohortId, &Cohort)> {
        self.all.iter().map(|(id, cohort)| (CohortId(id), cohort))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
