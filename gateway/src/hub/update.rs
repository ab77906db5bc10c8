//! What the hub fans out: values and changes of state, already framed.

use crate::{trace::Mark, wire::Frames};
use std::sync::Arc;
use tickcast_shared::{
    bus::Stamp,
    clock::Micros,
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
    /// What makes a bar different from a price; a ticker has none.
    pub bar: Option<BarMark>,
    /// The message.
    pub frames: Frames,
    /// Who follows it through the hub; nobody, but for traces.
    pub mark: Option<Box<Mark>>,
}

/// A bar's place among the closed bars of its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarMark {
    /// When it opened.
    pub open: Micros,
    /// Whether it is final.
    pub is_closed: bool,
    /// Opening of the last closed bar that was told of before it.
    pub before: Option<Micros>,
}

impl BarMark {
    /// Opening of the last closed bar that has been told of, this one included.
    #[must_use]
    pub fn closed(&self) -> Option<Micros> {
        if self.is_closed { self.before.max(Some(self.open)) } else { self.before }
    }
}

/// A kline topic was read from the bus, or could not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarsNews {
    /// Which topic.
    pub id: TopicId,
    /// Opening of its last closed bar.
    pub closed: Option<Micros>,
    /// Whether the bars are in the store now.
    pub is_read: bool,
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
    /// Bars that were waited for.
    Bars(BarsNews),
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
    /// That a topic's bars were read.
    Bars(TopicId),
}

impl Update {
    /// The key that an older update must have to be replaced by this one.
    #[must_use]
    pub fn keyed(self) -> (Key, Self) {
        let key = match &self {
            Self::Tick(tick) => Key::Value(tick.id),
            Self::Removed(id) => Key::Value(*id),
            Self::Bars(news) => Key::Bars(news.id),
            Self::Status(status) => Key::Status(status.about.clone()),
        };
        (key, self)
    }
}
