//! The newest closed bars of one topic.

use super::BarsDue;
use std::collections::{BTreeMap, VecDeque};
use tickcast_shared::{clock::Micros, market::Bar, protocol::MAX_HISTORY};

/// Bars of a topic at most: the longest history that a client may ask for.
pub const MOST_BARS: usize = MAX_HISTORY as usize;
/// Bars kept of a topic that nobody has asked for lately: what a slow client or a full mailbox may
/// miss without a need to read it from the bus again.
pub const RECENT_BARS: usize = 8;

/// Closed bars in the order of their openings.
#[derive(Debug, Default)]
pub struct Series {
    bars: VecDeque<Bar>,
    /// None is missing that opened later than this.
    whole_after: Option<Micros>,
    /// Whether it was read from the bus: what it lacks is not to be had.
    is_read: bool,
}

impl Series {
    /// Adds a bar that has just closed, in the place of one with the same opening.
    pub fn push(&mut self, bar: Bar) {
        let whole_after = *self.whole_after.get_or_insert(just_before(bar.open_time));
        if bar.open_time <= whole_after {
            // Too old to be of use.
            return;
        }
        match self.bars.binary_search_by_key(&bar.open_time, |held| held.open_time) {
            Ok(at) => self.bars[at] = bar,
            Err(at) => self.bars.insert(at, bar),
        }
        self.trim(if self.is_read { MOST_BARS } else { RECENT_BARS });
    }

    /// Takes over what the bus keeps: its newest bars, `asked` at most. Bars that closed since the
    /// reading are kept, older ones where nothing can be missing between.
    pub fn read(&mut self, bars: Vec<Bar>, asked: usize) {
        let is_all = bars.len() < asked;
        let first = bars.first().map(|bar| bar.open_time).filter(|_| !is_all);
        let joins = self.last().is_some_and(|last| first.is_none_or(|first| last >= first));
        let newest_read = bars.last().map(|bar| bar.open_time);
        let held = std::mem::take(&mut self.bars).into_iter();
        let kept = held.filter(|bar| joins || Some(bar.open_time) > newest_read);
        let mut all: BTreeMap<Micros, Bar> = kept.map(|bar| (bar.open_time, bar)).collect();
        all.extend(bars.into_iter().map(|bar| (bar.open_time, bar)));
        self.bars = all.into_values().collect();
        let after = first.map_or(Micros(i64::MIN), just_before);
        let whole_after = self.whole_after.filter(|_| joins).map_or(after, |held| held.min(after));
        self.whole_after = Some(whole_after);
        self.is_read = self.is_read && joins || is_all || asked >= MOST_BARS;
        self.trim(MOST_BARS);
    }

    /// Gives up what nobody has asked for lately.
    pub fn shrink(&mut self) {
        self.is_read = false;
        self.trim(RECENT_BARS);
        self.bars.shrink_to_fit();
    }

    fn trim(&mut self, most: usize) {
        let surplus = self.bars.len().saturating_sub(most);
        if let Some(bar) = self.bars.drain(..surplus).next_back() {
            self.whole_after = Some(bar.open_time);
        }
    }

    /// Whether it was read from the bus and has not been given up since.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.is_read
    }

    /// How many bars it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// The newest opening.
    #[must_use]
    pub fn last(&self) -> Option<Micros> {
        self.bars.back().map(|bar| bar.open_time)
    }

    /// Those that are due, up to the one that opened at `until`; none if some are missing here.
    #[must_use]
    pub fn get(&self, due: BarsDue, until: Option<Micros>) -> Option<Vec<Bar>> {
        // Whoever asks does not know yet where the topic stands: it is about to be told.
        let is_early = until.is_none() && !(self.is_read && self.is_empty());
        (due.has_failed || self.has(due, until) && !is_early).then(|| self.cut(due, until))
    }

    fn has(&self, due: BarsDue, until: Option<Micros>) -> bool {
        let whole_after = self.whole_after.unwrap_or(Micros(i64::MAX));
        let has_missed = due.after.is_none_or(|after| after >= whole_after);
        let has_newest = due.newest.is_none_or(|newest| newest <= self.up_to(until));
        self.is_read || has_missed && has_newest
    }

    fn cut(&self, due: BarsDue, until: Option<Micros>) -> Vec<Bar> {
        let end = self.up_to(until);
        let newest = end - due.newest.unwrap_or(0).min(end);
        let missed = due.after.map_or(end, |after| self.up_to(Some(after)));
        self.bars.range(newest.min(missed).min(end)..end).cloned().collect()
    }

    /// How many opened at `until` or before.
    fn up_to(&self, until: Option<Micros>) -> usize {
        until.map_or(0, |until| self.bars.partition_point(|bar| bar.open_time <= until))
    }
}

fn just_before(open: Micros) -> Micros {
    Micros(open.0.saturating_sub(1))
}
