//! Every key of the configuration is either followed while running or named as waiting for a restart.

use super::*;
use serde_json::{Value, json};

/// Keys that are followed while running; everything else is to wait. A `*` stands for a name or a
/// place in a list.
const FOLLOWED: [&str; 13] = [
    "log_level",
    "feed.exchange.*.symbols",
    "feed.max_symbols",
    "gateway.default_exchange",
    "gateway.allowed_origins",
    "gateway.allow_missing_origin",
    "gateway.trusted_proxies",
    "gateway.forwarded_header",
    "gateway.deflate",
    "gateway.metrics_topics",
    "gateway.limits.",
    "gateway.auth.",
    "gateway.plans.",
];

fn is_followed(key: &str) -> bool {
    FOLLOWED.iter().any(|known| match known.split_once('*') {
        Some((start, end)) => key.starts_with(start) && key.ends_with(end),
        None if known.ends_with('.') => key.starts_with(known),
        None => key == *known,
    })
}

/// Every leaf of the sample with the place where it stands.
fn leaves(at: &[String], value: &Value, all: &mut Vec<Vec<String>>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(table) if !table.is_empty() => {
            table.iter().map(|(name, member)| (name.clone(), member)).collect()
        }
        Value::Array(list) if list.first().is_some_and(Value::is_object) => {
            list.iter().enumerate().map(|(at, member)| (at.to_string(), member)).collect()
        }
        _ => return all.push(at.to_vec()),
    };
    for (name, member) in members {
        leaves(&[at, &[name]].concat(), member, all);
    }
}

/// Candidates for another value of the same kind.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(it) => vec![json!(!it)],
        Value::Number(it) => vec![json!(it.as_u64().unwrap_or(0) + 1)],
        Value::Array(_) => vec![json!([]), json!(["1m"])],
        Value::String(it) => ["json", "forwarded", "ES256", "okx", "127.0.0.1:7", "2/3"]
            .map(|other| json!(other))
            .into_iter()
            .filter(|other| other != it)
            .collect(),
        _ => vec![json!(7)],
    }
}

fn changed(sample: &Value, at: &[String], other: Value) -> Option<Config> {
    let mut tree = sample.clone();
    let pointer: String = at.iter().map(|step| format!("/{step}")).collect();
    *tree.pointer_mut(&pointer)? = other;
    serde_json::from_value(tree).ok()
}

#[test]
fn every_key_is_followed_or_named_as_waiting() {
    let sample = Config::sample();
    let tree = serde_json::to_value(&sample).unwrap();
    let mut all = Vec::new();
    leaves(&[], &tree, &mut all);
    assert!(all.len() > 70, "the sample has all keys: {}", all.len());
    for at in all {
        let pointer: String = at.iter().map(|step| format!("/{step}")).collect();
        let value = tree.pointer(&pointer).unwrap();
        // A secret is never shown, and noticed by other means: see `has_new_keys`.
        if at.last().is_some_and(|name| name == "secret") {
            continue;
        }
        let wanted = others(value).into_iter().find_map(|it| changed(&tree, &at, it));
        let wanted = wanted.unwrap_or_else(|| panic!("no other value for {at:?} = {value}"));
        let keys = changed_keys(&sample, &wanted).unwrap();
        assert!(!keys.is_empty(), "{at:?} is not seen to change");
        let in_force = sample.followed_by(&wanted);
        let waiting = changed_keys(&in_force, &wanted).unwrap();
        let applied = changed_keys(&sample, &in_force).unwrap();
        if at.starts_with(&["feed".into(), "exchange".into()]) && at.ends_with(&["name".into()]) {
            // Another name is one exchange that comes, and one that goes.
            assert!(waiting.is_empty() && applied == keys, "{waiting:?}");
            continue;
        }
        for key in &keys {
            assert!(
                applied.contains(key) != waiting.contains(key),
                "{key}: {applied:?} {waiting:?}"
            );
            assert_eq!(applied.contains(key), is_followed(key), "{key}: {applied:?} {waiting:?}");
        }
    }
}

#[test]
fn what_waits_goes_on_waiting_until_it_is_taken_back() {
    let start = Config::default();
    let mut wanted = start.clone();
    wanted.redis_url = "redis://other".into();
    wanted.gateway.limits.max_topics = 5;
    let first = start.followed_by(&wanted);
    assert_eq!(first.gateway.limits.max_topics, 5);
    assert_eq!(first.redis_url, start.redis_url);
    let second = first.followed_by(&wanted);
    assert_eq!(changed_keys(&second, &wanted).unwrap(), ["redis_url"]);
    assert!(changed_keys(&second.followed_by(&start), &start).unwrap().is_empty());
}

#[test]
fn a_role_looks_at_its_own_sections_only() {
    use clap::Parser;
    let command = |args: &[&str]| cli::Cli::try_parse_from(args).unwrap().command;
    let (feed, gateway) = (command(&["t", "feed"]), command(&["t", "gateway"]));
    for (key, of_feed, of_gateway) in [
        ("feed.group", true, false),
        ("gateway.listen", false, true),
        ("redis_url", true, true),
        ("log_level", true, true),
    ] {
        assert_eq!((concerns(&feed, key), concerns(&gateway, key)), (of_feed, of_gateway), "{key}");
    }
    assert!(!concerns(&command(&["t", "run"]), "redis_url"));
}
