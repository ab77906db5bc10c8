//! Intervals and change filters: what each client is promised, whoever shares its cohort.

use super::{
    market::quote,
    socket::{Seen, messages},
    stage::Stage,
    wishes::{What, Wishes, some_of},
};
use crate::{
    hub::{Key, Quote, Settings, Update},
    wire::Encoding,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tickcast_shared::{
    clock::Micros,
    market::{Price, State},
};

const TOPICS: u32 = 4;
const CLIENTS: usize = 5;
pub const MS: i64 = 1000;
/// More than the longest time that anything is held back here: silence and twice the interval.
pub const LONGEST: i64 = (2000 + 2 * 1000) * MS;

#[derive(Debug, Clone)]
enum Step {
    Subscribe(usize, Vec<What>, Settings),
    Unsubscribe(usize, Vec<What>),
    Wait(i64),
    Pass(Vec<(u32, Quote)>),
    /// Another client takes its place.
    Leave(usize),
}

/// What one client was last sent of one topic.
#[derive(Debug)]
struct Held {
    quote: Quote,
    seq: u64,
    /// When a pass last brought it an update; none since it changed its subscriptions.
    updated: Option<Micros>,
    /// Since when there is something newer, and something that has moved far enough.
    unsent: Option<Micros>,
    moved: Option<Micros>,
}

/// All that a test knows of what clients hold.
#[derive(Debug, Default)]
struct Ledger {
    held: BTreeMap<(usize, u32), Held>,
    read: [usize; CLIENTS],
    quotes: HashMap<u64, Quote>,
    /// Who received which value.
    got: BTreeSet<(usize, u64)>,
}

pub fn settings() -> impl Strategy<Value = Settings> {
    let interval_ms = prop_oneof![Just(0_u32), Just(100), Just(1000)];
    let min_change_bps = prop_oneof![Just(0_u32), Just(100)];
    let max_silence_ms = prop_oneof![Just(500_u32), Just(2000)];
    (interval_ms, min_change_bps, max_silence_ms).prop_map(|(interval_ms, min_change_bps, max)| {
        // Without a filter a silence means nothing, and the server grants but one.
        let max_silence_ms =
            if min_change_bps > 0 { max } else { Settings::default().max_silence_ms };
        Settings { interval_ms, min_change_bps, max_silence_ms }
    })
}

pub fn quotes() -> impl Strategy<Value = Quote> {
    let state = prop_oneof![10 => Just(State::Live), 1 => Just(State::Stale)];
    let bid =
        prop_oneof![4 => Just(Some(980_u32)), 2 => (970..990_u32).prop_map(Some), 1 => Just(None)];
    (state, 990..1010_u32, bid).prop_map(|(state, last, bid)| quote(state, last, bid))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let settings = prop_oneof![2 => Just(FILTERED), 3 => settings()];
    let step = prop_oneof![
        3 => (0..CLIENTS, some_of(TOPICS), settings).prop_map(|(a, b, c)| Step::Subscribe(a, b, c)),
        1 => (0..CLIENTS, some_of(TOPICS)).prop_map(|(who, what)| Step::Unsubscribe(who, what)),
        4 => (0..300 * MS).prop_map(Step::Wait),
        1 => (0..3000 * MS).prop_map(Step::Wait),
        8 => prop::collection::vec((0..TOPICS, quotes()), 1..6).prop_map(Step::Pass),
        1 => (0..CLIENTS).prop_map(Step::Leave),
    ];
    prop::collection::vec(step, 1..70)
}

/// Common settings, so that clients share cohorts.
const FILTERED: Settings = Settings { interval_ms: 100, min_change_bps: 100, max_silence_ms: 2000 };

/// Whether last, bid or ask differ by at least so many basis points of what was held.
pub fn is_far(held: &Quote, newest: &Quote, bps: u32) -> bool {
    let is_far = |(held, newest): (Option<Price>, Option<Price>)| match (held, newest) {
        (Some(held), Some(newest)) => {
            let moved = (newest.decimal() - held.decimal()).abs();
            moved * rust_decimal::Decimal::from(10_000)
                >= held.decimal() * rust_decimal::Decimal::from(bps)
        }
        (held, newest) => held != newest,
    };
    held.prices().into_iter().zip(newest.prices()).any(is_far)
}

/// The longest that an update waits for its interval: until the next of four common moments.
fn longest_wait(interval_ms: u32) -> i64 {
    let interval = i64::from(interval_ms) * MS;
    interval + interval / 4
}

impl Ledger {
    /// Takes what has come since; `is_pass`: by a pass, not in answer to the client.
    fn take(&mut self, stage: &Stage, is_pass: bool) {
        for (who, client) in stage.clients.iter().enumerate() {
            let (seen, cut) = messages(&client.socket.wire[self.read[who]..]);
            assert!(cut.is_empty());
            self.read[who] = client.socket.wire.len();
            for message in seen {
                if let Seen::Ticker { topic, seq } = message {
                    self.took(stage, (who, topic), seq, is_pass);
                }
            }
        }
    }

    /// A client has changed its subscriptions. Whoever joins others follows their times from then
    /// on; alone, its intervals go on for the topics that it keeps.
    fn changed(&mut self, stage: &Stage, who: usize, before: &Wishes) {
        let now = &stage.clients[who].wishes;
        let others = stage.clients.iter().enumerate().filter(|(other, _)| *other != who);
        let is_alone = others.filter(|(_, other)| other.wishes == *now).count() == 0;
        for ((_, topic), held) in self.held.range_mut((who, 0)..=(who, u32::MAX)) {
            if !is_alone || before.settings(*topic) != now.settings(*topic) {
                held.updated = None;
            }
        }
        self.take(stage, false);
    }

    /// Who must get which of these values: each that is in another state than the one before.
    fn changes_of_state(&self, updates: &[(Key, Update)]) -> Vec<(usize, u64)> {
        let mut changes = Vec::new();
        for ((who, topic), held) in &self.held {
            let mut state = held.quote.state;
            for (_, update) in updates {
                if let Update::Tick(tick) = update
                    && tick.id.0 == *topic
                    && std::mem::replace(&mut state, tick.quote.state) != tick.quote.state
                {
                    changes.push((*who, tick.stamp.seq));
                }
            }
        }
        changes
    }

    fn took(&mut self, stage: &Stage, key: (usize, u32), seq: u64, is_pass: bool) {
        let wanted = stage.clients[key.0].wishes.settings(key.1).expect("is subscribed");
        let quote = self.quotes[&seq];
        self.got.insert((key.0, seq));
        let before = self.held.get(&key);
        let mut updated = before.and_then(|before| before.updated);
        if let Some(before) = before {
            assert!(before.seq <= seq, "{key:?}: {} and then {seq}", before.seq);
            let is_other_state = before.quote.state != quote.state;
            let since = updated.filter(|_| is_pass && !is_other_state).map(|it| stage.now.0 - it.0);
            let interval = i64::from(wanted.interval_ms) * MS;
            assert!(since.is_none_or(|it| it >= interval), "{key:?}: two within {interval} µs");
        }
        if is_pass {
            updated = Some(stage.now);
        }
        self.held.insert(key, Held { quote, seq, updated, unsent: None, moved: None });
    }

    /// Nothing may be held back for longer than was promised.
    fn check(&mut self, stage: &Stage) {
        for (who, client) in stage.clients.iter().enumerate() {
            for topic in stage.market.present() {
                let Some(wanted) = client.wishes.settings(topic) else {
                    self.held.remove(&(who, topic));
                    continue;
                };
                let held = self.held.get_mut(&(who, topic)).expect("has been sent something");
                check_held(held, stage.market.value(topic).unwrap(), wanted, stage.now);
            }
        }
    }
}

fn check_held(held: &mut Held, newest: &crate::hub::Tick, wanted: Settings, now: Micros) {
    assert_eq!(held.quote.state, newest.quote.state, "a change of state passes at once");
    let is_unsent = held.seq != newest.stamp.seq;
    let is_moved = is_unsent
        && (wanted.min_change_bps == 0
            || is_far(&held.quote, &newest.quote, wanted.min_change_bps));
    held.unsent = held.unsent.filter(|_| is_unsent).or(is_unsent.then_some(now));
    held.moved = held.moved.filter(|_| is_moved).or(is_moved.then_some(now));
    let longest = longest_wait(wanted.interval_ms);
    let silence = i64::from(wanted.max_silence_ms) * MS;
    for (since, longest) in [(held.moved, longest), (held.unsent, silence + longest)] {
        let waited = since.map(|since| now.0 - since.0);
        assert!(
            waited.is_none_or(|it| it < longest),
            "{waited:?}: {held:?}, {newest:?}, {wanted:?}"
        );
    }
}

fn take(stage: &mut Stage, ledger: &mut Ledger, step: &Step) {
    match step {
        Step::Subscribe(who, what, settings) => {
            let before = stage.clients[*who].wishes.clone();
            stage.subscribe(*who, what, *settings);
            ledger.changed(stage, *who, &before);
        }
        Step::Unsubscribe(who, what) => {
            let before = stage.clients[*who].wishes.clone();
            stage.unsubscribe(*who, what);
            ledger.changed(stage, *who, &before);
        }
        Step::Wait(micros) => stage.wait(*micros, |stage| {
            ledger.take(stage, true);
            ledger.check(stage);
        }),
        Step::Pass(quotes) => {
            let tick = |(topic, quote): &(u32, Quote)| stage.market.tick(*topic, *quote);
            let updates: Vec<(Key, Update)> = quotes.iter().map(tick).collect();
            for (_, update) in &updates {
                let Update::Tick(tick) = update else { continue };
                ledger.quotes.insert(tick.stamp.seq, tick.quote);
            }
            let changes = ledger.changes_of_state(&updates);
            // What falls due this very moment has gone out before.
            stage.pass(&updates, 2);
            ledger.take(stage, true);
            assert!(
                changes.iter().all(|it| ledger.got.contains(it)),
                "a change of state is missing"
            );
        }
        Step::Leave(who) => {
            stage.replace(*who);
            ledger.read[*who] = 0;
            ledger.held.retain(|key, _| key.0 != *who);
        }
    }
    ledger.check(stage);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nobody_gets_too_much_or_waits_too_long(steps in steps()) {
        let (mut stage, mut ledger) = (Stage::new(TOPICS as usize), Ledger::default());
        for _ in 0..CLIENTS {
            stage.enter(Encoding::default(), usize::MAX);
        }
        for step in &steps {
            take(&mut stage, &mut ledger, step);
        }
        take(&mut stage, &mut ledger, &Step::Wait(LONGEST));
        prop_assert!(ledger.held.values().all(|held| held.unsent.is_none()), "{:?}", ledger.held);
        prop_assert_eq!(stage.fan.next_due(), None);
    }
}
