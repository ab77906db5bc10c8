//! States that a newcomer must be told of: whatever is not well.

use super::{About, Status, TopicId, topics::Topics};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// The newest status of everything that has had one, with the shard's version at that moment.
#[derive(Debug, Default)]
pub struct Statuses(HashMap<About, (Arc<Status>, u64)>);

impl Statuses {
    /// Keeps a status as the newest of what it is about.
    pub fn set(&mut self, status: &Arc<Status>, version: u64) {
        self.0.insert(status.about.clone(), (status.clone(), version));
    }

    /// Statuses that are not well and concern the topics: what a newcomer must know.
    pub fn unwell(&self, mine: &BTreeSet<TopicId>, topics: &Topics) -> Vec<&Arc<Status>> {
        self.pick(mine, topics, |status, _| !status.well)
    }

    /// Statuses newer than `version` that concern the topics.
    pub fn changed(
        &self,
        version: u64,
        mine: &BTreeSet<TopicId>,
        topics: &Topics,
    ) -> Vec<&Arc<Status>> {
        self.pick(mine, topics, |_, at| at > version)
    }

    fn pick(
        &self,
        mine: &BTreeSet<TopicId>,
        topics: &Topics,
        wanted: impl Fn(&Status, u64) -> bool,
    ) -> Vec<&Arc<Status>> {
        let mut picked: Vec<_> = self
            .0
            .values()
            .filter(|(status, at)| wanted(status, *at) && concerns(&status.about, mine, topics))
            .collect();
        picked.sort_by_key(|(_, at)| *at);
        picked.into_iter().map(|(status, _)| status).collect()
    }
}

/// Whether someone with these topics is to be told.
pub fn concerns(about: &About, mine: &BTreeSet<TopicId>, topics: &Topics) -> bool {
    match about {
        About::Topic(id) => mine.contains(id),
        About::Exchange(name) => mine
            .iter()
            .any(|id| topics.name(*id).is_some_and(|topic| topic.exchange() == name.as_ref())),
        About::Bus => !mine.is_empty(),
    }
}
