//! Without intervals, filters and full sockets every client gets, byte for byte, what it would get
//! if it were alone.

use super::{
    lonely::Lonely,
    market::{EXCHANGES, live},
    stage::Stage,
    wishes::{What, some_of},
};
use crate::{
    hub::{About, Key, Settings, TopicId, Update},
    wire::{Encoding, Format},
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const TOPICS: u32 = 6;
const NO_LIMIT: usize = 1024;

#[derive(Debug, Clone)]
enum Step {
    Enter(Encoding),
    Subscribe(usize, Vec<What>),
    Unsubscribe(usize, Vec<What>),
    Leave(usize),
    Pass {
        updates: Vec<News>,
        room: usize,
        /// After how many batches who leaves, alone or with all who have the same subscriptions.
        leaves: Vec<(usize, usize, bool)>,
    },
}

#[derive(Debug, Clone)]
enum News {
    Tick(u32),
    Remove(u32),
    Topic(u32, bool),
    Exchange(bool),
    Bus(bool),
}

fn encoding() -> impl Strategy<Value = Encoding> {
    let format = prop_oneof![3 => Just(Format::Json), 1 => Just(Format::MsgPack)];
    (format, prop::bool::weighted(0.2)).prop_map(|(format, deflate)| Encoding { format, deflate })
}

fn steps(news: impl Strategy<Value = News> + Clone + 'static) -> impl Strategy<Value = Vec<Step>> {
    let leaves = prop::collection::vec((0..4_usize, 0..8_usize, any::<bool>()), 0..3);
    let step = prop_oneof![
        4 => encoding().prop_map(Step::Enter),
        4 => (0..8_usize, some_of(TOPICS)).prop_map(|(who, what)| Step::Subscribe(who, what)),
        1 => (0..8_usize, some_of(TOPICS)).prop_map(|(who, what)| Step::Unsubscribe(who, what)),
        1 => (0..8_usize).prop_map(Step::Leave),
        5 => (prop::collection::vec(news, 0..6), 1..4_usize, leaves)
            .prop_map(|(updates, room, leaves)| Step::Pass { updates, room, leaves }),
    ];
    prop::collection::vec(step, 1..60)
}

fn updates(stage: &mut Stage, news: &[News]) -> Vec<(Key, Update)> {
    let market = &mut stage.market;
    let mut updates = Vec::new();
    for news in news {
        match news {
            News::Tick(topic) => updates.extend(market.tick_or_return(*topic)),
            News::Remove(topic) if market.value(*topic).is_some() => {
                updates.extend(market.remove(*topic));
            }
            News::Remove(_) => {}
            News::Topic(topic, well) => {
                updates.push(market.status(About::Topic(TopicId(*topic)), *well));
            }
            News::Exchange(well) => {
                updates.push(market.status(About::Exchange(EXCHANGES[0].into()), *well));
            }
            News::Bus(well) => updates.push(market.status(About::Bus, *well)),
        }
    }
    updates
}

fn due(stage: &Stage, what: &[What]) -> BTreeSet<u32> {
    let mut wishes = super::wishes::Wishes::default();
    what.iter().for_each(|what| wishes.subscribe(*what, Settings::default()));
    stage.market.present().filter(|it| wishes.settings(*it).is_some()).collect()
}

/// The client, and with it, if wanted, all who have the same subscriptions.
fn together(stage: &Stage, who: usize, with_mates: bool) -> Vec<usize> {
    let Some(one) = stage.clients.get(who) else { return Vec::new() };
    let is_meant = |it: &usize| *it == who || with_mates && stage.clients[*it].wishes == one.wishes;
    (0..stage.clients.len()).filter(is_meant).collect()
}

fn run(steps: &[Step]) {
    let (mut stage, mut lonely) = (Stage::new(NO_LIMIT), Lonely::default());
    let mut gone = BTreeSet::new();
    for step in steps {
        let count = stage.clients.len();
        match step {
            Step::Enter(encoding) => {
                stage.enter(*encoding, usize::MAX);
                lonely.enter(*encoding);
            }
            Step::Subscribe(who, what) if *who < count => {
                // A topic that does not exist is refused.
                let due = due(&stage, what);
                if let Some(said) = stage.subscribe(*who, what, Settings::default()) {
                    lonely.subscribed(*who, &stage.clients[*who].wishes, &due, &said);
                }
            }
            Step::Unsubscribe(who, what) if *who < count => {
                if let Some(said) = stage.unsubscribe(*who, what) {
                    lonely.unsubscribed(*who, &stage.clients[*who].wishes, &said);
                }
            }
            Step::Leave(who) if *who < count => {
                stage.leave(*who);
                gone.insert(*who);
            }
            Step::Pass { updates: news, room, leaves } => {
                let updates = updates(&mut stage, news);
                stage.pass_and(&updates, *room, |stage, number| {
                    for (_, who, with_mates) in leaves.iter().filter(|it| it.0 == number) {
                        for who in together(stage, *who, *with_mates) {
                            stage.leave(who);
                            gone.insert(who);
                        }
                    }
                });
                lonely.published(&updates);
            }
            _ => {}
        }
    }
    for (who, (client, alone)) in stage.clients.iter().zip(&lonely.clients).enumerate() {
        let wire = &client.socket.wire;
        // Whoever left got a part of it; a pass writes whole messages.
        let expected = &alone.expected[..];
        let expected = if gone.contains(&who) { &expected[..wire.len()] } else { expected };
        assert!(
            wire == expected,
            "client {who} got\n{}\ninstead of\n{}",
            String::from_utf8_lossy(wire),
            String::from_utf8_lossy(expected)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn everyone_gets_values_and_statuses_as_if_alone(steps in steps(prop_oneof![
        6 => (0..TOPICS).prop_map(News::Tick),
        1 => (0..TOPICS, any::<bool>()).prop_map(|(topic, well)| News::Topic(topic, well)),
        1 => any::<bool>().prop_map(News::Exchange),
        1 => any::<bool>().prop_map(News::Bus),
    ])) {
        run(&steps);
    }

    #[test]
    fn listings_that_go_and_return_are_announced_as_if_alone(steps in steps(prop_oneof![
        3 => (0..TOPICS).prop_map(News::Tick),
        2 => (0..TOPICS).prop_map(News::Remove),
    ])) {
        run(&steps);
    }
}

#[test]
fn a_value_is_written_before_its_topic_is_removed() {
    let mut stage = Stage::new(NO_LIMIT);
    let who = stage.enter(Encoding::default(), usize::MAX);
    let first = stage.market.tick(0, live(1));
    stage.pass(&[first], 1);
    stage.subscribe(who, &[What::Topic(0)], Settings::default()).unwrap();
    let value = stage.market.tick(0, live(2));
    let removed = stage.market.remove(0);
    let before = stage.clients[who].socket.wire.len();
    stage.pass(&[&[value], &removed[..]].concat(), 1);
    let text = String::from_utf8_lossy(&stage.clients[who].socket.wire[before..]).into_owned();
    let (ticker, status) = (text.find("ticker"), text.find("status"));
    assert!(ticker.is_some() && ticker < status, "{text}");
}
