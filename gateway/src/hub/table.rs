//! A connection's subscription table: what it asked for and how, which is the key of its cohort.

use super::{TopicId, topics::Topics};
use crate::{config::Limits, wire::Encoding};
use std::collections::BTreeMap;
use tickcast_shared::{
    market::{Pattern, Topic},
    protocol::{Asked, InForce},
};

/// How long a change filter may hold an update back unless the client says otherwise.
pub const DEFAULT_MAX_SILENCE_MS: u32 = 30_000;

/// How a topic is wanted, within what the server grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Settings {
    /// At most one message in that time; 0 = every update.
    pub interval_ms: u32,
    /// Smallest move worth a message; 0 = any.
    pub min_change_bps: u32,
    /// A change filter holds an update back no longer.
    pub max_silence_ms: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { interval_ms: 0, min_change_bps: 0, max_silence_ms: DEFAULT_MAX_SILENCE_MS }
    }
}

impl Settings {
    /// What is in force for what a client asked for.
    #[must_use]
    pub fn in_force(asked: Asked, limits: &Limits) -> Self {
        let interval_ms = asked.interval_ms.unwrap_or(limits.default_interval_ms);
        let min_change_bps = asked.min_change_bps.unwrap_or(0);
        // Without a filter there is nothing to hold back; one value keeps cohorts together.
        let silence = asked.max_silence_ms.filter(|_| min_change_bps > 0);
        Self {
            interval_ms: interval_ms.max(limits.min_interval_ms),
            min_change_bps,
            max_silence_ms: silence.unwrap_or(DEFAULT_MAX_SILENCE_MS),
        }
    }

    /// Whether nothing is held back.
    #[must_use]
    pub fn is_every_update(self) -> bool {
        self.interval_ms == 0 && self.min_change_bps == 0
    }

    /// As a client is told them.
    #[must_use]
    pub fn of(self, topic: &Topic) -> InForce<'_> {
        let Self { interval_ms, min_change_bps, max_silence_ms } = self;
        InForce { topic, interval_ms, min_change_bps, max_silence_ms }
    }
}

/// Topics and patterns of a connection, with their settings, and how it wants its messages written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Table {
    encoding: Encoding,
    /// Most topics that its patterns may bring; none = as many as the gateway allows.
    most: Option<usize>,
    /// Subscribed by name, by number.
    topics: Vec<(TopicId, Settings)>,
    /// Subscribed by pattern, the newest last: where two cover a topic, the newer one counts.
    patterns: Vec<(Pattern, Settings)>,
}

impl Table {
    /// Nothing, for a connection of this encoding.
    #[must_use]
    pub fn empty(encoding: Encoding) -> Self {
        Self { encoding, ..Self::default() }
    }

    /// How its messages are written.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Most topics of a connection with this table, where the gateway allows `usual`.
    #[must_use]
    pub fn most(&self, usual: usize) -> usize {
        self.most.unwrap_or(usual)
    }

    /// Says how many topics its patterns may bring, where that is not what the gateway allows.
    pub fn set_most(&mut self, most: usize, usual: usize) {
        self.most = Some(most).filter(|most| *most != usual && !self.patterns.is_empty());
    }

    /// Whether nothing is subscribed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.patterns.is_empty()
    }

    /// Topics subscribed by name.
    pub fn topics(&self) -> impl Iterator<Item = TopicId> {
        self.topics.iter().map(|(id, _)| *id)
    }

    /// The settings of a topic subscribed by name.
    #[must_use]
    pub fn settings(&self, id: TopicId) -> Option<Settings> {
        let at = self.topics.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(self.topics[at].1)
    }

    /// Patterns, in the order in which they were subscribed.
    pub fn patterns(&self) -> impl ExactSizeIterator<Item = &Pattern> {
        self.patterns.iter().map(|(pattern, _)| pattern)
    }

    /// Lets no topic come more often than once in `min_interval_ms`.
    pub fn slow_down(&mut self, min_interval_ms: u32) {
        let topics = self.topics.iter_mut().map(|(_, settings)| settings);
        for settings in topics.chain(self.patterns.iter_mut().map(|(_, settings)| settings)) {
            settings.interval_ms = settings.interval_ms.max(min_interval_ms);
        }
    }

    /// Subscribes a topic by name.
    pub fn add_topic(&mut self, id: TopicId, settings: Settings) {
        match self.topics.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => self.topics[at].1 = settings,
            Err(at) => self.topics.insert(at, (id, settings)),
        }
    }

    /// Subscribes a pattern. Topics that it covers follow it: the last subscribe counts.
    pub fn add_pattern(&mut self, pattern: &Pattern, settings: Settings, topics: &Topics) {
        self.remove_pattern(pattern);
        self.patterns.push((pattern.clone(), settings));
        for (id, held) in &mut self.topics {
            if topics.name(*id).is_some_and(|topic| pattern.matches(topic)) {
                *held = settings;
            }
        }
    }

    /// Unsubscribes a topic; says whether it was subscribed by name.
    pub fn remove_topic(&mut self, id: TopicId) -> bool {
        match self.topics.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => {
                self.topics.remove(at);
                true
            }
            Err(_) => false,
        }
    }

    /// Unsubscribes a pattern; says whether it was subscribed.
    pub fn remove_pattern(&mut self, pattern: &Pattern) -> bool {
        let before = self.patterns.len();
        self.patterns.retain(|(it, _)| it != pattern);
        self.most = self.most.filter(|_| !self.patterns.is_empty());
        self.patterns.len() < before
    }

    /// The newest pattern that covers the topic, and its settings.
    #[must_use]
    pub fn covering(&self, topic: &Topic) -> Option<(&Pattern, Settings)> {
        let newest_first = self.patterns.iter().rev();
        newest_first.map(|(it, settings)| (it, *settings)).find(|(it, _)| it.matches(topic))
    }

    /// Every topic that it covers now, at most `max` unless its own limit is another, with its settings, by number: those
    /// subscribed by name, then those covered by a pattern in order of their announcement, which is
    /// the order in which they join.
    #[must_use]
    pub fn expanded(&self, topics: &Topics, max: usize) -> Vec<(TopicId, Settings)> {
        if self.patterns.is_empty() {
            return self.topics.clone();
        }
        let max = self.most(max);
        let mut all: BTreeMap<TopicId, Settings> = self.topics.iter().copied().collect();
        for (id, topic) in topics.present() {
            if all.len() >= max {
                break;
            }
            if let Some((_, settings)) = self.covering(topic) {
                all.entry(id).or_insert(settings);
            }
        }
        all.into_iter().collect()
    }
}
