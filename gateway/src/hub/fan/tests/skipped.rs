//! A lagging client is told of it before anything is missing, and how many updates it was spared.

use super::{
    market::live,
    socket::{Seen, messages},
    stage::Stage,
    watch::watch,
    wishes::What,
};
use crate::{hub::Settings, wire::Encoding};
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

const TOPICS: u32 = 5;

#[derive(Debug, Clone)]
enum Step {
    Pass(Vec<u32>),
    Read(usize),
    Ping,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => prop::collection::vec(0..TOPICS, 1..8).prop_map(Step::Pass),
        2 => (1..1500_usize).prop_map(Step::Read),
        1 => Just(Step::Ping),
    ];
    prop::collection::vec(step, 1..60)
}

/// A client of all topics with nothing under way.
fn settled(capacity: usize) -> Stage {
    let mut stage = Stage::new(TOPICS as usize);
    stage.market.padding = 80;
    let first: Vec<_> = (0..TOPICS).map(|it| stage.market.tick(it, live(1))).collect();
    stage.pass(&first, 1);
    let who = stage.enter(Encoding::default(), usize::MAX);
    stage.subscribe(who, &[What::Pattern(0)], Settings::default());
    stage.read(who, usize::MAX);
    stage.clients[who].socket.capacity = capacity;
    stage
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_skipped_is_told_in_time_and_in_full(steps in steps(), capacity in 1..1500_usize) {
        let mut stage = settled(capacity);
        let start = stage.clients[0].socket.wire.len();
        let mut published: BTreeMap<u32, VecDeque<u64>> = BTreeMap::new();
        for step in &steps {
            match step {
                Step::Pass(topics) => {
                    let updates: Vec<_> =
                        topics.iter().map(|it| stage.market.tick(*it, live(1))).collect();
                    for topic in topics {
                        published.entry(*topic).or_default();
                    }
                    for (topic, seqs) in &mut published {
                        seqs.extend(updates.iter().filter_map(|(_, update)| match update {
                            crate::hub::Update::Tick(tick) if tick.id.0 == *topic => {
                                Some(tick.stamp.seq)
                            }
                            _ => None,
                        }));
                    }
                    stage.pass(&updates, 1);
                }
                Step::Read(count) => stage.read(0, *count),
                Step::Ping => stage.ping(0),
            }
        }
        stage.drain(0);
        let (mut lags, mut missing) = (false, 0);
        for message in messages(&stage.clients[0].socket.wire[start..]).0 {
            match message {
                Seen::Lagging { active, .. } => lags = active,
                Seen::Ticker { topic, seq } => {
                    let seqs = published.get_mut(&topic).unwrap();
                    while seqs.pop_front().expect("was published and has not come yet") != seq {
                        prop_assert!(lags, "an update is missing without a word");
                        missing += 1;
                    }
                }
                other => prop_assert!(matches!(other, Seen::Pong { .. }), "{:?}", other),
            }
        }
        prop_assert!(published.values().all(VecDeque::is_empty), "{:?}", published);
        let watched = watch(&stage.clients[0]);
        prop_assert!(!watched.is_lagging);
        prop_assert_eq!(watched.skipped, missing);
        prop_assert_eq!(stage.fan.counts.skipped, missing);
    }
}
