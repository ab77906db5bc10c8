//! Each layer overrides the one below, and each mistake is one line that helps.

use super::{ConfigError, Override, layer::Layer, load};
use serde::{Deserialize, Serialize};
use std::{io::Write, net::SocketAddr};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Settings {
    redis_url: String,
    feed: Feed,
    gateway: Gateway,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Feed {
    exchange: Vec<Exchange>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Exchange {
    name: String,
    symbols: Vec<String>,
    #[serde(default)]
    ws_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Gateway {
    listen: SocketAddr,
    trusted_proxies: Vec<String>,
    compress: bool,
    limits: Limits,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Limits {
    max_topics: u64,
    heartbeat_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let redis_url = "redis://127.0.0.1:6379".into();
        Self { redis_url, feed: Feed::default(), gateway: Gateway::default() }
    }
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            trusted_proxies: Vec::new(),
            compress: false,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_topics: 1024, heartbeat_ms: 20_000 }
    }
}

fn sample() -> Settings {
    let exchange = Exchange {
        name: "kucoin".into(),
        symbols: vec!["BTC-USDT".into()],
        ws_url: Some("wss://venue.example".into()),
    };
    let mut sample = Settings::default();
    sample.feed.exchange.push(exchange);
    sample.gateway.trusted_proxies.push("10.0.0.0/8".into());
    sample
}

type Variables<'a> = &'a [(&'a str, &'a str)];

fn read(
    text: &str,
    variables: Variables<'_>,
    flags: Vec<Override>,
) -> Result<Settings, ConfigError> {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    load(&sample(), Some(file.path()), variables, flags, &[])
}

/// The message without the temporary file's folder.
fn mistake(text: &str, variables: Variables<'_>, flags: Vec<Override>) -> String {
    let message = read(text, variables, flags).unwrap_err().to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message.rsplit_once(".toml").map_or(message.clone(), |(_, rest)| format!("file{rest}"))
}

fn listen(value: &str) -> Vec<Override> {
    vec![Override { flag: "--listen", key: "gateway.listen", value: value.into() }]
}

#[test]
fn without_anything_the_defaults_hold() {
    assert_eq!(read("", &[], vec![]).unwrap(), Settings::default());
}

#[test]
fn flags_override_the_environment_and_that_the_file() {
    let text = "[gateway]\nlisten = '127.0.0.1:1'\n[gateway.limits]\nmax_topics = 5\n";
    let port = |variables, flags| read(text, variables, flags).unwrap().gateway.listen.port();
    let variable = [("TICKCAST_GATEWAY__LISTEN", "127.0.0.1:2")];
    assert_eq!(port(&[], vec![]), 1);
    assert_eq!(port(&variable, vec![]), 2);
    assert_eq!(port(&variable, listen("127.0.0.1:3")), 3);
    let limits = read(text, &variable, vec![]).unwrap().gateway.limits;
    assert_eq!(limits, Limits { max_topics: 5, ..Limits::default() });
}

#[test]
fn the_environment_sets_every_kind_of_value() {
    let variables = [
        ("HOME", "/root"),
        ("TICKCAST_LOG", "debug"),
        ("TICKCAST_REDIS_URL", "redis://other"),
        ("TICKCAST_GATEWAY__COMPRESS", "true"),
        ("TICKCAST_GATEWAY__TRUSTED_PROXIES", "10.0.0.0/8, 192.168.0.0/16"),
        ("TICKCAST_GATEWAY__LIMITS__MAX_TOPICS", "7"),
        ("TICKCAST_FEED__EXCHANGE__0__NAME", "okx"),
        ("TICKCAST_FEED__EXCHANGE__0__SYMBOLS", "BTC-USDT,ETH-USDT"),
    ];
    let settings = read("", &variables, vec![]).unwrap();
    assert_eq!(settings.redis_url, "redis://other");
    assert!(settings.gateway.compress);
    assert_eq!(settings.gateway.trusted_proxies, ["10.0.0.0/8", "192.168.0.0/16"]);
    assert_eq!(settings.gateway.limits.max_topics, 7);
    assert_eq!(settings.feed.exchange[0].name, "okx");
    assert_eq!(settings.feed.exchange[0].symbols, ["BTC-USDT", "ETH-USDT"]);
}

#[test]
fn a_list_given_by_flag_replaces_the_files() {
    let text = "[[feed.exchange]]\nname = 'okx'\nsymbols = []\n[[feed.exchange]]\nname = 'kraken'\nsymbols = []\n";
    let value = serde_json::json!([{"name": "kucoin", "symbols": ["BTC-USDT"]}]);
    let flag = Override { flag: "--exchange", key: "feed.exchange", value };
    let exchanges = read(text, &[], vec![flag]).unwrap().feed.exchange;
    assert_eq!(exchanges.len(), 1);
    assert_eq!(exchanges[0].name, "kucoin");
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    for (text, wanted) in [
        (
            "\n[gateway]\nlistn = 'x'",
            "file:3: unknown key gateway.listn; the nearest known one is gateway.listen",
        ),
        ("listen = 'x'", "file:1: unknown key listen; the nearest known one is gateway.listen"),
        (
            "[gateway]\nmax_topics = 5",
            "file:2: unknown key gateway.max_topics; the nearest known one is gateway.limits.max_topics",
        ),
        ("[gatway]\nlisten = 'x'", "file:1: unknown key gatway; the nearest known one is gateway"),
        (
            "[[feed.exchange]]\nname='a'\nsymbols=[]\n[[feed.exchange]]\nnme = 'a'",
            "file:5: unknown key feed.exchange[1].nme; the nearest known one is feed.exchange[1].name",
        ),
    ] {
        assert_eq!(mistake(text, &[], vec![]), wanted);
    }
}

#[test]
fn a_table_may_have_names_of_the_users_choice() {
    let known = serde_json::json!({"plans": {"*": {"max_topics": 5}}});
    let layer = |text: &str| Layer::of_text("file".into(), text.into()).unwrap();
    super::known::check(&layer("[plans.pro]\nmax_topics = 1\n"), &known).unwrap();
    let error = super::known::check(&layer("[plans.pro]\nmax_topic = 1\n"), &known).unwrap_err();
    assert_eq!(
        error.to_string(),
        "file:2: unknown key plans.pro.max_topic; the nearest known one is plans.pro.max_topics"
    );
}

#[test]
fn an_unknown_variable_names_the_variable_that_was_meant() {
    assert_eq!(
        mistake("", &[("TICKCAST_GATWAY__LISTEN", "x")], vec![]),
        "TICKCAST_GATWAY__LISTEN: unknown key gatway.listen; \
         the nearest known one is gateway.listen (TICKCAST_GATEWAY__LISTEN)"
    );
}

#[test]
fn wrong_values_say_what_would_be_right() {
    for (text, wanted) in [
        (
            "[gateway.limits]\nmax_topics = 'many'",
            "file:2: gateway.limits.max_topics = \"many\" does not fit: \
             expected a whole number, 0 or more, for example 1024",
        ),
        (
            "[gateway.limits]\nmax_topics = -1",
            "file:2: gateway.limits.max_topics = -1 does not fit: \
             expected a whole number, 0 or more, for example 1024",
        ),
        (
            "[gateway]\nlisten = '8080'",
            "file:2: gateway.listen = \"8080\" does not fit: \
             invalid socket address syntax, for example \"127.0.0.1:8080\"",
        ),
        (
            "[gateway]\ncompress = 1",
            "file:2: gateway.compress = 1 does not fit: expected true or false, for example false",
        ),
        (
            "[[feed.exchange]]\nname = 'okx'\nsymbols = 'BTC-USDT'",
            "file:3: feed.exchange[0].symbols = \"BTC-USDT\" does not fit: \
             expected a list, for example [\"BTC-USDT\"]",
        ),
        ("gateway = 5", "file:1: gateway = 5 does not fit: expected a table of settings"),
        (
            "[[feed.exchange]]\nsymbols = []",
            "file:1: feed.exchange[0].name is missing, for example \"kucoin\"",
        ),
    ] {
        assert_eq!(mistake(text, &[], vec![]), wanted);
    }
}

#[test]
fn a_wrong_value_names_the_layer_it_came_from() {
    let text = "[gateway]\nlisten = '127.0.0.1:1'\n";
    let message = mistake(text, &[("TICKCAST_GATEWAY__LIMITS__MAX_TOPICS", "x")], vec![]);
    assert!(
        message.starts_with("TICKCAST_GATEWAY__LIMITS__MAX_TOPICS: gateway.limits.max_topics = "),
        "{message}"
    );
    let message = mistake(text, &[("TICKCAST_GATEWAY__LISTEN", "127.0.0.1:2")], listen("here"));
    assert!(message.starts_with("--listen: gateway.listen = \"here\""), "{message}");
}

#[test]
fn broken_toml_names_file_and_line() {
    let message = mistake("a = 1\n[gateway\nlisten = 1\n", &[], vec![]);
    assert!(message.starts_with("file:2: not TOML: "), "{message}");
    assert!(mistake("a = 1\na = 2\n", &[], vec![]).starts_with("file:2: not TOML: "));
}

#[test]
fn a_file_that_was_named_must_exist() {
    let folder = tempfile::tempdir().unwrap();
    let error = Layer::of_file(Some(&folder.path().join("missing.toml"))).unwrap_err();
    assert!(error.to_string().contains("missing.toml: cannot be read: "), "{error}");
}

#[test]
fn secrets_stay_out_of_messages() {
    for (text, start) in [
        ("redis_url = ['redis://me:hush@host']", "file:1: redis_url = "),
        (
            "[gateway]\nlisten = { secret = 'hush' }",
            "file:2: gateway.listen = {\"secret\":\"***\"}",
        ),
    ] {
        let message = mistake(text, &[], vec![]);
        assert!(message.starts_with(start) && !message.contains("hush"), "{message}");
    }
}
