//! All that was measured, in the form in which it is written as JSON and shown.

use super::{
    figures::Run,
    machine::Machine,
    pairs::Spread,
    scenario::Scenario,
    target::{Measure, Outcome, Target, Verdict},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A whole benchmark.
#[derive(Debug, Clone, Serialize)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// What.
    pub scenarios: Vec<Compared>,
}

/// A scenario with all its runs.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// The file's stem.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What it shows.
    pub shows: String,
    /// Each side, the file's own first.
    pub sides: Vec<Measured>,
    /// Each target.
    pub targets: Vec<Outcome>,
}

/// A side with all its runs.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Its label.
    pub label: String,
    /// Which server.
    pub server: String,
    /// Why there are no runs: it is not installed.
    pub skipped: Option<String>,
    /// By round; nothing where a run could not be made.
    pub runs: Vec<Option<Run>>,
    /// Why runs could not be made.
    pub failures: Vec<String>,
    /// Each figure over all valid runs.
    pub figures: BTreeMap<Measure, Spread>,
}

impl Measured {
    /// The figure of a round, if its run is valid.
    fn figure(&self, measure: Measure, round: usize) -> Option<f64> {
        let run = self.runs.get(round)?.as_ref().filter(|run| run.is_valid())?;
        measure.of(run)
    }

    fn has_faults(&self) -> bool {
        !self.failures.is_empty() || self.runs.iter().flatten().any(|run| !run.faults.is_empty())
    }

    /// The last valid run.
    #[must_use]
    pub fn last(&self) -> Option<&Run> {
        self.runs.iter().rev().flatten().find(|run| run.is_valid())
    }

    /// What is to be known about its runs besides figures, each once.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        let mut note = |text: String| {
            if !notes.contains(&text) {
                notes.push(text);
            }
        };
        self.skipped.iter().for_each(|reason| note(format!("skipped: {reason}")));
        self.failures.iter().for_each(|reason| note(format!("failed: {reason}")));
        for run in self.runs.iter().flatten() {
            run.invalid.iter().for_each(|reason| note(format!("a run does not count: {reason}")));
            run.faults.iter().for_each(|fault| note(format!("fault: {fault}")));
        }
        notes
    }
}

impl Compared {
    /// A scenario before its first run.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let side = |side: &super::side::Side| Measured {
            label: side.label.clone(),
            server: side.server.clone(),
            skipped: None,
            runs: Vec::new(),
            failures: Vec::new(),
            figures: BTreeMap::new(),
        };
        Self {
            name: scenario.name.clone(),
            title: scenario.title.clone(),
            shows: scenario.shows.clone(),
            sides: scenario.sides.iter().map(side).collect(),
            targets: Vec::new(),
        }
    }

    /// Makes figures and verdicts of the runs so far.
    pub fn conclude(&mut self, targets: &[Target]) {
        for side in &mut self.sides {
            let of_runs = |measure: Measure| {
                let rounds = 0..side.runs.len();
                let figures = rounds.filter_map(|round| side.figure(measure, round));
                Some((measure, Spread::of(figures)?))
            };
            side.figures = Measure::ALL.into_iter().filter_map(of_runs).collect();
        }
        self.targets = targets.iter().map(|target| self.outcome(target)).collect();
    }

    /// The ratios of a figure to the same of another side, pair by pair.
    #[must_use]
    pub fn ratio(&self, measure: Measure, side: usize, against: usize) -> Option<Spread> {
        let (side, against) = (self.sides.get(side)?, self.sides.get(against)?);
        let rounds = 0..side.runs.len().min(against.runs.len());
        let ratio = |round| Some(side.figure(measure, round)? / against.figure(measure, round)?);
        Spread::of(rounds.filter_map(ratio))
    }

    fn outcome(&self, target: &Target) -> Outcome {
        let find = |label: &str| self.sides.iter().position(|side| side.label == label);
        let side = target.side.as_deref().map_or(Some(0), find);
        let measured = side.and_then(|side| match target.against.as_deref() {
            Some(label) => self.ratio(target.measure, side, find(label)?),
            None => self.sides[side].figures.get(&target.measure).copied(),
        });
        let mut outcome = target.judged(measured);
        // What is cheap because it does not do its work is not good.
        if side.is_some_and(|side| self.sides[side].has_faults()) {
            outcome.verdict = Verdict::Missed;
        }
        outcome
    }

    /// Whether anything went wrong, missed targets aside.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.sides.iter().any(Measured::has_faults)
    }
}

/// A number with as many digits as are worth reading.
#[must_use]
pub fn short(number: f64) -> String {
    match number.abs() {
        it if it >= 1000.0 => format!("{number:.0}"),
        it if it >= 100.0 => format!("{number:.1}"),
        it if it >= 0.1 || it == 0.0 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

impl Spread {
    /// Median and range, `8.10 (7.90..8.30)`.
    #[must_use]
    pub fn text(&self) -> String {
        if self.count == 1 || self.least == self.most {
            return short(self.median);
        }
        format!("{} ({}..{})", short(self.median), short(self.least), short(self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let numbers = [123_456.7, 123.45, 8.123, 0.0, 0.0123, 1.0];
        let texts = ["123457", "123.5", "8.12", "0.00", "0.0123", "1.00"];
        assert_eq!(numbers.map(short), texts);
        let spread = Spread { median: 8.1, least: 7.9, most: 8.3, count: 3 };
        assert_eq!(spread.text(), "8.10 (7.90..8.30)");
        assert_eq!(Spread { count: 1, ..spread }.text(), "8.10");
    }
}
