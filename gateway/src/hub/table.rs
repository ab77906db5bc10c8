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

    /// Every topic it covers now, at most `max`: those subscribed by name, then those covered by a
    /// pattern in order of their announcement, which is the order in which they join.
    #[must_use]
    pub fn expanded(&self, topics: &Topics, max: usize) -> BTreeSet<TopicId> {
        let mut all = self.topics.clone();
        let covered: BTreeSet<TopicId> =
            self.patterns.iter().flat_map(|pattern| topics.matching(pattern)).collect();
        for id in covered {
            if all.len() >= max {
                break;
            }
            all.insert(id);
        }
        all
    }
}
