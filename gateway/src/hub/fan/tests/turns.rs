//! Everyone takes turns at being first, however few writes are made at once.

use super::{
    market::{self, live},
    stage::Stage,
    wishes::What,
};
use crate::{
    hub::{Settings, Table, TopicId, pass::Batch},
    wire::Encoding,
};
use proptest::prelude::*;

/// Who was written to, in order, in each of so many passes.
fn orders(stage: &mut Stage, passes: usize, room: usize, topics: u32) -> Vec<Vec<u32>> {
    let mut batch = Batch::default();
    let mut orders = Vec::new();
    for _ in 0..passes {
        let updates: Vec<_> = (0..topics).map(|it| stage.market.tick(it, live(1))).collect();
        stage.fan.begin(&updates, stage.now);
        let mut order = Vec::new();
        let mut goes_on = true;
        while goes_on {
            goes_on = stage.fan.next_writes(room, &mut batch, stage.now);
            order.extend(batch.writes.iter().map(|(member, _)| member.0));
        }
        assert!(stage.fan.end().is_empty());
        orders.push(order);
    }
    orders
}

/// Each of `count` stands at each end of the order in its share of the passes, give or take one.
fn check_turns(orders: &[Vec<u32>], count: usize) {
    for end in [<[u32]>::first, <[u32]>::last] {
        let at_end: Vec<u32> = orders.iter().map(|order| *end(order).unwrap()).collect();
        let share = orders.len() / count;
        for one in (0..).take(count) {
            let turns = at_end.iter().filter(|it| **it == one).count();
            assert!((share - 1..=share + 1).contains(&turns), "{one}: {turns} of {orders:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn members_of_a_cohort_take_turns(members in 1..24_usize, room in 1..24_usize) {
        let mut stage = Stage::new(10);
        let first = stage.market.tick(0, live(1));
        stage.pass(&[first], 1);
        for who in 0..members {
            stage.enter(Encoding::default(), usize::MAX);
            stage.subscribe(who, &[What::Topic(0)], Settings::default());
        }
        let orders = orders(&mut stage, 4 * members, room, 1);
        for order in &orders {
            let mut all = order.clone();
            all.sort_unstable();
            prop_assert_eq!(all, (0..).take(members).collect::<Vec<u32>>());
        }
        check_turns(&orders, members);
    }

    #[test]
    fn cohorts_take_turns(cohorts in 1..12_u32, room in 1..12_usize) {
        let mut stage = Stage::new(10);
        let first: Vec<_> = (0..cohorts).map(|it| stage.market.tick(it, live(1))).collect();
        stage.pass(&first, 1);
        for number in 0..cohorts {
            let who = stage.enter(Encoding::default(), usize::MAX);
            stage.subscribe(who, &[What::Topic(number)], Settings::default());
        }
        let count = cohorts as usize;
        check_turns(&orders(&mut stage, 4 * count, room, cohorts), count);
    }
}

#[test]
fn a_cohort_that_ends_within_a_pass_costs_the_next_one_nothing() {
    let mut stage = Stage::new(10);
    let values: Vec<_> = (0..2).map(|it| stage.market.tick(it, live(1))).collect();
    stage.pass(&values, 1);
    for (who, topic) in [0, 0, 1].into_iter().enumerate() {
        stage.enter(Encoding::default(), usize::MAX);
        stage.subscribe(who, &[What::Topic(topic)], Settings::default());
    }
    let before = stage.clients[2].socket.wire.len();
    let values: Vec<_> = (0..2).map(|it| stage.market.tick(it, live(1))).collect();
    stage.pass_and(&values, 1, |stage, _| {
        stage.leave(0);
        stage.leave(1);
    });
    assert!(stage.clients[2].socket.wire.len() > before);
}

/// Within a pass nobody joins, so that a number freed by someone who left stands for nobody.
#[test]
fn whoever_takes_a_freed_number_is_not_written_to() {
    let mut stage = Stage::new(10);
    let value = stage.market.tick(0, live(1));
    stage.pass(&[value], 1);
    for who in 0..3 {
        stage.enter(Encoding::default(), usize::MAX);
        stage.subscribe(who, &[What::Topic(0)], Settings::default());
    }
    let value = stage.market.tick(0, live(1));
    let mut late = None;
    stage.pass_and(&[value], 1, |stage, _| {
        if late.is_none() {
            // Whoever is still to be served.
            let length = |who: &usize| stage.clients[*who].socket.wire.len();
            let unserved = (0..3).min_by_key(length).unwrap();
            stage.leave(unserved);
            late = Some(stage.enter(Encoding::default(), usize::MAX));
        }
    });
    let late = &stage.clients[late.unwrap()];
    assert!(late.socket.wire.is_empty());
    assert_eq!(stage.fan.topics.name(TopicId(0)), Some(&market::topic(0)));
    assert_eq!(*stage.fan.table(late.member.unwrap()), Table::default());
}
