//! States that a newcomer must be told of: whatever is not well.

use super::{About, Status, TopicId, topics::Topics};
use std::{collections::HashMap, sync::Arc};

/// The newest status of everything that has had one.
#[derive(Debug, Default)]
pub struct Statuses(HashMap<About, Arc<Status>>);

impl Statuses {
    /// Keeps a status as the newest of what it is about.
    pub fn set(&mut self, status: &Arc<Status>) {
        self.0.insert(status.about.clone(), status.clone());
    }

    /// The newest status of something.
    #[must_use]
    pub fn get(&self, about: &About) -> Option<&Arc<Status>> {
        self.0.get(about)
    }

    /// What is not well and concerns the topics: what a newcomer must know, the widest first.
    #[must_use]
    pub fn unwell(&self, mine: &[TopicId], topics: &Topics) -> Vec<About> {
        let unwell = self.0.values().filter(|status| !status.well);
        let mut picked: Vec<About> = unwell
            .filter(|status| concerns(&status.about, mine, topics))
            .map(|status| status.about.clone())
            .collect();
        picked.sort_by_key(|about| match about {
            About::Bus => (0, 0),
            About::Exchange(_) => (1, 0),
            About::Topic(id) => (2, id.0),
        });
        picked
    }
}

/// Whether someone with these topics is to be told.
fn concerns(about: &About, mine: &[TopicId], topics: &Topics) -> bool {
    match about {
        About::Topic(id) => mine.contains(id),
        About::Exchange(name) => mine
            .iter()
            .any(|id| topics.name(*id).is_some_and(|topic| topic.exchange() == name.as_ref())),
        About::Bus => !mine.is_empty(),
    }
}
