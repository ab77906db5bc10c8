//! A made-up market: topics, values whose `seq` grows, and states.

use crate::{
    hub::{About, Key, Quote, Status, Tick, TopicId, Update},
    trace::Mark,
    wire::Frames,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};
use tickcast_shared::{
    bus::Stamp,
    market::{Pattern, State, Topic},
};

/// Topics with an even number are of the first, the others of the second.
pub const EXCHANGES: [&str; 2] = ["kucoin", "okx"];
/// Patterns that overlap.
pub const PATTERNS: [&str; 4] =
    ["ticker:*:*", "ticker:kucoin:*", "ticker:okx:*-USDT", "ticker:*:T1*"];

/// Topics that any test has.
pub const MOST_TOPICS: usize = 1024;

/// What has been published so far.
#[derive(Debug, Default)]
pub struct Market {
    /// The newest value of each topic that has ever been; none once it is removed.
    pub newest: BTreeMap<u32, Option<Arc<Tick>>>,
    /// The newest status of everything that has had one.
    pub statuses: Vec<Arc<Status>>,
    serial: u64,
    /// Bytes by which a value's message is longer than it must be.
    pub padding: usize,
    /// Whether values are followed.
    pub is_followed: bool,
}

/// The full name of a topic.
pub fn topic(number: u32) -> Topic {
    static ALL: LazyLock<Vec<Topic>> = LazyLock::new(|| {
        let name = |it| format!("ticker:{}:T{it}-USDT", EXCHANGES[it % 2]).parse().unwrap();
        (0..MOST_TOPICS).map(name).collect()
    });
    ALL[number as usize].clone()
}

/// The number of a full name.
pub fn number(name: &str) -> u32 {
    let end = name.split(':').nth(2).and_then(|symbol| symbol.split('-').next()).unwrap();
    end[1..].parse().unwrap()
}

/// One of [`PATTERNS`].
pub fn pattern(number: usize) -> Pattern {
    Pattern::parse_client(PATTERNS[number], &EXCHANGES[0].parse().unwrap()).unwrap()
}

/// Whether one of [`PATTERNS`] covers a topic; models ask this often, and parsing is slow.
pub fn covers(number: usize, topic: u32) -> bool {
    static ALL: LazyLock<Vec<Pattern>> =
        LazyLock::new(|| (0..PATTERNS.len()).map(pattern).collect());
    ALL[number].matches(&self::topic(topic))
}

/// A live quote.
pub fn live(last: u32) -> Quote {
    quote(State::Live, last, None)
}

/// A quote without an ask.
pub fn quote(state: State, last: u32, bid: Option<u32>) -> Quote {
    let price = |number: u32| number.to_string().parse().unwrap();
    Quote { state, last: Some(price(last)), bid: bid.map(price), ask: None }
}

impl Market {
    /// The newest value of a topic that exists.
    pub fn value(&self, number: u32) -> Option<&Arc<Tick>> {
        self.newest.get(&number)?.as_ref()
    }

    /// Topics that exist.
    pub fn present(&self) -> impl Iterator<Item = u32> {
        self.newest.iter().filter(|(_, value)| value.is_some()).map(|(number, _)| *number)
    }

    /// The next value of a topic.
    pub fn tick(&mut self, number: u32, quote: Quote) -> (Key, Update) {
        self.serial += 1;
        let seq = self.serial;
        let padding = "x".repeat(self.padding);
        let json = format!(r#"{{"type":"ticker","topic":{number},"seq":{seq},"pad":"{padding}"}}"#);
        let tick = Arc::new(Tick {
            mark: self.is_followed.then(|| Box::new(Mark::new(&[]))),
            bar: None,
            id: TopicId(number),
            topic: topic(number),
            stamp: Stamp { epoch: 1, seq },
            quote,
            frames: Frames::new(json.into_bytes()),
        });
        self.newest.insert(number, Some(tick.clone()));
        Update::Tick(tick).keyed()
    }

    /// A change of state.
    pub fn status(&mut self, about: About, well: bool) -> (Key, Update) {
        self.serial += 1;
        let name = match &about {
            About::Topic(id) => id.0.to_string(),
            About::Exchange(name) => name.to_string(),
            About::Bus => "bus".to_owned(),
        };
        let json = format!(r#"{{"type":"status","name":"{name}","serial":{}}}"#, self.serial);
        let frames = Frames::new(json.into_bytes());
        let status = Arc::new(Status { about, well, frames });
        self.statuses.retain(|it| it.about != status.about);
        self.statuses.push(status.clone());
        Update::Status(status).keyed()
    }

    /// The topic ceases to exist: the state that the ingest gives it, and its removal.
    pub fn remove(&mut self, number: u32) -> [(Key, Update); 2] {
        self.newest.insert(number, None);
        let id = TopicId(number);
        [self.status(About::Topic(id), false), Update::Removed(id).keyed()]
    }

    /// A value of a topic that may have been removed: it is well again first, as the ingest says.
    pub fn tick_or_return(&mut self, number: u32) -> Vec<(Key, Update)> {
        let is_back = self.newest.get(&number).is_some_and(Option::is_none);
        let well = is_back.then(|| self.status(About::Topic(TopicId(number)), true));
        well.into_iter().chain([self.tick(number, live(100))]).collect()
    }
}
