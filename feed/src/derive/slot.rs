//! The bars of one topic and one interval: the one in progress, and the one about to close.

use super::counters;
use std::time::Duration;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, BarSource, Interval, Price, Topic},
};

/// A bar closes so long after its end, by timer: prices received before it may still be on their way
/// (`truth.md` 15).
pub(super) const CLOSE_AFTER: Duration = Duration::from_secs(2);

/// One interval of a topic.
#[derive(Debug)]
pub(super) struct Slot {
    pub topic: Topic,
    interval: Interval,
    /// The bar that has ended and waits for its closing.
    ending: Option<Bar>,
    current: Option<Bar>,
    /// End of the newest closed bar: what lies before opens nothing again.
    closed_to: Micros,
}

/// What became of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Took {
    /// It went into a bar that is there.
    Into,
    /// It opened a bar that ends then.
    Opened(Micros),
    /// Its bar is closed.
    Late,
}

impl Slot {
    pub(super) fn new(topic: Topic, interval: Interval) -> Self {
        Self { topic, interval, ending: None, current: None, closed_to: Micros(i64::MIN) }
    }

    /// Takes a price received at `at` of a topic that has been live since `since`. What is due by
    /// `clock` must have been closed before.
    pub(super) fn take(&mut self, price: Price, at: Micros, since: Micros, clock: Micros) -> Took {
        if let Some(bar) = self.bars_mut().find(|bar| bar.open_time <= at && at < bar.close_time) {
            add(bar, price);
            return Took::Into;
        }
        self.open(price, at, since, clock)
    }

    fn open(&mut self, price: Price, at: Micros, since: Micros, clock: Micros) -> Took {
        let open = self.interval.open_of(at);
        let bar = self.opened(open, price, since <= open);
        let closes = bar.close_time;
        if open < self.closed_to || closes.plus(CLOSE_AFTER) <= clock {
            return Took::Late;
        }
        match &self.current {
            // A late price for an interval that nothing was received in yet.
            Some(current) if current.open_time > open && self.ending.is_some() => {
                return Took::Late;
            }
            Some(current) if current.open_time > open => self.ending = Some(bar),
            // What is due has been closed, so that there is room for the one before.
            Some(_) | None => {
                self.ending = self.current.replace(bar).or_else(|| self.ending.take());
            }
        }
        Took::Opened(closes)
    }

    /// The bar in progress, unless the one before is to be closed first: a topic's bars are
    /// published in order.
    pub(super) fn in_progress(&self) -> Option<&Bar> {
        self.current.as_ref().filter(|_| self.ending.is_none())
    }

    /// Whether a bar is in progress that must not be shown yet.
    pub(super) fn is_held_back(&self) -> bool {
        self.ending.is_some() && self.current.is_some()
    }

    /// The oldest bar that is due to be closed, closed.
    pub(super) fn close(&mut self, now: Micros) -> Option<Bar> {
        let due = |bar: &mut Bar| bar.close_time.plus(CLOSE_AFTER) <= now;
        let mut bar = self.ending.take_if(due).or_else(|| self.current.take_if(due))?;
        bar.closed = true;
        self.closed_to = self.closed_to.max(bar.close_time);
        counters::bar_closed(self.interval, bar.complete);
        Some(bar)
    }

    /// When the next bar is to be closed.
    pub(super) fn next_close(&self) -> Option<Micros> {
        self.bars().map(|bar| bar.close_time.plus(CLOSE_AFTER)).min()
    }

    /// Prices may have been missed: no bar that is open now was seen whole.
    pub(super) fn interrupt(&mut self) {
        self.bars_mut().for_each(|bar| bar.complete = false);
    }

    /// Goes on with what a former writer of the topic published last; returns what the topic's
    /// value is to be now, or nothing when this writer has closed a newer bar, or this one, itself.
    pub(super) fn inherit(&mut self, former: &Bar) -> Option<Bar> {
        let is_over = former.close_time == self.closed_to && !former.closed;
        if is_over || former.close_time < self.closed_to {
            return None;
        }
        counters::bar_inherited();
        if former.closed {
            self.closed_to = self.closed_to.max(former.close_time);
            self.ending.take_if(|bar| bar.open_time <= former.open_time);
            self.current.take_if(|bar| bar.open_time <= former.open_time);
        } else if let Some(own) = self.bars_mut().find(|bar| bar.open_time == former.open_time) {
            merge(former, own);
        } else {
            self.adopt(former);
        }
        let newest = self.current.as_ref().or(self.ending.as_ref());
        newest.or(Some(former)).cloned()
    }

    /// A bar in progress of which this writer saw nothing: its end may be missing.
    fn adopt(&mut self, former: &Bar) {
        let bar = Bar { complete: false, ..former.clone() };
        match &self.current {
            Some(current) if current.open_time > bar.open_time => self.ending = Some(bar),
            // An own bar that is older was closed by the former writer.
            Some(_) | None => (self.ending, self.current) = (None, Some(bar)),
        }
    }

    fn opened(&self, open_time: Micros, price: Price, complete: bool) -> Bar {
        Bar {
            open_time,
            close_time: self.interval.close_of(open_time),
            open: price,
            high: price,
            low: price,
            close: price,
            ticks: 1,
            closed: false,
            complete,
            source: BarSource::Ticker,
        }
    }

    fn bars(&self) -> impl Iterator<Item = &Bar> {
        self.current.iter().chain(&self.ending)
    }

    /// The one in progress first: nearly every price belongs to it.
    fn bars_mut(&mut self) -> impl Iterator<Item = &mut Bar> {
        self.current.iter_mut().chain(&mut self.ending)
    }
}

fn add(bar: &mut Bar, price: Price) {
    bar.high = bar.high.max(price);
    bar.low = bar.low.min(price);
    bar.close = price;
    bar.ticks += 1;
}

/// Adds to a bar what a former writer saw of it. One that was seen whole here lacks nothing but is
/// widened all the same, since the other highs and lows were published.
pub(crate) fn merge(former: &Bar, own: &mut Bar) {
    own.high = own.high.max(former.high);
    own.low = own.low.min(former.low);
    if !own.complete {
        // The former writer was there before.
        own.open = former.open;
        own.ticks = own.ticks.saturating_add(former.ticks);
    }
}
