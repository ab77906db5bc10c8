//! The naive model: every client alone with its list of subscriptions, every update to everyone
//! who wants it, no cohorts and no held-back values.

use super::{market, stage::Said, wishes::Wishes};
use crate::{
    hub::{About, Key, Status, Tick, Update, stage::topics_added},
    wire::{Encoding, Frames},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tickcast_shared::market::{Pattern, Topic};

/// The clients, and what has happened so far.
#[derive(Debug, Default)]
pub struct Lonely {
    pub clients: Vec<Client>,
    values: BTreeMap<u32, Option<Arc<Tick>>>,
    /// The newest of each, in the order in which a newcomer is told.
    statuses: BTreeMap<(u8, String, u32), Arc<Status>>,
}

/// A client and the bytes that it must receive.
#[derive(Debug)]
pub struct Client {
    pub encoding: Encoding,
    pub wishes: Wishes,
    pub expected: Vec<u8>,
}

impl Lonely {
    pub fn enter(&mut self, encoding: Encoding) {
        let wishes = Wishes::default();
        self.clients.push(Client { encoding, wishes, expected: Vec::new() });
    }

    /// `due`: the topics of this subscribe.
    pub fn subscribed(&mut self, who: usize, wishes: &Wishes, due: &BTreeSet<u32>, said: &Said) {
        let Self { clients, values, statuses } = self;
        let client = &mut clients[who];
        client.wishes = wishes.clone();
        client.expected.extend(&said.answer);
        let unwell = statuses.values().filter(|status| !status.well);
        for status in unwell.filter(|status| concerns(&status.about, due.iter())) {
            client.gets(&status.frames);
        }
        for tick in due.iter().filter_map(|it| values[it].as_ref()) {
            client.gets(&tick.frames);
        }
        client.expected.extend(&said.last);
    }

    pub fn unsubscribed(&mut self, who: usize, wishes: &Wishes, said: &Said) {
        self.clients[who].wishes = wishes.clone();
        self.clients[who].expected.extend(&said.answer);
    }

    /// Everyone is told of new listings first, then of everything in order.
    pub fn published(&mut self, updates: &[(Key, Update)]) {
        let mut news = BTreeSet::new();
        for (_, update) in updates {
            match update {
                Update::Tick(tick) => {
                    if self.values.insert(tick.id.0, Some(tick.clone())).flatten().is_none() {
                        news.insert(tick.id.0);
                    }
                }
                Update::Bars(_) => unreachable!("these are prices"),
                Update::Removed(id) => drop(self.values.insert(id.0, None)),
                Update::Status(status) => {
                    self.statuses.insert(rank(&status.about), status.clone());
                }
            }
        }
        for client in &mut self.clients {
            client.is_told_of(&news);
            for (_, update) in updates {
                match update {
                    Update::Tick(tick) if client.wishes.settings(tick.id.0).is_some() => {
                        client.gets(&tick.frames);
                    }
                    Update::Status(status) => {
                        let known = self.values.keys();
                        let mine = known.filter(|it| client.wishes.settings(**it).is_some());
                        if status.about == About::Bus && !client.wishes.is_empty()
                            || concerns(&status.about, mine)
                        {
                            client.gets(&status.frames);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Client {
    fn gets(&mut self, frames: &Frames) {
        self.expected.extend_from_slice(frames.get(self.encoding));
    }

    fn is_told_of(&mut self, news: &BTreeSet<u32>) {
        let mut added: BTreeMap<Pattern, Vec<Topic>> = BTreeMap::new();
        for number in news.iter().filter(|it| !self.wishes.names(**it)) {
            if let Some(pattern) = self.wishes.pattern(*number) {
                added.entry(pattern).or_default().push(market::topic(*number));
            }
        }
        for (pattern, topics) in added {
            let topics: Vec<&Topic> = topics.iter().collect();
            self.gets(&Frames::of(&topics_added(&pattern, &topics)));
        }
    }
}

/// The widest first.
fn rank(about: &About) -> (u8, String, u32) {
    match about {
        About::Bus => (0, String::new(), 0),
        About::Exchange(name) => (1, name.to_string(), 0),
        About::Topic(id) => (2, String::new(), id.0),
    }
}

fn concerns<'a>(about: &About, mut mine: impl Iterator<Item = &'a u32>) -> bool {
    match about {
        About::Bus => mine.next().is_some(),
        About::Exchange(name) => mine.any(|it| market::topic(*it).exchange() == name.as_ref()),
        About::Topic(id) => mine.any(|it| *it == id.0),
    }
}
