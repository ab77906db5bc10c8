//! Cohorts: all connections of a shard that want exactly the same bytes.

use super::{Table, TopicId, gate::Gate, members::MemberId, topics::Topics};
use slab::Slab;
use std::{collections::HashMap, rc::Rc};
use tickcast_shared::clock::Micros;

/// A cohort's number on its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CohortId(pub u32);

/// Where a cohort keeps its state of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// The cohort.
    pub cohort: CohortId,
    /// Position in [`Cohort::wants`].
    pub at: u32,
}

/// A topic that a cohort gets.
#[derive(Debug)]
pub struct Want {
    /// The topic.
    pub topic: TopicId,
    /// Position of this cohort's seat in the topic's list.
    seat: u32,
    /// What holds its updates back; none when nothing does.
    pub gate: Option<Box<Gate>>,
}

/// Connections with the same subscription table.
#[derive(Debug)]
pub struct Cohort {
    /// What its members asked for: the cohort's key.
    pub table: Rc<Table>,
    /// What the table covers now, by topic.
    pub wants: Vec<Want>,
    /// Who is in it.
    pub members: Vec<MemberId>,
    /// What its members get in the running pass, as positions in the pass's list.
    pub pending: Vec<u32>,
    /// Positions in `wants` of topics whose newest value is held back.
    pub waiting: Vec<u32>,
    /// When the first of them is due, as noted in the shard's timers.
    pub wake: Option<Micros>,
    /// Steps with each pass, so that another member is first each time.
    pub turn: usize,
}

/// Where a member stands: its cohort and its place in the cohort's list.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The cohort.
    pub cohort: CohortId,
    /// Position in [`Cohort::members`].
    pub at: u32,
}

/// All cohorts of a shard. None is empty: the last member to leave takes its cohort along.
#[derive(Debug, Default)]
pub struct Cohorts {
    all: Slab<Cohort>,
    by_table: HashMap<Rc<Table>, CohortId>,
}

impl Cohort {
    /// Position of a topic in [`Cohort::wants`].
    #[must_use]
    pub fn find(&self, topic: TopicId) -> Option<usize> {
        self.wants.binary_search_by_key(&topic, |want| want.topic).ok()
    }
}

impl Cohorts {
    /// Adds a member to the cohort of `table`, making the cohort if it is the first.
    pub fn join(
        &mut self,
        member: MemberId,
        table: &Rc<Table>,
        topics: &mut Topics,
        max_topics: usize,
        now: Micros,
    ) -> Place {
        let id = match self.by_table.get(table) {
            Some(id) => *id,
            None => self.found(table, topics, max_topics, now),
        };
        let members = &mut self.get_mut(id).members;
        members.push(member);
        Place { cohort: id, at: index(members.len() - 1) }
    }

    fn found(
        &mut self,
        table: &Rc<Table>,
        topics: &mut Topics,
        max_topics: usize,
        now: Micros,
    ) -> CohortId {
        let id = CohortId(index(self.all.vacant_key()));
        let mut wants = table.expanded(topics, max_topics);
        wants.retain(|(topic, _)| topics.get(*topic).is_some());
        let wants = (0..).zip(wants).map(|(at, (topic, settings))| Want {
            topic,
            seat: take_seat(topics, topic, Seat { cohort: id, at }),
            gate: Gate::new(settings, now),
        });
        let cohort = Cohort {
            table: table.clone(),
            wants: wants.collect(),
            members: Vec::new(),
            pending: Vec::new(),
            waiting: Vec::new(),
            wake: None,
            turn: 0,
        };
        self.all.insert(cohort);
        self.by_table.insert(table.clone(), id);
        id
    }

    /// Lets a topic join a cohort, with the settings of the pattern that covers it.
    pub fn extend(
        &mut self,
        id: CohortId,
        topic: TopicId,
        gate: Option<Box<Gate>>,
        topics: &mut Topics,
    ) {
        let cohort = self.get_mut(id);
        let at = cohort.wants.partition_point(|want| want.topic < topic);
        // Numbers grow with every announcement, so this is nearly always the end. Otherwise those
        // behind it move up.
        for (want, moved) in cohort.wants[at..].iter().zip(at + 1..) {
            if let Some(entry) = topics.get_mut(want.topic) {
                entry.seats[want.seat as usize].at = index(moved);
            }
        }
        for waiting in cohort.waiting.iter_mut().filter(|waiting| **waiting as usize >= at) {
            *waiting += 1;
        }
        let seat = take_seat(topics, topic, Seat { cohort: id, at: index(at) });
        cohort.wants.insert(at, Want { topic, seat, gate });
    }

    /// Takes a member out; returns the member that now stands in its place, if any, and the
    /// cohort's noted wake if that was its last member.
    pub fn leave(&mut self, place: Place, topics: &mut Topics) -> Left {
        let cohort = self.get_mut(place.cohort);
        cohort.members.swap_remove(place.at as usize);
        if !cohort.members.is_empty() {
            return Left::Moved(cohort.members.get(place.at as usize).copied());
        }
        let cohort = self.all.remove(place.cohort.0 as usize);
        self.by_table.remove(&cohort.table);
        for want in &cohort.wants {
            self.give_up_seat(want, topics);
        }
        Left::Ended { wake: cohort.wake }
    }

    /// Whoever had the last seat of the topic takes the one that has become free.
    fn give_up_seat(&mut self, want: &Want, topics: &mut Topics) {
        let Some(entry) = topics.get_mut(want.topic) else { return };
        entry.seats.swap_remove(want.seat as usize);
        if let Some(moved) = entry.seats.get(want.seat as usize) {
            self.all[moved.cohort.0 as usize].wants[moved.at as usize].seat = want.seat;
        }
    }

    /// A cohort that exists.
    #[must_use]
    pub fn get(&self, id: CohortId) -> &Cohort {
        &self.all[id.0 as usize]
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: CohortId) -> &mut Cohort {
        &mut self.all[id.0 as usize]
    }

    /// The same, if it still exists.
    pub fn find_mut(&mut self, id: CohortId) -> Option<&mut Cohort> {
        self.all.get_mut(id.0 as usize)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (CohortId, &Cohort)> {
        self.all.iter().map(|(id, cohort)| (CohortId(index(id)), cohort))
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

/// What a member's leaving did to its cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The cohort goes on; this member, if any, has taken the place.
    Moved(Option<MemberId>),
    /// The cohort is gone.
    Ended {
        /// As it was noted in the shard's timers.
        wake: Option<Micros>,
    },
}

fn take_seat(topics: &mut Topics, topic: TopicId, seat: Seat) -> u32 {
    let Some(entry) = topics.get_mut(topic) else { return 0 };
    entry.seats.push(seat);
    index(entry.seats.len() - 1)
}

/// Positions fit: a process has far fewer connections and topics than 2^32.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
