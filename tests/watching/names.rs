//! Names in PromQL, found by a scan: metrics, and the labels that stand behind them in braces.

use super::text;
use std::collections::{BTreeMap, BTreeSet};

/// Labels that Prometheus or the operator gives.
const GIVEN_LABELS: [&str; 4] = ["job", "instance", "group", "le"];

/// A metric in an expression, with the keys of its selector.
#[derive(Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// Its name, or that of a recording.
    pub name: &'a str,
    /// Labels that it is selected by.
    pub labels: Vec<&'a str>,
}

/// All metrics that an expression names: what begins like one of ours, or is a recording.
pub fn named(expr: &str) -> Vec<Named<'_>> {
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == ':';
    let (mut found, mut rest) = (Vec::new(), expr);
    while let Some(start) = rest.find(is_part) {
        let word = &rest[start..];
        let end = word.find(|it| !is_part(it)).unwrap_or(word.len());
        let (name, after) = word.split_at(end);
        if name.starts_with("tickcast_") || name.starts_with("process_") || name.contains(':') {
            found.push(Named { name, labels: selector(after) });
        }
        rest = after;
    }
    found
}

/// Keys of the braces that follow at once.
fn selector(after: &str) -> Vec<&str> {
    let Some((inside, _)) = after.strip_prefix('{').and_then(|it| it.split_once('}')) else {
        return Vec::new();
    };
    // Values stand in quotes and hold neither commas nor equal signs in our files.
    let keys = inside.split(',').filter_map(|pair| pair.split(['=', '!']).next());
    keys.map(str::trim).filter(|key| !key.is_empty()).collect()
}

/// The metrics of METRICS.md (which is what the program counts by) with their labels, as Prometheus
/// shows them.
pub fn metrics() -> BTreeMap<String, BTreeSet<String>> {
    let document = text("METRICS.md");
    let mut all = BTreeMap::new();
    for line in document.lines().filter(|line| line.starts_with("| `")) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = columns[1].trim_matches('`');
        let labels: BTreeSet<String> =
            columns[4].split(", ").map(|it| it.trim_matches('`').to_owned()).collect();
        for suffix in
            if columns[2] == "histogram" { &["_bucket", "_sum", "_count"][..] } else { &[""] }
        {
            all.insert(format!("{name}{suffix}"), labels.clone());
        }
    }
    assert!(all.len() > 50, "{} metrics in METRICS.md", all.len());
    all
}

/// Checks that everything an expression names is a metric with these labels, or recorded.
///
/// # Panics
/// When something is neither.
pub fn check(expr: &str, recorded: &BTreeSet<String>) {
    let metrics = metrics();
    for Named { name, labels } in named(expr) {
        if recorded.contains(name) {
            continue;
        }
        let known = metrics.get(name).unwrap_or_else(|| panic!("{name} does not exist: {expr}"));
        for label in labels {
            let is_known = known.contains(label) || GIVEN_LABELS.contains(&label);
            assert!(is_known, "{name} has no label {label}: {expr}");
        }
    }
}

#[test]
fn the_scan_finds_names_and_labels() {
    let expr =
        r#"sum by (le) (rate(tickcast_a_total{x="1", y!~"tickcast_b"}[5m])) / a:b:c > process_z"#;
    let named = named(expr);
    let names: Vec<&str> = named.iter().map(|it| it.name).collect();
    assert_eq!(names, ["tickcast_a_total", "tickcast_b", "a:b:c", "process_z"]);
    assert_eq!(named[0].labels, ["x", "y"]);
}

#[test]
#[should_panic(expected = "tickcast_feed_activ does not exist")]
fn a_misspelt_metric_is_found() {
    check("sum(tickcast_feed_activ) == 0", &BTreeSet::new());
}

#[test]
#[should_panic(expected = "tickcast_feed_link_live has no label venue")]
fn a_wrong_label_is_found() {
    check(r#"tickcast_feed_link_live{venue="okx"}"#, &BTreeSet::new());
}
