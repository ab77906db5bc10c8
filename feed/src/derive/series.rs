//! The bars of one ticker topic, in every interval.

use super::slot::{Slot, Took};
use crate::outbox::Change;
use tickcast_shared::{
    bus::Body,
    clock::Micros,
    market::{Bar, Interval, Price, State, Ticker, Topic},
};

/// Derived changes in the order in which they are to be written.
type Changes = Vec<(Topic, Change)>;

/// All bars of a ticker topic.
#[derive(Debug)]
pub(super) struct Series {
    slots: Vec<Slot>,
    /// Since when its prices have been seen without a gap; nothing while it is not live.
    live_since: Option<Micros>,
    last: Option<Price>,
    /// Whether its kline topics exist. They begin with the first price and not with the pending
    /// ticker: a bar has no state that could say "nothing yet".
    is_announced: bool,
    /// Whether its bars in progress wait to be published.
    pub is_queued: bool,
}

/// What a price means for those who publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Effect {
    /// A bar was opened that ends then, the first of them.
    pub opened: Option<Micros>,
    /// Bars in progress are to be published in their turn.
    pub changed: bool,
}

impl Series {
    pub(super) fn new(ticker: &Topic, intervals: &[Interval]) -> Self {
        let slots = intervals.iter().map(|it| Slot::new(ticker.to_kline(*it), *it));
        Self {
            slots: slots.collect(),
            live_since: None,
            last: None,
            is_announced: false,
            is_queued: false,
        }
    }

    /// Takes a ticker received at `at`; what is due by `clock` must have been closed. The first price
    /// announces the topics at once.
    pub(super) fn take(
        &mut self,
        ticker: &Ticker,
        at: Micros,
        clock: Micros,
        changes: &mut Changes,
    ) -> Effect {
        if ticker.state != State::Live {
            self.interrupt();
            return Effect::default();
        }
        let Some(price) = ticker.last_price else { return Effect::default() };
        let since = *self.live_since.get_or_insert(at);
        let mut effect = Effect { opened: None, changed: self.last != Some(price) };
        for slot in &mut self.slots {
            match slot.take(price, at, since, clock) {
                Took::Into => {}
                Took::Opened(ends) => {
                    effect.opened = Some(effect.opened.map_or(ends, |first| first.min(ends)));
                    effect.changed = true;
                }
                Took::Late => super::counters::late(),
            }
        }
        self.last = Some(price);
        if !self.is_announced && effect.opened.is_some() {
            self.is_announced = true;
            effect.changed = self.show(changes);
        }
        effect
    }

    /// Publishes the bars in progress; true if one had to be held back until the one before is
    /// closed.
    pub(super) fn show(&self, changes: &mut Changes) -> bool {
        changes.extend(self.slots.iter().filter_map(|it| Some(put(it, it.in_progress()?.clone()))));
        self.slots.iter().any(Slot::is_held_back)
    }

    /// Closes what is due.
    pub(super) fn close(&mut self, now: Micros, changes: &mut Changes) {
        for slot in &mut self.slots {
            while let Some(bar) = slot.close(now) {
                changes.push(put(slot, bar));
            }
        }
    }

    /// When the next of its bars is to be closed.
    pub(super) fn next_close(&self) -> Option<Micros> {
        self.slots.iter().filter_map(Slot::next_close).min()
    }

    /// Prices may have been missed.
    pub(super) fn interrupt(&mut self) {
        if self.live_since.take().is_some() {
            self.slots.iter_mut().for_each(Slot::interrupt);
        }
    }

    /// The ticker topic ceases to exist, and its kline topics with it.
    pub(super) fn remove(&mut self, changes: &mut Changes) {
        if self.is_announced {
            changes.extend(self.slots.iter().map(|slot| (slot.topic.clone(), Change::Remove)));
        }
    }

    /// Goes on with a former writer's bar of that topic, if it is one of these.
    pub(super) fn inherit(&mut self, topic: &Topic, former: &Bar, changes: &mut Changes) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.topic == *topic) {
            self.is_announced = true;
            changes.extend(slot.inherit(former).map(|value| put(slot, value)));
        }
    }
}

fn put(slot: &Slot, bar: Bar) -> (Topic, Change) {
    (slot.topic.clone(), Change::Put(Box::new(Body::Kline(bar))))
}
