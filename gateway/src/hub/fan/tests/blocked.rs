//! Clients whose sockets fill up: what they get is in order and whole, ends with the newest values,
//! and nobody else notices.

use super::{
    stage::Stage,
    watch::watch,
    wishes::{What, some_of},
};
use crate::{
    hub::{About, Key, Settings, TopicId, Update},
    wire::Encoding,
};
use proptest::prelude::*;

const TOPICS: u32 = 8;
const CLIENTS: usize = 5;
/// Bytes that a backlog may hold: far below what `slow_client_timeout_ms` lets a feed produce.
pub const MOST_BYTES: usize = 256 * 1024;

#[derive(Debug, Clone)]
pub enum Step {
    Subscribe(usize, Vec<What>),
    Unsubscribe(usize, Vec<What>),
    Ping(usize),
    Read(usize, usize),
    Pass {
        topics: Vec<u32>,
        room: usize,
        /// A read or a ping after so many batches.
        between: Vec<(usize, Step)>,
    },
    Status(Option<u32>),
    Remove(u32),
}

/// `pings`: who may ask for an answer.
fn at_any_time(pings: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..CLIENTS, 1..2000_usize).prop_map(|(who, count)| Step::Read(who, count)),
        1 => (0..pings).prop_map(Step::Ping),
    ]
}

/// `pings`: who may ask for an answer while a pass runs.
fn steps(pings: usize) -> impl Strategy<Value = Vec<Step>> {
    let topics = prop::collection::vec(0..TOPICS, 1..8);
    let between = prop::collection::vec((0..4_usize, at_any_time(pings)), 0..3);
    let step = prop_oneof![
        4 => at_any_time(CLIENTS),
        2 => (0..CLIENTS, some_of(TOPICS)).prop_map(|(who, what)| Step::Subscribe(who, what)),
        1 => (0..CLIENTS, some_of(TOPICS)).prop_map(|(who, what)| Step::Unsubscribe(who, what)),
        6 => (topics, 1..4_usize, between)
            .prop_map(|(topics, room, between)| Step::Pass { topics, room, between }),
        1 => prop::option::of(0..TOPICS).prop_map(Step::Status),
        1 => (0..TOPICS).prop_map(Step::Remove),
    ];
    prop::collection::vec(step, 1..60)
}

/// Goes through the steps; a client without a capacity never comes.
fn run(steps: &[Step], capacities: [Option<usize>; CLIENTS]) -> Stage {
    let mut stage = Stage::new(TOPICS as usize);
    stage.market.padding = 120;
    for capacity in capacities {
        let who = stage.enter(Encoding::default(), capacity.unwrap_or_default());
        if capacity.is_none() {
            stage.leave(who);
        }
    }
    for step in steps {
        stage.now.0 += 1000;
        take(&mut stage, step);
        for who in 0..CLIENTS {
            stage.check_frames(who);
            assert!(stage.backlog_bytes(who) <= MOST_BYTES);
        }
    }
    stage
}

fn take(stage: &mut Stage, step: &Step) {
    match step {
        Step::Subscribe(who, what) => drop(stage.subscribe(*who, what, Settings::default())),
        Step::Unsubscribe(who, what) => drop(stage.unsubscribe(*who, what)),
        Step::Ping(who) => stage.ping(*who),
        Step::Read(who, count) => stage.read(*who, *count),
        // Nothing is said of a topic that is not there.
        Step::Status(topic) if topic.is_none_or(|it| stage.market.value(it).is_some()) => {
            let about = topic.map_or(About::Bus, |it| About::Topic(TopicId(it)));
            let status = stage.market.status(about, false);
            stage.pass(&[status], 2);
        }
        Step::Remove(topic) if stage.market.value(*topic).is_some() => {
            let removed = stage.market.remove(*topic);
            stage.pass(&removed, 2);
        }
        Step::Status(_) | Step::Remove(_) => {}
        Step::Pass { topics, room, between } => {
            let market = &mut stage.market;
            let updates: Vec<(Key, Update)> =
                topics.iter().flat_map(|it| market.tick_or_return(*it)).collect();
            stage.pass_and(&updates, *room, |stage, number| {
                between.iter().filter(|(at, _)| *at == number).for_each(|(_, it)| take(stage, it));
            });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_slow_client_ends_up_with_the_newest_of_everything(
        steps in steps(CLIENTS),
        small in prop::collection::vec(1..3000_usize, CLIENTS),
    ) {
        let capacities = std::array::from_fn(|who| Some(small[who]));
        let mut stage = run(&steps, capacities);
        for who in 0..CLIENTS {
            stage.drain(who);
            stage.check_frames(who);
            let client = &stage.clients[who];
            let watched = watch(client);
            prop_assert!(!watched.is_lagging);
            for topic in stage.market.present() {
                if client.wishes.settings(topic).is_some() {
                    let newest = stage.market.value(topic).map(|tick| tick.stamp.seq);
                    prop_assert_eq!(watched.newest.get(&topic).copied(), newest, "{}", topic);
                }
            }
        }
        prop_assert_eq!(stage.fan.behind().count(), 0);
    }

    #[test]
    fn a_slow_client_costs_the_others_nothing(steps in steps(1), small in 1..2000_usize) {
        let with = |capacity| {
            run(&steps, std::array::from_fn(|who| if who == 0 { capacity } else { Some(usize::MAX) }))
        };
        let (slow, alone) = (with(Some(small)), with(None));
        for (one, other) in slow.clients.iter().zip(&alone.clients).skip(1) {
            prop_assert_eq!(watch(one).values, watch(other).values);
            prop_assert!(one.socket.wire == other.socket.wire);
        }
    }
}
