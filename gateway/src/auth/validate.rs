//! What is wrong with the settings of `[gateway.auth]` and `[gateway.plans]`.

use super::{
    config::{ApiKeyConfig, AuthConfig, JwtAlgorithm, JwtConfig, PlanConfig, Plans},
    grant, keys,
};
use crate::config::BadValue;
use std::collections::BTreeSet;
use tickcast_shared::{market::ExchangeId, protocol::MAX_INTERVAL_MS};
use url::Url;

/// Clocks that differ by more are to be set, not to be put up with.
const MAX_LEEWAY_SECONDS: u64 = 60;

/// Checks what types cannot.
///
/// # Errors
/// [`BadValue`] names the first key that is wrong.
pub fn check(auth: &AuthConfig, plans: &Plans, exchange: &ExchangeId) -> Result<(), BadValue> {
    if auth.required == Some(true) && !auth.is_configured() {
        let right = "without [[gateway.auth.api_key]], api_keys_file or [[gateway.auth.jwt]] \
                     nobody could come in";
        return Err(bad("gateway.auth.required", "true", right));
    }
    for (name, plan) in plans {
        check_plan(name, plan, exchange)?;
    }
    let mut names = BTreeSet::new();
    for (at, key) in auth.api_key.iter().enumerate() {
        check_key(&format!("gateway.auth.api_key[{at}]"), key, plans, exchange)?;
        if !names.insert(&key.name) {
            let right = "another key has this name";
            return Err(bad(format!("gateway.auth.api_key[{at}].name"), quoted(&key.name), right));
        }
    }
    let mut jwts = auth.jwt.iter().enumerate();
    jwts.try_for_each(|(at, jwt)| check_jwt(&format!("gateway.auth.jwt[{at}]"), jwt))
}

fn check_plan(name: &str, plan: &PlanConfig, exchange: &ExchangeId) -> Result<(), BadValue> {
    let key = |field| format!("gateway.plans.{name}.{field}");
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(is_name) {
        let right = "a plan's name has lower-case letters, digits, - and _ only";
        return Err(bad("gateway.plans", quoted(name), right));
    }
    if plan.max_topics == Some(0) {
        return Err(bad(key("max_topics"), "0", "at least 1"));
    }
    if plan.commands_per_second.is_some_and(|rate| rate > 0) && plan.command_burst == Some(0) {
        return Err(bad(key("command_burst"), "0", "at least 1"));
    }
    if let Some(interval) = plan.min_interval_ms.filter(|interval| *interval > MAX_INTERVAL_MS) {
        let right = "0 to 3600000 milliseconds";
        return Err(bad(key("min_interval_ms"), interval.to_string(), right));
    }
    check_topics(&key("topics"), plan.topics.as_deref(), exchange)
}

fn check_key(
    at: &str,
    key: &ApiKeyConfig,
    plans: &Plans,
    exchange: &ExchangeId,
) -> Result<(), BadValue> {
    if key.name.is_empty() {
        return Err(bad(format!("{at}.name"), "\"\"", "a name, so that logs can say whose it is"));
    }
    if keys::digest_of_hex(&key.sha256).is_none() {
        // What stands there by mistake may be the key itself.
        let right = "the 64 hexadecimal digits that printf %s \"$KEY\" | sha256sum prints";
        return Err(bad(format!("{at}.sha256"), "***", right));
    }
    check_topics(&format!("{at}.topics"), key.topics.as_deref(), exchange)?;
    match &key.plan {
        Some(plan) if !plans.contains_key(plan) => {
            Err(bad(format!("{at}.plan"), quoted(plan), known_plans(plans)))
        }
        _ => Ok(()),
    }
}

/// What a plan's name can be.
pub(super) fn known_plans(plans: &Plans) -> String {
    match plans.is_empty() {
        true => "no plan is configured; add [gateway.plans.NAME]".to_owned(),
        false => {
            let names: Vec<&str> = plans.keys().map(String::as_str).collect();
            format!("the plans are {}", names.join(", "))
        }
    }
}

fn check_topics(
    key: &str,
    topics: Option<&[String]>,
    exchange: &ExchangeId,
) -> Result<(), BadValue> {
    let Some(topics) = topics else { return Ok(()) };
    if topics.is_empty() {
        return Err(bad(key, "[]", "at least one pattern; without this key, all topics"));
    }
    match topics.iter().find(|text| grant::pattern(text, exchange).is_none()) {
        None => Ok(()),
        Some(text) => {
            let right = "topics or patterns such as \"ticker:*:BTC-USDT\" or \"*-USDT\"";
            Err(bad(key, quoted(text), right))
        }
    }
}

fn check_jwt(at: &str, jwt: &JwtConfig) -> Result<(), BadValue> {
    let fitting: &[&str] = match jwt.algorithm {
        JwtAlgorithm::HS256 => &["secret", "secret_file"],
        _ => &["public_key_file", "jwks_file", "jwks_url"],
    };
    let sources = jwt.sources();
    match sources[..] {
        [source] if fitting.contains(&source) => {}
        _ => {
            let name = jwt.algorithm.name();
            let right = format!("{name} needs exactly one of {}", fitting.join(", "));
            let given = if sources.is_empty() { "no key".into() } else { sources.join(" and ") };
            return Err(bad(at, given, right));
        }
    }
    for (field, text) in [("issuer", &jwt.issuer), ("audience", &jwt.audience)] {
        if text.is_empty() {
            return Err(bad(format!("{at}.{field}"), "\"\"", "what the tokens must say"));
        }
    }
    if jwt.leeway_seconds > MAX_LEEWAY_SECONDS {
        let value = jwt.leeway_seconds.to_string();
        return Err(bad(format!("{at}.leeway_seconds"), value, "0 to 60 seconds"));
    }
    if let Some(kid) = &jwt.kid
        && sources[0].starts_with("jwks")
    {
        let right = "a key set names its keys itself; leave this out";
        return Err(bad(format!("{at}.kid"), quoted(kid), right));
    }
    if let Some(secret) = &jwt.secret
        && secret.expose().len() < keys::MIN_SECRET_BYTES
    {
        return Err(bad(format!("{at}.secret"), "***", keys::SECRET_TOO_SHORT));
    }
    match &jwt.jwks_url {
        Some(url) if !is_web_address(url) => {
            let right = "an address such as \"https://issuer.example/.well-known/jwks.json\"";
            Err(bad(format!("{at}.jwks_url"), quoted(url), right))
        }
        _ => Ok(()),
    }
}

fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn bad(key: impl Into<String>, value: impl Into<String>, right: impl Into<String>) -> BadValue {
    BadValue { key: key.into().into(), value: value.into(), right: right.into().into() }
}
