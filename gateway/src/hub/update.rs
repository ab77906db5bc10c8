//! What the hub fans out: values and changes of state, already framed.

use crate::wire::Frames;
use std::sync::Arc;
use tickcast_shared::{
    bus::Stamp,
    market::{Price, State, Topic},
};

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
    /// Its place in the topic's history.
    pub stamp: Stamp,
    /// What change filters look at.
    pub quote: Quote,
    /// The message.
    pub frames: Frames,
}

/// The parts of a value that decide whether it is worth a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// How far the value may be believed, as clients are told.
    pub state: State,
    /// Last traded price.
    pub last: Option<Price>,
    /// Best bid.
    pub bid: Option<Price>,
    /// Best ask.
    pub ask: Option<Price>,
}

impl Quote {
    /// The prices that a change filter compares.
    #[must_use]
    pub fn prices(&self) -> [Option<Price>; 3] {
        [self.last, self.bid, self.ask]
    }
}

/// A change of state, framed once.
#[derive(Debug)]
pub struct Status {
    /// Whom it concerns.
    pub about: About,
    /// Whether this is the state in which a newcomer need not be told.
    pub well: bool,
    /// The message.
    pub frames: Frames,
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
    /// That the topic joined a pattern.
    Added(TopicId),
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
