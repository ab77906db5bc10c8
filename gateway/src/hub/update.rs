//! What the hub fans out: values and changes of state, already framed.

use bytes::Bytes;
use std::sync::Arc;
use tickcast_shared::market::Topic;

/// A topic's number in this process. A name keeps its number for as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub u32);

impl TopicId {
    /// Position in a table of topics.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One value of one topic, framed once for all who want it.
#[derive(Debug)]
pub struct Tick {
    /// Whose value.
    pub id: TopicId,
    /// Its full name.
    pub topic: Topic,
    /// A complete WebSocket text frame.
    pub frame: Bytes,
}

/// A change of state, framed once.
#[derive(Debug)]
pub struct Status {
    /// Whom it concerns.
    pub about: About,
    /// Whether this is the state in which a newcomer need not be told.
    pub well: bool,
    /// A complete WebSocket text frame.
    pub frame: Bytes,
}

/// Whom a change of state concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum About {
    /// Those who have the topic.
    Topic(TopicId),
    /// Those who have any topic of the exchange.
    Exchange(Arc<str>),
    /// Everybody with a subscription.
    Bus,
}

/// What a shard is sent.
#[derive(Debug, Clone)]
pub enum Update {
    /// A new value.
    Tick(Arc<Tick>),
    /// A change of state.
    Status(Arc<Status>),
    /// The topic ceased to exist.
    Removed(TopicId),
}

/// What a newer update replaces when a mailbox is full.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// The value of a topic, or its removal.
    Value(TopicId),
    /// The state of something.
    Status(About),
}

impl Update {
    /// The key that an older update must have to be replaced by this one.
    #[must_use]
    pub fn keyed(self) -> (Key, Self) {
        let key = match &self {
            Self::Tick(tick) => Key::Value(tick.id),
            Self::Removed(id) => Key::Value(*id),
            Self::Status(status) => Key::Status(status.about.clone()),
        };
        (key, self)
    }
}
