//! The gateway's own counters, read from its admin listener.

use super::{fetch, rig::Instance};
use serde::Serialize;
use std::collections::BTreeMap;

/// Beginning of the names that are read.
const PREFIX: &str = "tickcast_gateway_";
/// End of the names of counters.
const COUNTER: &str = "_total";
/// The counter of write calls.
const WRITES: &str = "tickcast_gateway_writes_total";

/// Counters by name, labels included, all processes added up.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Counters(pub BTreeMap<String, f64>);

impl Counters {
    fn add(&mut self, text: &str) {
        for line in text.lines().filter(|line| line.starts_with(PREFIX)) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            let is_counter = name.split('{').next().is_some_and(|name| name.ends_with(COUNTER));
            if let (true, Ok(value)) = (is_counter, value.parse::<f64>()) {
                *self.0.entry(name.to_owned()).or_default() += value;
            }
        }
    }

    /// Write calls, whatever their labels; nothing when the server does not count them.
    #[must_use]
    pub fn writes(&self) -> Option<f64> {
        let of_writes = |name: &&String| name.split('{').next() == Some(WRITES);
        let mut names = self.0.keys().filter(of_writes).peekable();
        names.peek()?;
        Some(names.map(|name| self.0[name]).sum())
    }
}

/// The counters of all processes now; a process that does not answer is left out.
pub async fn read(instances: &[Instance]) -> Counters {
    let mut counters = Counters::default();
    for url in instances.iter().filter_map(|instance| instance.metrics.as_deref()) {
        match fetch::get(url).await {
            Ok((_, text)) => counters.add(&text),
            Err(error) => tracing::warn!(url, %error, "no metrics"),
        }
    }
    counters
}

/// By how much each counter has moved; those that have not are left out, write calls excepted.
#[must_use]
pub fn moved(before: &Counters, after: &Counters) -> Counters {
    let by = |(name, after): (&String, &f64)| {
        (name.clone(), after - before.0.get(name).copied().unwrap_or(0.0))
    };
    let mut moved: BTreeMap<String, f64> = after.0.iter().map(by).collect();
    moved.retain(|name, by| *by != 0.0 || name == WRITES);
    Counters(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_added_up_and_compared() {
        let text = "# HELP tickcast_gateway_writes_total x\n\
                    tickcast_gateway_writes_total 10\n\
                    tickcast_gateway_closed_total{reason=\"slow consumer\"} 2\n\
                    tickcast_gateway_connections 5\nother_total 7\n";
        let (mut before, mut after) = (Counters::default(), Counters::default());
        before.add(text);
        after.add(text);
        after.add("tickcast_gateway_writes_total 30\n");
        let moved = moved(&before, &after);
        assert_eq!(moved.0.len(), 1);
        assert_eq!((moved.writes(), after.writes()), (Some(30.0), Some(40.0)));
        assert_eq!((after.0.len(), Counters::default().writes()), (2, None));
    }
}
