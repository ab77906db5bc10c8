//! What hostile clients found out, as it is shown.

use super::{HostileConfig, Kind, Outcome, Sighting, outcome::Story};
use crate::swarm::latencies::{Latencies, Latency};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, time::Duration};

/// The result of an attack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HostileReport {
    /// What they did.
    pub kind: Kind,
    /// To whom.
    pub url: String,
    /// How many, or how many dials.
    pub clients: usize,
    /// For how long, in seconds.
    pub seconds: f64,
    /// Bytes, commands, dials or requests sent.
    pub sent: u64,
    /// What the server did, most frequent first.
    pub outcomes: Vec<Seen>,
    /// Error messages of the server, by code.
    pub errors: BTreeMap<String, u64>,
    /// What a good server does.
    pub expected: String,
    /// How soon, in seconds.
    pub within: f64,
    /// Whether this one does.
    pub guarded: bool,
    /// What it does wrong.
    pub findings: Vec<String>,
}

/// How often something was seen, and after which time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// `HTTP 403`, `close 1009 ...`, `reset`, `served`, ...
    pub outcome: String,
    /// How often.
    pub count: u64,
    /// After which time, in microseconds.
    pub after: Option<Latency>,
}

impl HostileReport {
    pub(super) fn new(
        config: &HostileConfig,
        story: Story,
        missing: usize,
        seconds: Duration,
    ) -> Self {
        let Story { mut sightings, sent, errors, heartbeat } = story;
        // Those that were still at it when the time was over.
        let served = Sighting { outcome: Outcome::Served, after: seconds };
        sightings.extend(std::iter::repeat_n(served, missing));
        let rule = config.kind.rule().timed(config.within, heartbeat);
        let verdict = rule.judge(&sightings);
        Self {
            kind: config.kind,
            url: config.url.clone(),
            clients: config.events(),
            seconds: seconds.as_secs_f64(),
            sent,
            outcomes: counted(&sightings),
            errors: errors.0,
            expected: rule.expected.to_owned(),
            within: rule.within.as_secs_f64(),
            guarded: verdict.is_guarded,
            findings: verdict.findings,
        }
    }

    /// How often outcomes were seen that begin so.
    #[must_use]
    pub fn count(&self, beginning: &str) -> u64 {
        self.of(beginning).map(|seen| seen.count).sum()
    }

    /// The longest time after which such an outcome was seen.
    #[must_use]
    pub fn longest(&self, beginning: &str) -> Option<Duration> {
        let micros = self.of(beginning).filter_map(|seen| seen.after).map(|after| after.max).max();
        micros.map(Duration::from_micros)
    }

    /// Outcomes that begin so.
    pub fn of(&self, beginning: &str) -> impl Iterator<Item = &Seen> {
        self.outcomes.iter().filter(move |seen| seen.outcome.starts_with(beginning))
    }
}

fn counted(sightings: &[Sighting]) -> Vec<Seen> {
    let mut kinds: BTreeMap<&Outcome, Latencies> = BTreeMap::new();
    for sighting in sightings {
        let micros = u64::try_from(sighting.after.as_micros()).unwrap_or(u64::MAX);
        kinds.entry(&sighting.outcome).or_default().record(micros);
    }
    let mut seen: Vec<Seen> = kinds
        .into_iter()
        .map(|(outcome, times)| {
            let after = times.summary();
            Seen { outcome: outcome.to_string(), count: after.map_or(0, |it| it.count), after }
        })
        .collect();
    seen.sort_by_key(|seen| std::cmp::Reverse(seen.count));
    seen
}

impl fmt::Display for HostileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, url, clients, seconds, sent, .. } = self;
        writeln!(f, "{kind} {url}: {clients} clients, {seconds:.1} s, {sent} sent")?;
        writeln!(f, "  {:44} {:>8} {:>9} {:>9} {:>9}", "the server", "count", "p50", "p99", "max")?;
        for Seen { outcome, count, after } in &self.outcomes {
            let of =
                |of: fn(&Latency) -> u64| after.as_ref().map_or(String::new(), |it| time(of(it)));
            let [p50, p99, max] = [of(|it| it.p50), of(|it| it.p99), of(|it| it.max)];
            writeln!(f, "  {outcome:44} {count:>8} {p50:>9} {p99:>9} {max:>9}")?;
        }
        for (code, count) in &self.errors {
            writeln!(f, "  error messages: {code} {count}")?;
        }
        writeln!(f, "expected: {} ({} s)", self.expected, self.within)?;
        match self.guarded {
            true => writeln!(f, "ok"),
            false => writeln!(f, "not guarded: {}", self.findings.join("; ")),
        }
    }
}

fn time(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{:.2} s", micros as f64 / 1e6),
    }
}
