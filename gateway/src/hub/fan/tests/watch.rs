//! What a reader of one connection may rely on, however slow it is.

use super::{
    market,
    socket::{Seen, messages},
    stage::Client,
    wishes::Wishes,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be had from the messages of one client, once they have been found in order.
#[derive(Debug, Default)]
pub struct Watched {
    /// The newest `seq` of each topic.
    pub newest: BTreeMap<u32, u64>,
    /// Values received.
    pub values: u64,
    /// What the periods of lagging skipped, as they were told at their ends.
    pub skipped: u64,
    /// Whether it has been told that it lags, and not yet that it no longer does.
    pub is_lagging: bool,
}

/// Reads everything that a client received. Panics when
/// - the bytes are not whole frames (but for the end),
/// - the `seq` of a topic goes back, or repeats without a subscribe between (or an interval or a filter),
/// - anything of a topic comes that the client does not get,
/// - `lagging` does not alternate, or its figures fall.
pub fn watch(client: &Client) -> Watched {
    let mut watched = Watched::default();
    let (mut wishes, mut gets) = (Wishes::default(), BTreeSet::new());
    // Topics whose present value may come once more.
    let mut may_repeat: BTreeSet<u32> = BTreeSet::new();
    let mut period: Option<(i64, u64)> = None;
    let (messages, _) = messages(&client.socket.wire);
    for message in messages {
        match message {
            Seen::Ticker { topic, seq } => {
                assert!(gets.contains(&topic), "{topic} is not subscribed");
                let last = watched.newest.insert(topic, seq).unwrap_or(0);
                // A held-back value goes to all, to late joiners as well, who have it already.
                let is_gated = wishes.settings(topic).is_some_and(|it| !it.is_every_update());
                let may_repeat = may_repeat.remove(&topic) || is_gated;
                assert!(last < seq || may_repeat && last == seq, "{topic}: {last}, then {seq}");
                watched.values += 1;
            }
            Seen::Status { name } => {
                let is_wanted = name == "bus" && !wishes.is_empty()
                    || gets.iter().any(|topic| concerns(&name, *topic));
                assert!(is_wanted, "status of {name}");
            }
            Seen::Subscribed { id } => {
                (wishes, gets) = client.said[&id].clone();
                may_repeat.clone_from(&gets);
            }
            Seen::Unsubscribed { id } => (wishes, gets) = client.said[&id].clone(),
            Seen::TopicsAdded { topics, .. } => {
                let numbers = topics.iter().map(|name| market::number(name));
                gets.extend(numbers.inspect(|it| assert!(wishes.settings(*it).is_some())));
            }
            Seen::Lagging { active: true, since, skipped } => {
                assert_eq!(period.replace((since, skipped)), None, "lags twice");
            }
            Seen::Lagging { active: false, since, skipped } => {
                let (begun, before) = period.take().expect("has lagged");
                assert!(begun == since && before <= skipped);
                watched.skipped += skipped;
            }
            Seen::Synced { .. } | Seen::Pong { .. } | Seen::Error { .. } => {}
        }
    }
    watched.is_lagging = period.is_some();
    watched
}

fn concerns(name: &str, topic: u32) -> bool {
    name == topic.to_string() || name == market::topic(topic).exchange()
}
