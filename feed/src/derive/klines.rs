//! The bars of all ticker topics, and when they are closed and shown (`truth.md` 15).

use super::series::Series;
use crate::outbox::Change;
use std::collections::HashMap;
use tickcast_shared::{
    bus::Body,
    clock::Micros,
    market::{Bar, Channel, Interval, Ticker, Topic},
};

/// Turns in a second in which bars in progress are published: each topic has one of them, so that
/// none has more than one message a second and a thousand topics do not come at once.
const TURNS: usize = 20;
/// Length of a turn in microseconds.
const TURN: i64 = 1_000_000 / TURNS as i64;

/// Derived changes in the order in which they are to be written.
type Changes = Vec<(Topic, Change)>;

/// All bars of this feed.
#[derive(Debug)]
pub(super) struct Klines {
    intervals: Vec<Interval>,
    series: Vec<Series>,
    places: HashMap<Topic, usize>,
    /// Topics with bars to be shown, by their turn.
    queued: [Vec<usize>; TURNS],
    /// Number of the last turn that was taken.
    turn: i64,
    /// When the next bar is to be closed.
    close_at: Option<Micros>,
    /// How far time has come. While changes that have waited are taken it is the time of the newest
    /// of them, so that no price is late only because the bus was slow.
    clock: Micros,
}

impl Klines {
    /// Bars of these intervals for these topics; without an interval there are none.
    pub(super) fn new<'a>(
        intervals: Vec<Interval>,
        tickers: impl Iterator<Item = &'a Topic>,
        now: Micros,
    ) -> Self {
        let mut klines = Self {
            intervals,
            series: Vec::new(),
            places: HashMap::new(),
            queued: Default::default(),
            turn: now.0.div_euclid(TURN),
            close_at: None,
            clock: Micros(0),
        };
        for topic in tickers {
            klines.place(topic);
        }
        klines
    }

    /// Takes a ticker topic's change; its time is when it was received, `now` at the latest.
    pub(super) fn observe(
        &mut self,
        topic: &Topic,
        ticker: Option<&Ticker>,
        now: Micros,
        changes: &mut Changes,
    ) {
        if self.intervals.is_empty() || topic.channel() != Channel::Ticker {
            return;
        }
        let Some(ticker) = ticker else { return self.remove(topic, changes) };
        let at = ticker.received_ts.map_or(now, |at| at.min(now));
        self.close(at, changes);
        let place = self.place(topic);
        let series = &mut self.series[place];
        let effect = series.take(ticker, at, self.clock, changes);
        if effect.changed && !series.is_queued {
            series.is_queued = true;
            self.queued[place % TURNS].push(place);
        }
        if let Some(ends) = effect.opened {
            self.expect_close(ends.plus(super::slot::CLOSE_AFTER));
        }
    }

    /// Shows the bars in progress whose turn has come. To be called before new prices are taken, so
    /// that what these change waits for its own turn.
    pub(super) fn take_turns(&mut self, now: Micros, changes: &mut Changes) {
        let turn = now.0.div_euclid(TURN);
        // After a long pause every topic has its turn once.
        for turn in (self.turn + 1).max(turn - TURNS as i64 + 1)..=turn {
            self.show(turn_of(turn), changes);
        }
        self.turn = turn.max(self.turn);
    }

    /// Closes what is due. To be called after new prices were taken: they may have waited.
    pub(super) fn close(&mut self, now: Micros, changes: &mut Changes) {
        self.clock = self.clock.max(now);
        if self.close_at.is_some_and(|at| at <= now) {
            self.series.iter_mut().for_each(|series| series.close(now, changes));
            self.close_at = self.series.iter().filter_map(Series::next_close).min();
        }
    }

    /// When there is something to show or to close next.
    pub(super) fn next_due(&self) -> Option<Micros> {
        let waiting = |turn: &i64| !self.queued[turn_of(*turn)].is_empty();
        let turn = (self.turn + 1..=self.turn + TURNS as i64).find(waiting);
        let show_at = turn.map(|turn| Micros(turn.saturating_mul(TURN)));
        show_at.into_iter().chain(self.close_at).min()
    }

    /// Prices were passed over: no bar that is open now was seen whole.
    pub(super) fn interrupt(&mut self) {
        self.series.iter_mut().for_each(Series::interrupt);
    }

    /// Goes on with a former writer's bar, if its topic is one of these: then the change says what
    /// its value is to be.
    pub(super) fn inherit(&mut self, topic: &Topic, former: &Bar, changes: &mut Changes) {
        let ticker = format!("ticker:{}:{}", topic.exchange(), topic.symbol());
        let place = ticker.parse().ok().and_then(|ticker: Topic| self.places.get(&ticker).copied());
        let Some(place) = place else { return };
        self.series[place].inherit(topic, former, changes);
        if let Some(close) = self.series[place].next_close() {
            self.expect_close(close);
        }
    }

    fn place(&mut self, topic: &Topic) -> usize {
        if let Some(place) = self.places.get(topic) {
            return *place;
        }
        self.places.insert(topic.clone(), self.series.len());
        self.series.push(Series::new(topic, &self.intervals));
        self.series.len() - 1
    }

    /// The place stays, so that the topic may come back.
    fn remove(&mut self, topic: &Topic, changes: &mut Changes) {
        if let Some(place) = self.places.get(topic) {
            let series = &mut self.series[*place];
            series.remove(changes);
            let is_queued = series.is_queued;
            *series = Series::new(topic, &self.intervals);
            series.is_queued = is_queued;
        }
    }

    fn expect_close(&mut self, at: Micros) {
        self.close_at = Some(self.close_at.map_or(at, |first| first.min(at)));
    }

    fn show(&mut self, turn: usize, changes: &mut Changes) {
        let series = &mut self.series;
        self.queued[turn].retain(|place| {
            let series = &mut series[*place];
            series.is_queued = series.show(changes);
            series.is_queued
        });
    }
}

/// Which turn of the second it is.
fn turn_of(turn: i64) -> usize {
    usize::try_from(turn.rem_euclid(TURNS as i64)).unwrap_or(0)
}

/// The bar in a change, if it is a closed one.
pub(crate) fn closed_bar(body: &Body) -> Option<&Bar> {
    body.bar().filter(|bar| bar.closed)
}
