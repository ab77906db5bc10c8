//! How old the prices are that clients are shown, for `/metrics`.

use crate::{metrics::table, prices::Prices, reload::InForce};
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    time::Duration,
};
use tickcast_shared::{
    market::{State, Topic},
    metric::GaugeSeries,
};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often ages are measured. Prometheus seldom asks more often than every five seconds.
const MEASURE_EVERY: Duration = Duration::from_secs(1);
/// Every state, with its name in metrics.
const STATES: [(State, &str); 4] = [
    (State::Pending, "pending"),
    (State::Live, "live"),
    (State::Stale, "stale"),
    (State::Halted, "halted"),
];

/// The prices of one exchange at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ages {
    /// How many there are in each of [`STATES`].
    counts: [u32; STATES.len()],
    /// Of those that are live.
    oldest_live: Option<Duration>,
    /// Of all.
    newest: Option<Duration>,
}

/// What is shown of one exchange.
#[derive(Debug)]
struct Shown {
    counts: [GaugeSeries; STATES.len()],
    oldest_live: GaugeSeries,
    newest: GaugeSeries,
}

/// Measures until cancelled; the settings in force name the topics that are shown one by one.
pub async fn measure(
    prices: Prices,
    in_force: InForce,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let (mut exchanges, mut shown) = (BTreeMap::new(), Vec::new());
    let mut ticks = tokio::time::interval(MEASURE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        show_exchanges(&mut exchanges, &prices);
        let topics = in_force.borrow().config.measured_topics();
        shown.iter().filter(|topic| !topics.contains(topic)).for_each(forget_topic);
        topics.iter().for_each(|topic| show_topic(topic, &prices));
        shown = topics;
    }
}

/// An exchange that has no price any more goes on being shown, as having none.
fn show_exchanges(exchanges: &mut BTreeMap<String, Shown>, prices: &Prices) {
    let mut all: HashMap<String, Ages> = HashMap::new();
    prices.ages(|topic, state, age| match all.get_mut(topic.exchange()) {
        Some(ages) => ages.add(state, age),
        None => all.entry(topic.exchange().to_owned()).or_default().add(state, age),
    });
    for name in all.keys() {
        if !exchanges.contains_key(name) {
            exchanges.insert(name.clone(), Shown::of(name));
        }
    }
    for (name, shown) in exchanges {
        shown.show(&all.get(name).copied().unwrap_or_default());
    }
    for (exchange, life) in prices.exchanges() {
        let is_live = life.judgement.state == State::Live;
        table::EXCHANGE_LIVE.of([exchange.as_str()]).set(f64::from(u8::from(is_live)));
    }
}

fn show_topic(topic: &Topic, prices: &Prices) {
    let (state, age) = prices.age(topic).unwrap_or((State::Pending, None));
    let is_live = state == State::Live;
    table::TOPIC_LIVE.of([topic.as_str()]).set(f64::from(u8::from(is_live)));
    table::TOPIC_AGE.of([topic.as_str()]).set(seconds(age));
}

/// A topic that is not to be shown any more.
fn forget_topic(topic: &Topic) {
    table::TOPIC_LIVE.of([topic.as_str()]).set(f64::NAN);
    table::TOPIC_AGE.of([topic.as_str()]).set(f64::NAN);
}

impl Ages {
    fn add(&mut self, state: State, age: Option<Duration>) {
        for (count, (of, _)) in self.counts.iter_mut().zip(STATES) {
            *count += u32::from(of == state);
        }
        if state == State::Live {
            self.oldest_live = self.oldest_live.max(age);
        }
        self.newest = self.newest.into_iter().chain(age).min();
    }
}

impl Shown {
    fn of(exchange: &str) -> Self {
        Self {
            counts: STATES.map(|(_, state)| table::PRICES.of([exchange, state])),
            oldest_live: table::PRICE_AGE.of([exchange]),
            newest: table::NEWEST_PRICE_AGE.of([exchange]),
        }
    }

    fn show(&self, ages: &Ages) {
        for (gauge, count) in self.counts.iter().zip(ages.counts) {
            gauge.set(count);
        }
        self.oldest_live.set(seconds(ages.oldest_live));
        self.newest.set(seconds(ages.newest));
    }
}

/// What is not there is not a number: an alarm on a large age then stays silent, and one on the
/// number of live prices does not.
fn seconds(age: Option<Duration>) -> f64 {
    age.map_or(f64::NAN, |age| age.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_live_price_and_the_newest_of_all_count() {
        let mut ages = Ages::default();
        assert!(seconds(ages.oldest_live).is_nan());
        let seconds = |age| Some(Duration::from_secs(age));
        ages.add(State::Pending, None);
        ages.add(State::Stale, seconds(90));
        ages.add(State::Live, seconds(2));
        ages.add(State::Live, seconds(7));
        ages.add(State::Halted, seconds(900));
        assert_eq!((ages.oldest_live, ages.newest), (seconds(7), seconds(2)));
        assert_eq!(ages.counts, [1, 2, 1, 1]);
        ages.add(State::Stale, seconds(1));
        assert_eq!((ages.oldest_live, ages.newest), (seconds(7), seconds(1)));
    }
}
