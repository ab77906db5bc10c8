//! A connection's subscription table: what it asked for, which is also the key of its cohort.

use super::{TopicId, topics::Topics};
use std::collections::BTreeSet;
use tickcast_shared::market::Pattern;

/// Topics and patterns of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Table {
    /// Subscribed by name.
    pub topics: BTreeSet<TopicId>,
    /// Subscribed by pattern; new listings join.
    pub patterns: BTreeSet<Pattern>,
}

impl Table {
    /// Whether nothing is subscribed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.patterns.is_empty()
    }

    /// Every topic it covers now, in order of their numbers.
    #[must_use]
    pub fn expanded(&self, topics: &Topics) -> BTreeSet<TopicId> {
        let mut all = self.topics.clone();
        for pattern in &self.patterns {
            all.extend(topics.matching(pattern));
        }
        all
    }
}
