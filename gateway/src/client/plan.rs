//! What a `subscribe` comes to: every text a client wrote is accepted, or rejected with a reason.

use crate::hub::{Table, TopicId, shard::Shard};
use std::collections::{BTreeMap, BTreeSet};
use tickcast_shared::{
    market::{ExchangeId, Pattern, Topic},
    protocol::{ErrorCode, Rejected},
};

/// The outcome of a `subscribe`, before anything has been sent.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The connection's table with the new subscriptions.
    pub table: Table,
    /// Topics whose present values are to be sent.
    pub topics: BTreeSet<TopicId>,
    /// Patterns accepted.
    pub patterns: Vec<Pattern>,
    /// What the client wrote, to the full name, where the two differ.
    pub aliases: BTreeMap<&'a str, String>,
    /// What could not be subscribed.
    pub rejected: Vec<Rejected<'a>>,
}

impl<'a> Plan<'a> {
    /// Looks every text up; nothing is allocated for a name that no feed has announced.
    #[must_use]
    pub fn new(shard: &Shard, table: &Table, texts: &'a [String]) -> Self {
        let mut plan = Self {
            table: table.clone(),
            topics: BTreeSet::new(),
            patterns: Vec::new(),
            aliases: BTreeMap::new(),
            rejected: Vec::new(),
        };
        let mut covered = shard.covered(table);
        for text in texts {
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

    fn add_topic(
        &mut self,
        shard: &Shard,
        covered: &mut BTreeSet<TopicId>,
        text: &'a str,
    ) -> Result<(), (ErrorCode, String)> {
        let topic = Topic::parse_client(text, default_exchange(shard))
            .map_err(|error| (ErrorCode::BadTopic, error.to_string()))?;
        let id = shard.topics.find(&topic).ok_or_else(|| {
            let message = format!("no feed has announced {topic}; ask for {{\"op\":\"topics\"}}");
            (ErrorCode::UnknownTopic, message)
        })?;
        if !covered.contains(&id) && covered.len() >= shard.config.limits.max_topics {
            return Err(too_many(shard));
        }
        covered.insert(id);
        self.table.topics.insert(id);
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
        let matching: Vec<TopicId> = shard.topics.matching(&pattern).collect();
        let added = matching.iter().filter(|id| !covered.contains(id)).count();
        // A pattern counts as one itself, so that those which match nothing have a limit as well.
        let patterns =
            self.table.patterns.len() + usize::from(!self.table.patterns.contains(&pattern));
        if covered.len() + added > shard.config.limits.max_topics
            || patterns > shard.config.limits.max_topics
        {
            return Err(too_many(shard));
        }
        covered.extend(&matching);
        self.topics.extend(matching);
        if text != pattern.as_str() {
            self.aliases.insert(text, pattern.as_str().to_owned());
        }
        self.table.patterns.insert(pattern.clone());
        self.patterns.push(pattern);
        Ok(())
    }
}

fn default_exchange(shard: &Shard) -> &ExchangeId {
    &shard.config.default_exchange
}

fn too_many(shard: &Shard) -> (ErrorCode, String) {
    let max = shard.config.limits.max_topics;
    (ErrorCode::TooManyTopics, format!("a connection may have {max} topics and {max} patterns"))
}
