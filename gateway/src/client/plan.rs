//! What a `subscribe` comes to: every text a client wrote is accepted, or rejected with a reason.

use crate::{
    auth::Access,
    hub::{Settings, Table, TopicId, shard::Shard},
};
use std::collections::{BTreeMap, BTreeSet};
use tickcast_shared::{
    bus::Stamp,
    market::{Channel, ExchangeId, Pattern, State, Topic},
    protocol::{ErrorCode, Rejected, Subscribe},
};

/// The outcome of a `subscribe`, before anything has been sent.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The connection's table with the new subscriptions.
    pub table: Table,
    /// What the new subscriptions cover now.
    pub topics: BTreeSet<TopicId>,
    /// The settings in force for them.
    pub settings: Settings,
    /// Patterns accepted.
    pub patterns: Vec<Pattern>,
    /// What the client wrote, to the full name, where the two differ.
    pub aliases: BTreeMap<&'a str, String>,
    /// What could not be subscribed.
    pub rejected: Vec<Rejected<'a>>,
    access: &'a Access,
    max_topics: usize,
}

impl<'a> Plan<'a> {
    /// Looks every text up; nothing is allocated for a name that no feed has announced.
    #[must_use]
    pub fn new(shard: &Shard, table: &Table, wanted: &'a Subscribe, access: &'a Access) -> Self {
        let limits = access.limits(&shard.config);
        let max_topics = limits.max_topics;
        let mut plan = Self {
            table: table.clone(),
            topics: BTreeSet::new(),
            settings: Settings::in_force(wanted.asked, limits),
            patterns: Vec::new(),
            aliases: BTreeMap::new(),
            rejected: Vec::new(),
            access,
            max_topics,
        };
        let expanded = table.expanded(&shard.fan.topics, max_topics);
        let mut covered: BTreeSet<TopicId> = expanded.into_iter().map(|(id, _)| id).collect();
        for text in &wanted.topics {
            let taken = if Pattern::is_meant(text) {
                plan.add_pattern(shard, &mut covered, text)
            } else {
                plan.add_topic(shard, &mut covered, text)
            };
            if let Err((code, message)) = taken {
                plan.rejected.push(Rejected { topic: text, code, message });
            }
        }
        plan
    }

    /// Whether a topic that is announced this moment would change it.
    #[must_use]
    pub fn depends_on_news(&self) -> bool {
        !self.patterns.is_empty()
            || self.rejected.iter().any(|it| it.code == ErrorCode::UnknownTopic)
    }

    /// The topics whose present value is to be sent, and those of which the client has it already:
    /// live and not moved since.
    #[must_use]
    pub fn due_and_held(
        &self,
        shard: &Shard,
        since: &BTreeMap<String, Stamp>,
    ) -> (Vec<TopicId>, Vec<TopicId>) {
        let held: BTreeSet<TopicId> = since
            .iter()
            .filter_map(|(text, stamp)| {
                let topic = Topic::parse_client(text, default_exchange(shard)).ok()?;
                let newest = shard.fan.topics.latest(shard.fan.topics.find(&topic)?)?;
                let is_same = newest.stamp == *stamp && newest.quote.state == State::Live;
                is_same.then_some(newest.id)
            })
            .collect();
        self.topics.iter().partition(|id| !held.contains(id))
    }

    fn add_topic(
        &mut self,
        shard: &Shard,
        covered: &mut BTreeSet<TopicId>,
        text: &'a str,
    ) -> Result<(), (ErrorCode, String)> {
        let topic = Topic::parse_client(text, default_exchange(shard))
            .map_err(|error| (ErrorCode::BadTopic, error.to_string()))?;
        if !self.access.allows(&topic) {
            return Err(not_allowed(topic.as_str()));
        }
        self.check_filter(topic.channel())?;
        let id = shard.fan.topics.find(&topic).ok_or_else(|| {
            let message = format!("no feed has announced {topic}; ask for {{\"op\":\"topics\"}}");
            (ErrorCode::UnknownTopic, message)
        })?;
        if !covered.contains(&id) && covered.len() >= self.max_topics {
            return Err(self.too_many());
        }
        covered.insert(id);
        self.table.add_topic(id, self.settings);
        self.topics.insert(id);
        if text != topic.as_str() {
            self.aliases.insert(text, topic.as_str().to_owned());
        }
        Ok(())
    }

    fn add_pattern(
        &mut self,
        shard: &Shard,
        covered: &mut BTreeSet<TopicId>,
        text: &'a str,
    ) -> Result<(), (ErrorCode, String)> {
        let pattern = Pattern::parse_client(text, default_exchange(shard))
            .map_err(|error| (ErrorCode::BadTopic, error.to_string()))?;
        if !self.access.allows_pattern(&pattern) {
            return Err(not_allowed(pattern.as_str()));
        }
        self.check_filter(pattern.channel())?;
        // Looked at first: matching is what patterns cost.
        let is_new = !self.table.patterns().any(|it| *it == pattern);
        let (patterns, most) = (self.table.patterns().len(), shard.config.limits.max_patterns);
        if is_new && patterns >= most {
            let message = format!("a connection may have {most} patterns");
            return Err((ErrorCode::TooManyTopics, message));
        }
        let matching: Vec<TopicId> = shard.fan.topics.matching(&pattern).collect();
        let added = matching.iter().filter(|id| !covered.contains(id)).count();
        if covered.len() + added > self.max_topics {
            return Err(self.too_many());
        }
        covered.extend(&matching);
        self.topics.extend(matching);
        if text != pattern.as_str() {
            self.aliases.insert(text, pattern.as_str().to_owned());
        }
        self.table.add_pattern(&pattern, self.settings, &shard.fan.topics);
        self.table.set_most(self.max_topics, shard.fan.max_topics());
        self.patterns.push(pattern);
        Ok(())
    }

    /// A bar is news however little it moved.
    fn check_filter(&self, channel: Channel) -> Result<(), (ErrorCode, String)> {
        if channel == Channel::Kline && self.settings.min_change_bps > 0 {
            let message = "min_change_bps is not for klines; leave it out or subscribe apart";
            return Err((ErrorCode::BadField, message.to_owned()));
        }
        Ok(())
    }

    fn too_many(&self) -> (ErrorCode, String) {
        let max = self.max_topics;
        (ErrorCode::TooManyTopics, format!("a connection may have {max} topics"))
    }
}

fn default_exchange(shard: &Shard) -> &ExchangeId {
    &shard.config.default_exchange
}

/// A pattern wider than what is allowed is refused like a topic outside of it: a client that got a part
/// of what it asked for would not know which.
fn not_allowed(name: &str) -> (ErrorCode, String) {
    (ErrorCode::NotAllowed, format!("your key or token does not open {name}"))
}
