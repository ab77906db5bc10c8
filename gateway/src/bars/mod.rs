//! The closed bars that clients are sent: read from the bus when a topic is first asked for, kept up
//! to date by the ingest, and given up again when they have not been asked for lately.
//!
//! The ingest alone writes here. Shards read; what is not here yet they ask for and are told of by
//! an update, so no shard ever waits.

mod due;
pub mod reader;
mod series;

pub use due::BarsDue;
pub use series::{MOST_BARS, RECENT_BARS, Series};

use crate::metrics::table;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Topic},
};
use tokio::sync::Notify;

/// Bars of all topics that were read from the bus, together: some 25 MB. Past it the topic that was
/// asked for longest ago gives up its own. Besides, every topic has its [`RECENT_BARS`].
pub const MOST_READ_BARS: usize = 200_000;

/// After this time what was read is read again before a subscription begins with it: a feed fills in
/// older bars without a message for each.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// Bars by topic. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct BarStore(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    asked: Notify,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<Topic, Kept>,
    /// Topics to be read, each once.
    asked: Vec<Topic>,
    /// Bars of topics that were read.
    read_bars: usize,
    /// Steps with every use, to find out which topic was not asked for longest.
    uses: u64,
}

#[derive(Debug, Default)]
struct Kept {
    series: Series,
    /// Whether any client ever wanted it: then no bar of it may be missed.
    is_wanted: bool,
    is_asked: bool,
    read_at: Option<Instant>,
    used: u64,
}

impl BarStore {
    /// The bars that are due, up to the one that opened at `until`. None if some have to be read
    /// first: they have been asked for.
    #[must_use]
    pub fn get(&self, topic: &Topic, due: BarsDue, until: Option<Micros>) -> Option<Vec<Bar>> {
        let mut state = self.state();
        state.uses += 1;
        let used = state.uses;
        let kept = state.topics.entry(topic.clone()).or_default();
        (kept.is_wanted, kept.used) = (true, used);
        let is_fresh = due.newest.is_none_or(|newest| newest == 0)
            || kept.read_at.is_some_and(|at| at.elapsed() < FRESH_FOR);
        let found = (is_fresh || due.has_failed).then(|| kept.series.get(due, until)).flatten();
        if found.is_none() && !(is_fresh && kept.series.is_read()) {
            self.ask(&mut state, topic);
        }
        found
    }

    /// Bars that are here, up to the one that opened at `until`, without asking for any.
    #[must_use]
    pub fn peek(&self, topic: &Topic, due: BarsDue, until: Micros) -> Option<Vec<Bar>> {
        self.state().topics.get(topic)?.series.get(due, Some(until))
    }

    /// A client is to be told of every bar of this topic from now on.
    pub fn want(&self, topic: &Topic) {
        self.state().topics.entry(topic.clone()).or_default().is_wanted = true;
    }

    /// Lets a topic be read, for clients that it has just been announced to.
    pub fn read_soon(&self, topic: &Topic) {
        let mut state = self.state();
        state.topics.entry(topic.clone()).or_default().is_wanted = true;
        self.ask(&mut state, topic);
    }

    fn ask(&self, state: &mut State, topic: &Topic) {
        let Some(kept) = state.topics.get_mut(topic).filter(|kept| !kept.is_asked) else { return };
        kept.is_asked = true;
        state.asked.push(topic.clone());
        self.0.asked.notify_one();
    }

    /// Waits until topics are to be read.
    pub async fn asked(&self) -> Vec<Topic> {
        loop {
            if let Some(asked) = self.asked_now() {
                return asked;
            }
            self.0.asked.notified().await;
        }
    }

    /// Topics that are to be read and have not been taken from here yet.
    #[must_use]
    pub fn asked_now(&self) -> Option<Vec<Topic>> {
        let asked = std::mem::take(&mut self.state().asked);
        (!asked.is_empty()).then_some(asked)
    }

    /// Whether any client ever wanted the topic.
    #[must_use]
    pub fn is_wanted(&self, topic: &Topic) -> bool {
        self.state().topics.get(topic).is_some_and(|kept| kept.is_wanted)
    }

    /// Whether the topic was read and is still here.
    #[must_use]
    pub fn is_read(&self, topic: &Topic) -> bool {
        self.state().topics.get(topic).is_some_and(|kept| kept.series.is_read())
    }

    /// A bar has closed.
    pub fn push(&self, topic: &Topic, bar: Bar) {
        self.state().change(topic, |kept| kept.series.push(bar));
    }

    /// What the bus keeps of a topic, `asked` bars at most. Returns the newest opening.
    pub fn read(&self, topic: &Topic, bars: Vec<Bar>, asked: usize) -> Option<Micros> {
        let mut state = self.state();
        let last = state.change(topic, |kept| {
            kept.series.read(bars, asked);
            (kept.is_asked, kept.read_at) = (false, Some(Instant::now()));
            kept.series.last()
        });
        state.make_room();
        table::BARS.of([]).set(state.read_bars as f64);
        last
    }

    /// The topic could not be read.
    pub fn read_failed(&self, topic: &Topic) {
        self.state().change(topic, |kept| kept.is_asked = false);
    }

    /// Forgets what may have a hole and what nobody wants.
    pub fn clear(&self, topic: &Topic) {
        self.state().change(topic, |kept| kept.series = Series::default());
    }

    /// Bars of topics that were read.
    #[must_use]
    pub fn read_bars(&self) -> usize {
        self.state().read_bars
    }

    /// The state, even if another thread panicked while holding it: every step leaves it whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Changes a topic and keeps count of the bars.
    fn change<T>(&mut self, topic: &Topic, change: impl FnOnce(&mut Kept) -> T) -> T {
        let kept = self.topics.entry(topic.clone()).or_default();
        let before = kept.read_bars();
        let result = change(kept);
        self.read_bars = self.read_bars + kept.read_bars() - before;
        result
    }

    /// Gives up what was not asked for longest.
    fn make_room(&mut self) {
        while self.read_bars > MOST_READ_BARS {
            let read = self.topics.iter().filter(|(_, kept)| kept.series.is_read());
            let Some((topic, _)) = read.min_by_key(|(_, kept)| kept.used) else { return };
            let topic = topic.clone();
            self.change(&topic, |kept| {
                kept.series.shrink();
                kept.read_at = None;
            });
        }
    }
}

impl Kept {
    fn read_bars(&self) -> usize {
        if self.series.is_read() { self.series.len() } else { 0 }
    }
}

#[cfg(test)]
mod tests;
