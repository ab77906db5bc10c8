//! Bars against a naive model: whatever is slow, full, lost or late, each client is sent each bar that
//! closes exactly once and in order, in a `kline` or in `klines`.

mod rig;

use proptest::prelude::*;
use rig::{CLIENTS, MINUTE, Rig, START, Step, TOPICS, topic};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 0..CLIENTS;
    let subscribe = (who(), 0..TOPICS, prop_oneof![Just(0), Just(2), Just(100)], any::<bool>());
    let step = prop_oneof![
        4 => subscribe.prop_map(|(who, topic, history, slow)| Step::Subscribe {
            who, topic, history, interval_ms: if slow { 5000 } else { 0 }
        }),
        1 => (who(), 0..TOPICS).prop_map(|(who, topic)| Step::Unsubscribe { who, topic }),
        10 => (0..TOPICS, any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(topic, closes, lost)| Step::Bar { topic, closes, lost }),
        2 => Just(Step::Whole),
        4 => prop::bool::weighted(0.2).prop_map(|fails| Step::Answer { fails }),
        1 => Just(Step::Look),
        6 => (0..6_usize).prop_map(|room| Step::Pass { room }),
        4 => (who(), 1..1500_usize).prop_map(|(who, count)| Step::Read { who, count }),
        1 => (0..8_000_000_i64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..80)
}

fn number_of(bar: &Value) -> i64 {
    (bar["open_time"].as_i64().unwrap() - START) / MINUTE
}

/// What a client knows of a topic that it is subscribed to.
#[derive(Debug, Default)]
struct Known {
    /// So many bars are to come first.
    history: Option<u64>,
    last: Option<i64>,
}

/// Panics unless each bar comes once and in order, behind the first `klines`.
fn check(messages: &[Value], closed: [i64; TOPICS as usize]) {
    let mut known: BTreeMap<u64, Known> = BTreeMap::new();
    for message in messages {
        let name =
            message["topic"].as_str().map(|it| (0..TOPICS).find(|n| topic(*n).as_str() == it));
        let number = name.map_or_else(|| message["topic"].as_u64(), |it| it.map(u64::from));
        let Some(number) = number else { continue };
        match message["type"].as_str().unwrap() {
            "subscribed" => known.entry(number).or_default().history = message["history"].as_u64(),
            "unsubscribed" => drop(known.remove(&number)),
            "klines" => {
                let known = known.get_mut(&number).expect("a topic that it has");
                let bars: Vec<i64> =
                    message["bars"].as_array().unwrap().iter().map(number_of).collect();
                assert!(bars.windows(2).all(|it| it[1] == it[0] + 1), "{message}");
                let is_start = known.history.take().is_some();
                if let (Some(last), Some(first)) = (known.last, bars.first()) {
                    assert!(*first == last + 1 || is_start && *first <= last, "{message}");
                }
                known.last = known.last.max(bars.last().copied());
            }
            "kline" => {
                let known = known.get_mut(&number).expect("a topic that it has");
                assert_eq!(known.history, None, "klines come first: {message}");
                let this = number_of(&message["bar"]);
                let is_closed = message["bar"]["closed"] == true;
                if let Some(last) = known.last {
                    let is_next = if is_closed { this == last + 1 } else { this > last };
                    assert!(is_next, "{message} after {last}");
                }
                known.last = if is_closed { Some(this) } else { known.last };
            }
            _ => {}
        }
    }
    for (number, known) in known {
        let last = closed[usize::try_from(number).unwrap()] - 1;
        assert!(known.history.is_none() && known.last.is_none_or(|it| it == last), "{known:?}");
    }
}

fn run(steps: &[Step], capacities: [usize; CLIENTS]) -> Rig {
    let mut rig = Rig::new(capacities);
    steps.iter().for_each(|step| rig.take(step));
    rig.settle();
    for who in 0..CLIENTS {
        check(&rig.received(who), rig.closed);
    }
    rig
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn each_bar_is_sent_once_to_everyone(
        steps in steps(),
        capacities in prop::array::uniform4(prop_oneof![Just(usize::MAX), 200..3000_usize]),
    ) {
        run(&steps, capacities);
    }
}

fn moves(topic: u32) -> Step {
    Step::Bar { topic, closes: false, lost: false }
}

fn closes(topic: u32) -> Step {
    Step::Bar { topic, closes: true, lost: false }
}

fn subscribes(who: usize, history: usize, interval_ms: u32) -> Step {
    Step::Subscribe { who, topic: 0, history, interval_ms }
}

const ANSWER: Step = Step::Answer { fails: false };
const PASS: Step = Step::Pass { room: 100 };

/// The bars of a client's `klines`, and the numbers of closed bars in its `kline`s.
fn bars_of(rig: &Rig, who: usize) -> (Vec<Vec<i64>>, Vec<i64>) {
    let (mut many, mut single) = (Vec::new(), Vec::new());
    for message in rig.received(who) {
        match message["type"].as_str().unwrap() {
            "klines" => {
                many.push(message["bars"].as_array().unwrap().iter().map(number_of).collect());
            }
            "kline" if message["bar"]["closed"] == true => single.push(number_of(&message["bar"])),
            _ => {}
        }
    }
    (many, single)
}

#[test]
fn a_subscription_begins_with_the_bars_that_were_asked_for() {
    let steps = [moves(0), PASS, subscribes(0, 2, 0), ANSWER, PASS, closes(0), moves(0), PASS];
    let rig = run(&steps, [usize::MAX; CLIENTS]);
    assert_eq!(bars_of(&rig, 0), (vec![vec![1, 2]], vec![3]));
}

#[test]
fn who_waits_for_bars_gets_everything_else_meanwhile() {
    let mut rig = Rig::new([usize::MAX; CLIENTS]);
    let first = Step::Subscribe { who: 0, topic: 1, history: 0, interval_ms: 0 };
    [moves(0), moves(1), PASS, first, ANSWER, PASS].iter().for_each(|step| rig.take(step));
    rig.take(&subscribes(0, 100, 0));
    let before = rig.received(0).len();
    rig.take(&moves(1));
    rig.take(&PASS);
    let after = rig.received(0);
    assert_eq!(
        after[before..].iter().map(|it| &it["topic"]).collect::<Vec<_>>(),
        [topic(1).as_str()]
    );
    rig.take(&ANSWER);
    rig.take(&PASS);
    assert_eq!(bars_of(&rig, 0).0, [vec![], vec![0, 1, 2]]);
}

#[test]
fn an_interval_holds_no_closed_bar_back() {
    let mut rig = Rig::new([usize::MAX; CLIENTS]);
    for step in [moves(0), PASS, subscribes(0, 0, 3_600_000), ANSWER, PASS] {
        rig.take(&step);
    }
    for _ in 0..5 {
        [moves(0), PASS, closes(0), PASS].iter().for_each(|step| rig.take(step));
    }
    assert_eq!(bars_of(&rig, 0).1, [3, 4, 5, 6, 7]);
}

#[test]
fn a_mailbox_that_is_full_loses_no_closed_bar() {
    let mut steps = vec![moves(0), PASS, subscribes(0, 0, 0), ANSWER, PASS];
    steps.extend([closes(0), closes(0), moves(0), Step::Pass { room: 0 }]);
    let rig = run(&steps, [usize::MAX; CLIENTS]);
    assert_eq!(bars_of(&rig, 0), (vec![vec![], vec![3, 4]], vec![]));
}

#[test]
fn what_closed_behind_a_hole_is_read_and_told_in_order() {
    let lost = Step::Bar { topic: 0, closes: true, lost: true };
    let mut steps = vec![moves(0), PASS, subscribes(0, 1, 0), ANSWER, PASS, closes(0), PASS];
    steps.extend([lost, closes(0), PASS, Step::Whole, ANSWER, PASS, closes(0), PASS]);
    let rig = run(&steps, [usize::MAX; CLIENTS]);
    assert_eq!(bars_of(&rig, 0), (vec![vec![2], vec![4, 5]], vec![3, 6]));
}

#[test]
fn a_read_that_fails_begins_with_nothing_and_an_error() {
    let fails = Step::Answer { fails: true };
    let steps = [moves(0), PASS, subscribes(0, 100, 0), fails, PASS];
    let mut rig = Rig::new([usize::MAX; CLIENTS]);
    steps.iter().for_each(|step| rig.take(step));
    assert_eq!(bars_of(&rig, 0), (vec![vec![]], vec![]));
    let error = rig.received(0).into_iter().find(|it| it["type"] == "error").unwrap();
    assert_eq!((&error["code"], &error["retry_after_ms"]), (&json!("not_ready"), &json!(1000)));
}
