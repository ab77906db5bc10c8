//! Throttle and change filter of one topic in one cohort: pure state, told the time.

use super::{Quote, filter::Filter, table::Settings};
use tickcast_shared::{clock::Micros, market::State};

/// Common moments in an interval. With fewer, a source about as fast as the interval would lose
/// updates to the wait for the next moment; with more, topics would share fewer writes.
const PARTS: i64 = 4;

/// When updates of a topic may go out to a cohort.
///
/// The first update after a pause goes out at once. What comes within the interval waits for one
/// of the cohort's common moments, so that its topics share a write; only the newest is kept.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Microseconds; 0: no interval.
    interval: i64,
    /// Microseconds for which a filter may hold an update back.
    silence: i64,
    filter: Option<Filter>,
    /// State last sent or held by the members.
    state: Option<State>,
    /// When an update last went out.
    sent: Option<Micros>,
    /// When members were last known to hold the newest value.
    fresh: Micros,
    /// When the newest value, which members do not have, is to go out.
    due: Option<Micros>,
    /// Whether it waits for the interval only, having moved far enough.
    is_moved: bool,
    /// Whether the cohort's list of held-back topics has this one.
    pub is_listed: bool,
}

/// What is to be done with an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes out now.
    Now,
    /// The newest value goes out then.
    At(Micros),
}

impl Gate {
    /// A gate for these settings; none when they let every update through.
    #[must_use]
    pub fn new(settings: Settings, now: Micros) -> Option<Box<Self>> {
        (!settings.is_every_update()).then(|| {
            Box::new(Self {
                interval: i64::from(settings.interval_ms) * 1000,
                silence: i64::from(settings.max_silence_ms) * 1000,
                filter: (settings.min_change_bps > 0).then(|| Filter::new(settings.min_change_bps)),
                state: None,
                sent: None,
                fresh: now,
                due: None,
                is_moved: false,
                is_listed: false,
            })
        })
    }

    /// A newest value has come. `phase` spreads the common moments of different cohorts.
    pub fn offer(&mut self, quote: &Quote, now: Micros, phase: i64) -> Verdict {
        let state_changed = self.is_other_state(quote);
        if let Some(due) = self.due.filter(|due| self.is_moved && now < *due && !state_changed) {
            // What waits for its moment keeps it, even if the newest value is back where it was.
            return Verdict::At(due);
        }
        self.is_moved = state_changed || self.has_moved(quote);
        let wanted = if self.is_moved { now.0 } else { self.fresh.0 + self.silence };
        let due = match self.sent {
            Some(sent) if !state_changed && now.0 < sent.0 + self.interval => {
                self.moment(sent.0 + self.interval, phase).max(wanted)
            }
            _ => wanted,
        };
        if due <= now.0 {
            self.went_out(quote, now);
            return Verdict::Now;
        }
        self.due = Some(Micros(due));
        Verdict::At(Micros(due))
    }

    /// Whether the value's state differs from what members hold.
    #[must_use]
    pub fn is_other_state(&self, quote: &Quote) -> bool {
        self.state.is_some_and(|state| state != quote.state)
    }

    fn has_moved(&self, quote: &Quote) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_moved(quote))
    }

    /// The first common moment at or after `earliest`.
    fn moment(&self, earliest: i64, phase: i64) -> i64 {
        let step = (self.interval / PARTS).max(1);
        earliest + (phase - earliest).rem_euclid(step)
    }

    /// When the newest value is to go out, if members do not have it.
    #[must_use]
    pub fn due(&self) -> Option<Micros> {
        self.due
    }

    /// The topic's newest value goes out to all members.
    pub fn went_out(&mut self, quote: &Quote, now: Micros) {
        self.sent = Some(now);
        self.fresh = now;
        self.due = None;
        self.state = Some(quote.state);
        if let Some(filter) = &mut self.filter {
            filter.collapse(quote);
        }
    }

    /// Nothing waits any more.
    pub fn forget_due(&mut self) {
        self.due = None;
    }

    /// One member was given this value outside the cohort's stream, or holds it already.
    pub fn held(&mut self, quote: &Quote) {
        self.state = Some(quote.state);
        if let Some(filter) = &mut self.filter {
            filter.widen(quote);
        }
    }

    /// A member comes from a cohort with `other`, or with no gate at all and so with `newest`.
    /// States never differ: a change goes out at once.
    pub fn joined_from(&mut self, other: Option<&Self>, newest: &Quote) {
        self.state = Some(newest.state);
        // A cohort that is new goes on where its first member was.
        self.sent = self.sent.or(other.and_then(|gate| gate.sent));
        match (&mut self.filter, other.and_then(|gate| gate.filter.as_ref())) {
            (Some(filter), Some(other)) => filter.widen_by(other),
            (Some(filter), None) => filter.widen(newest),
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests;
