//! A shard's table of topics: the newest value of each, and who wants it.

use super::{BarMark, TopicId, cohorts::Seat, update::Tick};
use std::{collections::HashMap, sync::Arc};
use tickcast_shared::{
    clock::Micros,
    market::{Pattern, Topic},
};

/// What a shard knows of a topic.
#[derive(Debug)]
pub struct Entry {
    /// Full name.
    pub topic: Topic,
    /// The newest value; none once the topic is removed.
    pub latest: Option<Arc<Tick>>,
    /// Opening of the last closed bar that has gone through this shard.
    pub closed: Option<Micros>,
    /// Where cohorts keep their state of it, one each that wants it.
    pub seats: Vec<Seat>,
}

/// All topics of a shard, by number and by name.
#[derive(Debug, Default)]
pub struct Topics {
    /// By number; a number is given by the ingest, so there may be holes for a moment.
    entries: Vec<Option<Entry>>,
    names: HashMap<Topic, TopicId>,
}

impl Topics {
    /// Keeps a value as its topic's newest; says whether the topic was unknown until now.
    pub fn tick(&mut self, tick: &Arc<Tick>) -> bool {
        let index = tick.id.index();
        if index >= self.entries.len() {
            self.entries.resize_with(index + 1, || None);
        }
        let slot = &mut self.entries[index];
        match slot {
            Some(entry) => {
                let is_back = entry.latest.is_none();
                entry.latest = Some(tick.clone());
                is_back
            }
            None => {
                let topic = tick.topic.clone();
                self.names.insert(topic.clone(), tick.id);
                let latest = Some(tick.clone());
                *slot = Some(Entry { topic, latest, closed: None, seats: Vec::new() });
                true
            }
        }
    }

    /// Forgets a topic's value; its number and who subscribed to it stay.
    pub fn remove(&mut self, id: TopicId) {
        if let Some(entry) = self.get_mut(id) {
            entry.latest = None;
        }
    }

    /// What is known of a topic.
    #[must_use]
    pub fn get(&self, id: TopicId) -> Option<&Entry> {
        self.entries.get(id.index())?.as_ref()
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: TopicId) -> Option<&mut Entry> {
        self.entries.get_mut(id.index())?.as_mut()
    }

    /// The number of a topic that exists now.
    #[must_use]
    pub fn find(&self, topic: &Topic) -> Option<TopicId> {
        let id = *self.names.get(topic)?;
        self.get(id)?.latest.as_ref().map(|_| id)
    }

    /// The number of a topic that exists or has existed.
    #[must_use]
    pub fn number(&self, topic: &Topic) -> Option<TopicId> {
        self.names.get(topic).copied()
    }

    /// The newest value of a topic that exists now.
    #[must_use]
    pub fn latest(&self, id: TopicId) -> Option<&Arc<Tick>> {
        self.get(id)?.latest.as_ref()
    }

    /// The same as a newcomer is shown it: a bar that has closed is none, for it is history.
    #[must_use]
    pub fn shown(&self, id: TopicId) -> Option<&Arc<Tick>> {
        let entry = self.get(id)?;
        let is_over = |bar: &BarMark| bar.is_closed || Some(bar.open) <= entry.closed;
        entry.latest.as_ref().filter(|tick| !tick.bar.as_ref().is_some_and(is_over))
    }

    /// Full name of a topic.
    #[must_use]
    pub fn name(&self, id: TopicId) -> Option<&Topic> {
        self.get(id).map(|entry| &entry.topic)
    }

    /// Topics that exist now and that the pattern covers.
    pub fn matching(&self, pattern: &Pattern) -> impl Iterator<Item = TopicId> {
        self.present().filter(|(_, topic)| pattern.matches(topic)).map(|(id, _)| id)
    }

    /// Topics that exist or have existed.
    pub fn known(&self) -> impl Iterator<Item = (TopicId, &Topic)> {
        // A name keeps its number, and numbers are far below 2^32.
        (0..)
            .zip(&self.entries)
            .filter_map(|(id, entry)| Some((TopicId(id), &entry.as_ref()?.topic)))
    }

    /// Topics that exist now.
    pub fn present(&self) -> impl Iterator<Item = (TopicId, &Topic)> {
        self.entries
            .iter()
            .flatten()
            .filter_map(|entry| entry.latest.as_ref().map(|tick| (tick.id, &entry.topic)))
    }
}
