//! What all updates of a trace have in common: how many became what, and percentiles of their hops.

use super::table;
use hdrhistogram::Histogram;
use tickcast_gateway::trace::line::{Clock, Outcome, Update};

/// Longest time that is told apart, in microseconds: a minute. Longer ones count as that.
const LONGEST_US: u64 = 60_000_000;
/// Digits that percentiles keep.
const DIGITS: u8 = 3;

/// Everything shown so far.
pub struct Summary {
    updates: u64,
    written: u64,
    conflated: u64,
    held: u64,
    blocked: u64,
    corrected: bool,
    negative: bool,
    /// One for each column; none only if it could not be made, which fixed bounds rule out.
    hops: Vec<Option<Histogram<u64>>>,
}

impl Default for Summary {
    fn default() -> Self {
        let hops = table::COLUMNS.map(|_| Histogram::new_with_bounds(1, LONGEST_US, DIGITS).ok());
        Self {
            updates: 0,
            written: 0,
            conflated: 0,
            held: 0,
            blocked: 0,
            corrected: false,
            negative: false,
            hops: hops.into(),
        }
    }
}

impl Summary {
    /// Counts an update. A negative time says nothing of a delay and is left out.
    pub fn add(&mut self, update: &Update) {
        self.updates += 1;
        match update.outcome {
            Outcome::Written => self.written += 1,
            Outcome::Conflated => self.conflated += 1,
            Outcome::Held => self.held += 1,
            Outcome::Blocked => self.blocked += 1,
            _ => {}
        }
        for (hop, histogram) in table::hops(&update.hops).into_iter().zip(&mut self.hops) {
            let Some(hop) = hop else { continue };
            self.corrected |= hop.clock == Clock::Corrected;
            self.negative |= hop.clock == Clock::Negative;
            if let (Ok(us), Some(histogram)) = (u64::try_from(hop.us), histogram) {
                histogram.saturating_record(us);
            }
        }
    }

    /// The last lines of a trace; none if nothing came.
    pub fn lines(&self) -> Vec<String> {
        if self.updates == 0 {
            return Vec::new();
        }
        let mut lines = vec![String::new()];
        for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)] {
            lines.push(table::percentiles(name, self.quantile(quantile)));
        }
        lines.push(self.counts());
        if self.corrected {
            lines.push(
                "~ the clocks differ, or no message is fast: time beyond the fastest".to_owned(),
            );
        }
        if self.negative {
            lines.push("! below zero: the clocks differ by an unknown time".to_owned());
        }
        lines
    }

    fn quantile(&self, quantile: f64) -> [Option<i64>; 7] {
        let mut values = [None; 7];
        for (value, histogram) in values.iter_mut().zip(&self.hops) {
            let filled = histogram.as_ref().filter(|histogram| !histogram.is_empty());
            *value = filled
                .and_then(|it| i64::try_from(it.value_at_quantile(quantile).min(it.max())).ok());
        }
        values
    }

    fn counts(&self) -> String {
        let mut text = match self.updates {
            1 => "1 update".to_owned(),
            updates => format!("{updates} updates"),
        };
        let parts = [
            (self.written, "written"),
            (self.conflated, "conflated"),
            (self.held, "held back"),
            (self.blocked, "blocked"),
        ];
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            text += &format!(", {count} {what}");
        }
        text
    }
}
