//! What one client has subscribed to, as a plain list.

use super::market;
use crate::hub::Settings;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tickcast_shared::market::Pattern;

/// A topic or a pattern, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Topic(u32),
    Pattern(usize),
}

/// Subscriptions: topics by name, and patterns, the newest last.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Wishes {
    topics: BTreeMap<u32, Settings>,
    patterns: Vec<(usize, Settings)>,
}

impl Wishes {
    /// The last subscribe counts, for topics subscribed by name before as well.
    pub fn subscribe(&mut self, what: What, settings: Settings) {
        match what {
            What::Topic(number) => drop(self.topics.insert(number, settings)),
            What::Pattern(number) => {
                self.unsubscribe(what);
                self.patterns.push((number, settings));
                let covered = self.topics.iter_mut().filter(|it| market::covers(number, *it.0));
                covered.for_each(|(_, held)| *held = settings);
            }
        }
    }

    pub fn unsubscribe(&mut self, what: What) {
        match what {
            What::Topic(number) => drop(self.topics.remove(&number)),
            What::Pattern(number) => self.patterns.retain(|(it, _)| *it != number),
        }
    }

    /// By name.
    pub fn names(&self, number: u32) -> bool {
        self.topics.contains_key(&number)
    }

    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.patterns.is_empty()
    }

    /// A topic's own settings, or those of the newest pattern that covers it.
    pub fn settings(&self, number: u32) -> Option<Settings> {
        let own = self.topics.get(&number).copied();
        own.or_else(|| self.covering(number).map(|(_, settings)| *settings))
    }

    /// The newest pattern that covers the topic.
    pub fn pattern(&self, number: u32) -> Option<Pattern> {
        self.covering(number).map(|(it, _)| market::pattern(*it))
    }

    fn covering(&self, number: u32) -> Option<&(usize, Settings)> {
        self.patterns.iter().rev().find(|(it, _)| market::covers(*it, number))
    }
}

/// Some of the first `topics` topics, some patterns; often the same, so that clients share cohorts.
pub fn some_of(topics: u32) -> impl Strategy<Value = Vec<What>> {
    let what = prop_oneof![
        3 => (0..topics).prop_map(What::Topic),
        1 => (0..market::PATTERNS.len()).prop_map(What::Pattern),
    ];
    prop_oneof![
        2 => Just(vec![What::Topic(0)]),
        1 => Just(vec![What::Pattern(0)]),
        3 => prop::collection::vec(what, 1..4),
    ]
}
