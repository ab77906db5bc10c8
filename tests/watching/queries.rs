//! The dashboard's queries, as Grafana would send them.

use super::text;
use serde_json::Value;

/// The dashboard.
pub const FILE: &str = "grafana/tickcast.json";
/// What Grafana puts in the place of its variables.
const VARIABLES: [(&str, &str); 3] =
    [("$instance", ".*"), ("$exchange", ".*"), ("$__rate_interval", "1m")];

/// A query and the panel that it stands in.
#[derive(Debug)]
pub struct Query {
    /// The panel's title.
    pub panel: String,
    /// PromQL, without Grafana's variables.
    pub expr: String,
}

/// All of them, those of annotations included.
pub fn all() -> Vec<Query> {
    let dashboard: Value = serde_json::from_str(&text(FILE)).expect("JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut queries = Vec::new();
    for panel in list(&dashboard["panels"]) {
        for target in list(&panel["targets"]) {
            queries.push(query(&panel["title"], &target["expr"]));
        }
    }
    for annotation in list(&dashboard["annotations"]["list"]) {
        queries.push(query(&annotation["name"], &annotation["expr"]));
    }
    queries
}

fn query(panel: &Value, expr: &Value) -> Query {
    let mut expr = expr.as_str().expect("an expression").to_owned();
    for (variable, value) in VARIABLES {
        expr = expr.replace(variable, value);
    }
    Query { panel: panel.as_str().unwrap_or_default().to_owned(), expr }
}
