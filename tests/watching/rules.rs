//! The rules: well-formed, of metrics that exist, each alert proven to fire and explained.

use super::{deploy, names, promtool, text};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const RULES: &str = "prometheus/prometheus-rules.yml";
/// Minutes, and days.
const PROOFS: [&str; 2] =
    ["prometheus/prometheus-rules.test.yml", "prometheus/prometheus-rules.day.test.yml"];

#[derive(Debug, Deserialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

/// A recording or an alert.
#[derive(Debug, Deserialize)]
pub struct Rule {
    /// The recording's name.
    pub record: Option<String>,
    /// The alert's name.
    pub alert: Option<String>,
    /// PromQL.
    pub expr: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Proof {
    tests: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    input_series: Vec<Series>,
    #[serde(default)]
    promql_expr_test: Vec<Expected>,
}

#[derive(Debug, Deserialize)]
struct Series {
    series: String,
}

#[derive(Debug, Deserialize)]
struct Expected {
    exp_samples: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
struct Sample {
    labels: String,
}

/// All rules, in the order of the file.
pub fn all() -> Vec<Rule> {
    let file: File = serde_saphyr::from_str(&text(RULES)).expect("rules");
    file.groups.into_iter().flat_map(|group| group.rules).collect()
}

/// Names of recordings.
pub fn recorded(rules: &[Rule]) -> BTreeSet<String> {
    rules.iter().filter_map(|rule| rule.record.clone()).collect()
}

fn cases() -> Vec<Case> {
    let proofs = PROOFS.map(|file| serde_saphyr::from_str::<Proof>(&text(file)).expect(file));
    proofs.into_iter().flat_map(|proof| proof.tests).collect()
}

#[test]
fn promtool_takes_rules_and_configuration() {
    promtool(&["check", "rules"], &deploy(RULES));
    promtool(&["check", "config"], &deploy("prometheus/prometheus.yml"));
}

#[test]
fn alerts_fire_when_they_should_and_only_then() {
    promtool(&["test", "rules"], &deploy(PROOFS[0]));
}

#[test]
fn the_unusual_of_a_day_is_found() {
    promtool(&["test", "rules"], &deploy(PROOFS[1]));
}

#[test]
fn rules_name_what_exists() {
    let rules = all();
    let recorded = recorded(&rules);
    for rule in &rules {
        names::check(&rule.expr, &recorded);
    }
    let used = |name: &String| {
        let dashboard = text("grafana/tickcast.json");
        let in_rules = rules.iter().flat_map(|rule| names::named(&rule.expr));
        in_rules.map(|it| it.name).any(|it| it == name) || dashboard.contains(name.as_str())
    };
    let idle: Vec<&String> = recorded.iter().filter(|name| !used(name)).collect();
    assert!(idle.is_empty(), "recorded for nobody: {idle:?}");
}

#[test]
fn every_alert_is_proven() {
    let cases = cases();
    let fires = |name: &str| {
        let label = format!("alertname=\"{name}\"");
        let mut samples = cases
            .iter()
            .flat_map(|case| &case.promql_expr_test)
            .flat_map(|expected| &expected.exp_samples);
        samples.any(|sample| sample.labels.contains(&label))
    };
    let alerts: Vec<String> = all().into_iter().filter_map(|rule| rule.alert).collect();
    assert!(alerts.len() > 30, "{} alerts", alerts.len());
    for alert in alerts {
        assert!(fires(&alert), "no case in which {alert} fires");
    }
}

/// A calm case in which an alert's metrics are missing would prove nothing for it.
#[test]
fn the_calm_cases_know_every_metric_of_the_rules() {
    let cases = cases();
    let calm = cases.iter().filter(|case| case.name.starts_with("calm"));
    let known: BTreeSet<&str> = calm
        .flat_map(|case| &case.input_series)
        .filter_map(|input| input.series.split('{').next())
        .collect();
    let rules = all();
    let recorded = recorded(&rules);
    for rule in &rules {
        for name in names::named(&rule.expr).into_iter().map(|it| it.name) {
            assert!(recorded.contains(name) || known.contains(name), "{name} is in no calm case");
        }
    }
}

#[test]
fn every_alert_says_what_to_do() {
    let runbook = text("RUNBOOK.md");
    let mut sections = BTreeMap::new();
    for section in runbook.split("\n### ").skip(1) {
        let (title, body) = section.split_once('\n').expect("a title");
        sections.insert(title, body.split("\n## ").next().unwrap_or_default().trim());
    }
    for rule in all() {
        let Some(alert) = rule.alert else { continue };
        let severity = rule.labels.get("severity").map(String::as_str);
        assert!(matches!(severity, Some("critical" | "warning" | "info")), "{alert}: {severity:?}");
        for key in ["summary", "description"] {
            assert!(rule.annotations.get(key).is_some_and(|it| it.len() > 20), "{alert}: {key}");
        }
        let anchor = format!("RUNBOOK.md#{}", alert.to_lowercase());
        assert_eq!(rule.annotations.get("runbook"), Some(&anchor), "{alert}");
        let body = sections.remove(alert.as_str());
        assert!(body.is_some_and(|body| body.len() > 40), "{alert} has no paragraph");
    }
    assert!(sections.is_empty(), "of no alert: {:?}", sections.keys());
}

#[test]
fn the_example_watches_what_the_rules_look_for() {
    let config: Value =
        serde_saphyr::from_str(&text("prometheus/prometheus.yml")).expect("configuration");
    let scrapes = config["scrape_configs"].as_array().expect("a list");
    let jobs: Vec<&str> = scrapes.iter().filter_map(|job| job["job_name"].as_str()).collect();
    assert_eq!(jobs, ["feed", "gateway"]);
    assert_eq!(config["rule_files"][0], "prometheus-rules.yml");
}
