//! The servers that this program describes itself: Tickcast's gateway and the bare loop.

use super::{
    publish::{EXCHANGE, Plan},
    server::{Need, Publish, ServerSpec},
    side::{BusKind, Side},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// Name of Tickcast's gateway in a scenario.
pub const TICKCAST: &str = "tickcast";
/// Name of the bare loop.
pub const LIMIT: &str = "limit";
/// The exchange that a simulated venue plays.
const FEED_EXCHANGE: &str = "kucoin";

/// Names of a side's topics, as its server knows them.
#[must_use]
pub fn topics(side: &Side) -> Vec<String> {
    let exchange = match (side.server.as_str(), side.bus) {
        (TICKCAST, BusKind::Direct) => format!("ticker:{}:", EXCHANGE),
        (TICKCAST, BusKind::Feed) => format!("ticker:{FEED_EXCHANGE}:"),
        _ => String::new(),
    };
    symbols(side).map(|symbol| format!("{exchange}{symbol}")).collect()
}

fn symbols(side: &Side) -> impl Iterator<Item = String> {
    (0..side.topics.count).map(|number| format!("T{number}-USDT"))
}

/// What a side publishes, in payloads of that size.
#[must_use]
pub fn plan(side: &Side, size: usize) -> Plan {
    let (rate, together) = (side.topics.rate, side.topics.together);
    Plan { topics: topics(side), rate, together, size }
}

/// Tickcast's gateway with a configuration file that the side's `[gateway]` is merged into.
#[must_use]
pub fn tickcast(program: &Path, side: &Side, threads: usize) -> ServerSpec {
    let (exchange, publish) = match side.bus {
        BusKind::Direct => (EXCHANGE, Publish::Bus),
        BusKind::Feed => (FEED_EXCHANGE, Publish::Feed),
    };
    let mut gateway = Table::new();
    let text = |text: &str| Value::String(text.to_owned());
    gateway.insert("listen".to_owned(), text("{host}:{port}"));
    gateway.insert("admin_listen".to_owned(), text("127.0.0.1:{admin_port}"));
    gateway.insert("default_exchange".to_owned(), text(exchange));
    gateway.insert("shards".to_owned(), Value::Integer(i64::try_from(threads).unwrap_or(0)));
    gateway.extend(side.gateway.clone());
    let mut config = Table::new();
    config.insert("redis_url".to_owned(), text("redis://127.0.0.1:{redis_port}"));
    config.insert("gateway".to_owned(), Value::Table(gateway));
    let last = symbols(side).last().unwrap_or_default();
    // One that asks for tokens answers nothing but its own health without.
    let (ready, ready_says) = match side.gateway.contains_key("auth") {
        true => ("http://127.0.0.1:{admin_port}/readyz".to_owned(), ""),
        false => {
            let price = format!("/v1/price/{last}?exchange={exchange}");
            (format!("http://{{host}}:{{port}}{price}"), r#""state":"live""#)
        }
    };
    let program = program.to_string_lossy().into_owned();
    let words = ["gateway", "--config", "{dir}/gateway-{instance}.toml", "--log-level", "warn"];
    ServerSpec {
        name: side.label.clone(),
        version: vec![program.clone(), "--version".to_owned()],
        needs: vec![Need::Redis],
        start: std::iter::once(program).chain(words.map(str::to_owned)).collect(),
        env: BTreeMap::new(),
        files: BTreeMap::from([("gateway-{instance}.toml".to_owned(), config.to_string())]),
        ready,
        ready_says: ready_says.to_owned(),
        url: "ws://{host}:{port}/ws".to_owned(),
        subprotocol: None,
        hello: Vec::new(),
        subscribed: None,
        replies: BTreeMap::new(),
        publish,
        here: PathBuf::from("."),
    }
}

/// The bare loop, writing as many messages as all topics together have updates.
#[must_use]
pub fn limit(program: &Path, side: &Side) -> ServerSpec {
    let rate = u64::from(side.topics.rate) * side.topics.count as u64;
    let program = program.to_string_lossy().into_owned();
    let rate = rate.max(1).to_string();
    let words = ["limit", "--listen", "127.0.0.1:{port}", "--size", "{size}", "--rate", &rate];
    ServerSpec {
        name: side.label.clone(),
        version: vec![program.clone(), "--version".to_owned()],
        needs: Vec::new(),
        start: std::iter::once(program).chain(words.map(str::to_owned)).collect(),
        env: BTreeMap::new(),
        files: BTreeMap::new(),
        ready: "tcp".to_owned(),
        ready_says: String::new(),
        url: "ws://127.0.0.1:{port}/".to_owned(),
        subprotocol: None,
        hello: Vec::new(),
        subscribed: None,
        replies: BTreeMap::new(),
        publish: Publish::Own,
        here: PathBuf::from("."),
    }
}

/// Configuration of a feed that is connected to a simulated venue at that address.
#[must_use]
pub fn feed_config(side: &Side, redis_port: u16, admin_port: u16, venue: &str) -> String {
    let symbols: Vec<String> = symbols(side).map(|symbol| format!("{symbol:?}")).collect();
    format!(
        "redis_url = \"redis://127.0.0.1:{redis_port}\"\n\
         [feed]\nadmin_listen = \"127.0.0.1:{admin_port}\"\n\
         [[feed.exchange]]\nname = \"{FEED_EXCHANGE}\"\nsymbols = [{}]\nrest_url = \"{venue}\"\n",
        symbols.join(", ")
    )
}

/// Arguments of the simulated venue for that feed.
#[must_use]
pub fn venue_words(side: &Side) -> Vec<String> {
    let (symbols, rate) = (symbols(side).collect::<Vec<_>>().join(","), side.topics.rate.max(1));
    let words = ["venue", "--exchange", FEED_EXCHANGE, "--listen", "127.0.0.1:0", "--stamp"];
    let values = ["--symbols".to_owned(), symbols, "--rate".to_owned(), rate.to_string()];
    words.into_iter().map(str::to_owned).chain(values).collect()
}
