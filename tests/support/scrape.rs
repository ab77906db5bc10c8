//! `/metrics` as Prometheus reads it.

use super::{Role, eventually};
use std::collections::{BTreeMap, BTreeSet};

/// One answer of `/metrics`.
#[derive(Debug)]
pub struct Scrape {
    /// The whole text.
    pub text: String,
    /// The kind of each metric, by its name.
    pub kinds: BTreeMap<String, String>,
    /// What is said of each.
    pub meanings: BTreeMap<String, String>,
    /// Every series.
    pub series: Vec<Series>,
}

/// One line with a value.
#[derive(Debug)]
pub struct Series {
    /// Its name, with `_bucket` and the like.
    pub name: String,
    /// Its labels without `le`.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Series {
    /// The keys of its labels.
    pub fn keys(&self) -> BTreeSet<&str> {
        self.labels.keys().map(String::as_str).collect()
    }

    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        // No label of ours has a comma or a quote in it.
        let pairs = labels.trim_end_matches('}').split(',').filter_map(|it| it.split_once('='));
        let labels = pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned()));
        Self {
            name: name.to_owned(),
            labels: labels.filter(|(key, _)| key != "le").collect(),
            value: value.parse().expect("a number"),
        }
    }
}

impl Scrape {
    /// Asks a process.
    pub async fn of(role: &Role) -> Self {
        Self::read(role.admin("/metrics").await.body)
    }

    fn read(text: String) -> Self {
        let told = |what: &str| {
            let lines = text.lines().filter_map(|line| line.strip_prefix(what)?.split_once(' '));
            lines.map(|(name, told)| (name.to_owned(), told.to_owned())).collect()
        };
        let (kinds, meanings) = (told("# TYPE "), told("# HELP "));
        let values = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let series = values.map(Series::read).collect();
        Self { text, kinds, meanings, series }
    }

    /// The value of a series by its name and the values of its labels, in any order.
    pub fn value(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let wanted: BTreeSet<&str> = labels.iter().copied().collect();
        let has = |it: &&Series| {
            it.name == name
                && it.labels.values().map(String::as_str).collect::<BTreeSet<_>>() == wanted
        };
        Some(self.series.iter().find(has)?.value)
    }

    /// The metric that a series belongs to.
    pub fn metric_of<'a>(&self, series: &'a Series) -> &'a str {
        let parts = ["_bucket", "_sum", "_count"];
        let base = parts.iter().find_map(|part| series.name.strip_suffix(part));
        base.filter(|base| self.kinds.contains_key(*base)).unwrap_or(&series.name)
    }
}

impl Role {
    /// Waits until a series is as wanted; its value.
    pub async fn until_metric(
        &self,
        name: &str,
        labels: &[&str],
        wanted: impl Fn(f64) -> bool,
    ) -> f64 {
        eventually(&format!("{name} {labels:?} is as wanted"), async || {
            Scrape::of(self).await.value(name, labels).filter(|value| wanted(*value))
        })
        .await
    }
}
