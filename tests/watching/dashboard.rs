//! The dashboard: importable, every panel with a unit and an explanation, every query of what exists.

use super::{names, promtool, queries, rules, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn dashboard() -> Value {
    serde_json::from_str(&text(queries::FILE)).expect("JSON")
}

#[test]
fn queries_name_what_exists() {
    let recorded = rules::recorded(&rules::all());
    let queries = queries::all();
    assert!(queries.len() > 40, "{} queries", queries.len());
    for query in &queries {
        names::check(&query.expr, &recorded);
    }
    let variables = &dashboard()["templating"]["list"];
    for variable in variables.as_array().expect("a list") {
        names::check(variable["definition"].as_str().unwrap_or_default(), &recorded);
    }
}

/// As rules, since promtool has no other way to read an expression.
#[test]
fn promtool_takes_every_query() {
    let queries = queries::all();
    let rules: Vec<Value> = (queries.iter().enumerate())
        .map(|(number, query)| json!({"record": format!("query_{number}"), "expr": query.expr}))
        .collect();
    let file = tempfile::NamedTempFile::new().expect("a file");
    let group = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    std::fs::write(file.path(), group.to_string()).expect("written");
    promtool(&["check", "rules"], file.path());
}

#[test]
fn it_can_be_imported_anywhere() {
    let dashboard = dashboard();
    assert!(dashboard["id"].is_null(), "an id belongs to one Grafana");
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 36));
    let mut sources = Vec::new();
    collect_sources(&dashboard, &mut sources);
    assert!(sources.len() > 40, "{} data sources", sources.len());
    assert!(sources.iter().all(|uid| uid == "${datasource}"), "{sources:?}");
    let variables = dashboard["templating"]["list"].as_array().expect("a list");
    let names: Vec<&str> = variables.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["datasource", "instance", "exchange"]);
}

fn collect_sources(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(uid) = map.get("datasource").and_then(|it| it["uid"].as_str()) {
                found.push(uid.to_owned());
            }
            map.values().for_each(|it| collect_sources(it, found));
        }
        Value::Array(list) => list.iter().for_each(|it| collect_sources(it, found)),
        _ => {}
    }
}

#[test]
fn every_panel_has_its_place_a_unit_and_an_explanation() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("panels");
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    let mut rows = Vec::new();
    for panel in panels {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{title}: its id is taken");
        let side = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(x < 24 && taken.insert((x, y)), "{title} covers another panel");
            }
        }
        if panel["type"] == "row" {
            rows.push(title);
            continue;
        }
        let says = |pointer: &str| {
            panel.pointer(pointer).and_then(Value::as_str).is_some_and(|it| !it.is_empty())
        };
        assert!(says("/fieldConfig/defaults/unit"), "{title} has no unit");
        assert!(says("/description"), "{title} has no explanation");
        let targets = panel["targets"].as_array().expect("queries");
        let refs: BTreeSet<_> = targets.iter().map(|it| it["refId"].as_str()).collect();
        assert!(!targets.is_empty() && refs.len() == targets.len(), "{title}: its queries");
    }
    assert!(rows.len() > 5 && rows.iter().all(|row| row.ends_with('?')), "questions: {rows:?}");
}
