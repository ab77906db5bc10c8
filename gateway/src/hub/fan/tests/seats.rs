//! Everything at once: whatever comes and goes, what the fan keeps agrees with itself (which the
//! stage checks at every step) and with what clients asked for.

use super::{
    gated::{LONGEST, MS, settings},
    market::live,
    stage::Stage,
    watch::watch,
    wishes::{What, some_of},
};
use crate::{
    hub::{Key, Settings, Update},
    wire::Encoding,
};
use proptest::prelude::*;

const TOPICS: u32 = 8;
const CLIENTS: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    Subscribe(usize, Vec<What>, Settings),
    Unsubscribe(usize, Vec<What>),
    Replace(usize),
    Fill(usize, usize),
    Read(usize, usize),
    Wait(i64),
    Remove(u32),
    Pass { topics: Vec<u32>, room: usize, leaves: Option<(usize, usize)> },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let settings = prop_oneof![2 => Just(Settings::default()), 2 => settings()];
    let topics = prop::collection::vec(0..TOPICS, 1..6);
    let leaves = prop::option::weighted(0.3, (0..3_usize, 0..CLIENTS));
    let step = prop_oneof![
        6 => (0..CLIENTS, some_of(TOPICS), settings).prop_map(|(a, b, c)| Step::Subscribe(a, b, c)),
        3 => (0..CLIENTS, some_of(TOPICS)).prop_map(|(who, what)| Step::Unsubscribe(who, what)),
        1 => (0..CLIENTS).prop_map(Step::Replace),
        1 => (0..CLIENTS, 1..2000_usize).prop_map(|(who, capacity)| Step::Fill(who, capacity)),
        3 => (0..CLIENTS, 1..2000_usize).prop_map(|(who, count)| Step::Read(who, count)),
        3 => (0..400 * MS).prop_map(Step::Wait),
        1 => (0..TOPICS).prop_map(Step::Remove),
        6 => (topics, 1..4_usize, leaves)
            .prop_map(|(topics, room, leaves)| Step::Pass { topics, room, leaves }),
    ];
    prop::collection::vec(step, 1..80)
}

fn take(stage: &mut Stage, step: &Step) {
    match step {
        Step::Subscribe(who, what, settings) => drop(stage.subscribe(*who, what, *settings)),
        Step::Unsubscribe(who, what) => drop(stage.unsubscribe(*who, what)),
        Step::Replace(who) => stage.replace(*who),
        Step::Fill(who, capacity) => stage.clients[*who].socket.capacity = *capacity,
        Step::Read(who, count) => stage.read(*who, *count),
        Step::Wait(micros) => stage.wait(*micros, |_| {}),
        Step::Remove(topic) if stage.market.value(*topic).is_some() => {
            let removed = stage.market.remove(*topic);
            stage.pass(&removed, 2);
        }
        Step::Remove(_) => {}
        Step::Pass { topics, room, leaves } => {
            let market = &mut stage.market;
            let updates: Vec<(Key, Update)> =
                topics.iter().flat_map(|it| market.tick_or_return(*it)).collect();
            stage.pass_and(&updates, *room, |stage, number| {
                if let Some((_, who)) = leaves.filter(|(at, _)| *at == number) {
                    stage.leave(who);
                }
            });
        }
    }
}

/// What a client gets is what it asked for, with the settings that it asked for last.
fn check_wants(stage: &Stage, max_topics: usize) {
    for client in &stage.clients {
        let Some(member) = client.member else { continue };
        let wants = stage.fan.wants(member);
        for (topic, settings) in &wants {
            assert_eq!(Some(*settings), client.wishes.settings(topic.0), "{topic:?}");
        }
        for topic in stage.market.present() {
            let is_wanted = wants.iter().any(|(it, _)| it.0 == topic);
            let may_be_left_out = !client.wishes.names(topic) && wants.len() == max_topics;
            let is_wished = client.wishes.settings(topic).is_some();
            assert!(is_wanted == is_wished || may_be_left_out, "{topic}: {:?}", client.wishes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_the_fan_keeps_agrees_whatever_comes_and_goes(
        steps in steps(),
        leaves_out in any::<bool>(),
    ) {
        let max_topics = TOPICS as usize - if leaves_out { 2 } else { 0 };
        let mut stage = Stage::new(max_topics);
        stage.market.padding = 100;
        let first: Vec<_> = (0..3).map(|it| stage.market.tick(it, live(1))).collect();
        stage.pass(&first, 1);
        for _ in 0..CLIENTS {
            stage.enter(Encoding::default(), usize::MAX);
        }
        for step in &steps {
            take(&mut stage, step);
            check_wants(&stage, max_topics);
            (0..CLIENTS).for_each(|who| stage.check_frames(who));
        }
        (0..CLIENTS).for_each(|who| stage.drain(who));
        stage.wait(LONGEST, |_| {});
        for client in stage.clients.iter().filter(|client| client.member.is_some()) {
            let watched = watch(client);
            for (topic, _) in stage.fan.wants(client.member.unwrap()) {
                let newest = stage.market.value(topic.0).map(|tick| tick.stamp.seq);
                let is_known = watched.newest.get(&topic.0).copied() == newest;
                // One that was left out and joins as another leaves begins with its next value.
                prop_assert!(is_known || newest.is_none() || leaves_out);
            }
        }
    }
}

/// A seat given up in the middle of a topic's list, and one taken in the middle of a cohort's.
#[test]
fn the_last_to_leave_takes_its_cohort_along() {
    let mut stage = Stage::new(3);
    let first: Vec<_> = (0..3).map(|it| stage.market.tick(it, live(1))).collect();
    stage.pass(&first, 1);
    for who in 0..4 {
        stage.enter(Encoding::default(), usize::MAX);
        let what = [What::Topic(0), What::Topic(1 + who % 2)];
        stage.subscribe(who as usize, &what, Settings::default());
    }
    assert_eq!(stage.fan.cohorts.len(), 2);
    for (who, left) in [(0, 2), (2, 1), (1, 1), (3, 0)] {
        stage.leave(who);
        assert_eq!(stage.fan.cohorts.len(), left);
        let value = stage.market.tick(0, live(1));
        stage.pass(&[value], 1);
    }
}
