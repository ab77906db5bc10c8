//! The table of all metrics, as the recorder and operators are given it.

use std::fmt::Write;
use tickcast_shared::metric::{Row, table};

/// What a feed counts. What every role counts stands in `shared`.
pub const FEED: &[Row] = tickcast_feed::metrics::TABLE;
/// What a gateway counts.
pub const GATEWAY: &[Row] = tickcast_gateway::metrics::table::TABLE;

/// What stands above the tables.
const HEAD: &str = "\
# Metrics

Written by `tickcast metrics`; the tables are those that the program counts by. Every role shows its
own on `/metrics` of its admin listener (feed `127.0.0.1:9091`; gateway `127.0.0.1:9090`, of the unit
tickcast-gateway@8080 `127.0.0.1:18080`) in the text format of Prometheus. `exchange`, `state`,
`reason` and the like are names of the program or of its configuration; nothing that a client sends
becomes a label.

A series with labels appears when its first event does. A histogram `x` is shown as `x_bucket`,
`x_sum` and `x_count`.
";

/// The whole document, in Markdown.
pub fn document() -> String {
    let sections = [
        ("Feed", "`tickcast feed`, `run` and `demo`", FEED),
        ("Gateway", "`tickcast gateway`, `run` and `demo`", GATEWAY),
        ("Every role", "all of them", table::TABLE),
    ];
    let mut text = HEAD.to_owned();
    for (title, roles, rows) in sections {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\n## {title}\n\nShown by: {roles}.\n\n\
             | metric | kind | unit | labels | what it tells |\n|---|---|---|---|---|\n"
        );
        rows.iter().for_each(|row| text.push_str(&line(row)));
    }
    text
}

fn line(row: &Row) -> String {
    let labels: Vec<String> = row.labels.iter().map(|label| format!("`{label}`")).collect();
    let (kind, unit, labels) = (row.kind.as_str(), row.unit(), labels.join(", "));
    format!("| `{}` | {kind} | {unit} | {labels} | {} |\n", row.name, row.meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use tickcast_shared::metric::Kind;

    fn all() -> impl Iterator<Item = &'static Row> {
        [FEED, GATEWAY, table::TABLE].into_iter().flatten()
    }

    #[test]
    fn the_document_is_the_table() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docker-less-deploy/METRICS.md");
        let written = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            written == document(),
            "docker-less-deploy/METRICS.md is out of date; write it anew: \
             cargo run -q -- metrics > docker-less-deploy/METRICS.md"
        );
    }

    /// <https://prometheus.io/docs/practices/naming/>
    #[test]
    fn names_follow_prometheus() {
        for row in all() {
            let Row { name, kind, labels, meaning } = *row;
            let lower = |text: &str| text.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
            assert!(lower(name) && labels.iter().all(|label| lower(label)), "{name} {labels:?}");
            assert!(name.starts_with("tickcast_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), kind == Kind::Counter, "{name}");
            assert!(!labels.iter().any(|it| ["le", "job", "instance"].contains(it)), "{name}");
            if let Kind::Histogram(_) = kind {
                assert_eq!(row.unit(), "seconds", "{name}");
            }
            for unit in ["ms", "millis", "micros", "kib", "mib", "percent"] {
                assert!(!name.split('_').any(|part| part == unit), "{name}: base units only");
            }
            let is_a_line = !meaning.is_empty() && !meaning.contains(['\n', '|']);
            assert!(is_a_line && !meaning.ends_with('.'), "{name}: {meaning}");
        }
    }

    #[test]
    fn a_name_is_declared_once() {
        let names: BTreeSet<&str> = all().map(|row| row.name).collect();
        assert_eq!(names.len(), all().count());
    }
}
