//! The `[feed]` section turned into what it asks for, or into a list of its mistakes.

use super::{ConfigError, ConfigErrors, ExchangeConfig, FeedConfig, Partition, Selection};
use crate::exchange::{ALL, Addresses, Exchange, by_name};
use std::collections::HashSet;
use tickcast_shared::market::{ExchangeId, Symbol};
use url::Url;

/// Longest group name, in bytes: it is part of Redis keys.
const MAX_GROUP_BYTES: usize = 32;

/// What to connect to at one exchange.
#[derive(Debug, Clone)]
pub struct VenuePlan {
    /// Its protocol.
    pub exchange: &'static dyn Exchange,
    /// Its name in topics.
    pub id: ExchangeId,
    /// Its symbols.
    pub selection: Selection,
    /// How many symbols the patterns among them may expand to.
    pub max_symbols: usize,
    /// Where it is reached.
    pub addresses: Addresses,
    /// Whether it is known to be a simulator before it says so.
    pub simulated: bool,
}

impl VenuePlan {
    /// Leaves out what belongs to other parts.
    fn keep(&mut self, partition: Partition) {
        self.selection.keep(partition, &self.id);
    }
}

pub(super) fn plan(config: &FeedConfig) -> Result<Vec<VenuePlan>, ConfigErrors> {
    let mut errors = Vec::new();
    if config.exchange.is_empty() {
        errors.push(ConfigError::NoExchange);
    }
    if !is_group(&config.group) {
        errors.push(ConfigError::BadGroup { value: config.group.clone() });
    }
    if let Some(value) = &config.partition
        && let Err(wanted) = value.parse::<Partition>()
    {
        errors.push(ConfigError::BadPartition { value: value.clone(), wanted });
    }
    if let Some(key) = config.timing.zero_key() {
        errors.push(ConfigError::NoTime { key });
    }
    let mut names = HashSet::new();
    let mut plans: Vec<VenuePlan> = Vec::new();
    for (at, entry) in config.exchange.iter().enumerate() {
        let key = format!("feed.exchange[{at}]");
        if !names.insert(entry.name.as_str()) {
            let value = entry.name.clone();
            errors.push(ConfigError::DuplicateExchange { key: format!("{key}.name"), value });
        }
        plans.extend(venue(&key, entry, config.max_symbols, &mut errors));
    }
    let partition = config.partition();
    plans.iter_mut().for_each(|plan| plan.keep(partition));
    if errors.is_empty() { Ok(plans) } else { Err(ConfigErrors(errors)) }
}

fn venue(
    key: &str,
    entry: &ExchangeConfig,
    max_symbols: usize,
    errors: &mut Vec<ConfigError>,
) -> Option<VenuePlan> {
    let selection = selection(key, &entry.symbols, errors);
    for (key, value, schemes, wanted) in [
        (
            format!("{key}.rest_url"),
            &entry.rest_url,
            ["http", "https"],
            "http:// or https:// and a host",
        ),
        (format!("{key}.ws_url"), &entry.ws_url, ["ws", "wss"], "ws:// or wss:// and a host"),
    ] {
        if let Some(value) = value
            && !is_address(value, schemes)
        {
            errors.push(ConfigError::BadAddress { key, value: value.clone(), wanted });
        }
    }
    let Some((exchange, id)) = by_name(&entry.name).zip(entry.name.parse().ok()) else {
        errors.push(ConfigError::UnknownExchange {
            key: format!("{key}.name"),
            value: entry.name.clone(),
            known: ALL.map(Exchange::name).join(", "),
        });
        return None;
    };
    errors.extend(misanswered(key, exchange, &entry.symbols));
    let own = exchange.addresses();
    let rest = entry.rest_url.as_deref().unwrap_or(&own.rest);
    let ws = own.ws.as_deref().map(|own| entry.ws_url.as_deref().unwrap_or(own));
    let (addresses, simulated) = (Addresses::new(rest, ws), entry.simulated);
    Some(VenuePlan { exchange, id, selection, max_symbols, addresses, simulated })
}

fn selection(key: &str, texts: &[String], errors: &mut Vec<ConfigError>) -> Selection {
    if texts.is_empty() {
        errors.push(ConfigError::NoSymbols { key: format!("{key}.symbols") });
    }
    let (selection, wrong) = Selection::parse(texts);
    errors.extend(wrong.into_iter().map(|at| ConfigError::BadSymbol {
        key: format!("{key}.symbols[{at}]"),
        value: texts[at].clone(),
        such_as: meant(&texts[at]),
    }));
    selection
}

/// The symbols that their exchange answers with the data of others (`truth.md` 5).
fn misanswered(key: &str, exchange: &dyn Exchange, texts: &[String]) -> Vec<ConfigError> {
    let mistake = |(at, text): (usize, &String)| {
        let instead = exchange.answered_with(&text.parse().ok()?)?;
        Some(ConfigError::AnsweredWith {
            key: format!("{key}.symbols[{at}]"),
            value: text.clone(),
            exchange: exchange.name(),
            instead: instead.to_string(),
        })
    };
    texts.iter().enumerate().filter_map(mistake).collect()
}

/// The symbol that a misspelt text probably means.
fn meant(text: &str) -> String {
    let tidy = text.trim().to_ascii_uppercase().replace(['/', '_', ' '], "-");
    tidy.parse::<Symbol>().map_or_else(|_| "BTC-USDT".to_owned(), |symbol| symbol.to_string())
}

fn is_address(text: &str, schemes: [&str; 2]) -> bool {
    Url::parse(text).is_ok_and(|url| {
        schemes.contains(&url.scheme())
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

fn is_group(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=MAX_GROUP_BYTES).contains(&text.len()) && text.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, symbols: &[&str]) -> ExchangeConfig {
        ExchangeConfig {
            name: name.into(),
            symbols: symbols.iter().map(|text| (*text).to_owned()).collect(),
            ..ExchangeConfig::default()
        }
    }

    fn mistakes(exchange: Vec<ExchangeConfig>) -> Vec<String> {
        let config = FeedConfig { exchange, ..FeedConfig::default() };
        let errors = config.plan().expect_err("should be refused");
        errors.to_string().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_sound_section_becomes_a_plan() {
        let mut okx = entry("okx", &["BTC-USDT", "BTC-USDT"]);
        okx.ws_url = Some("ws://127.0.0.1:7000/".into());
        let exchange = vec![entry("kucoin", &["ETH-USDT"]), okx];
        let plan = FeedConfig { exchange, ..FeedConfig::default() }.plan().unwrap();
        assert_eq!(plan[0].addresses.rest, "https://api.kucoin.com");
        assert_eq!(plan[1].selection.symbols.len(), 1);
        assert_eq!(plan[1].addresses.ws.as_deref(), Some("ws://127.0.0.1:7000"));
    }

    #[test]
    fn every_mistake_names_key_value_and_what_is_right() {
        assert!(mistakes(vec![])[0].contains("--exchange kucoin=BTC-USDT"));
        assert_eq!(
            mistakes(vec![entry("mtgox", &["btc/usdt"])]),
            [
                r#"feed.exchange[0].symbols[0] = "btc/usdt" is not a symbol; write BASE-QUOTE in upper case, such as BTC-USDT"#,
                r#"feed.exchange[0].name = "mtgox" is not a known exchange; known are kucoin, binance, okx, coinbase, kraken, bybit"#,
            ]
        );
        assert_eq!(
            mistakes(vec![entry("okx", &["A-B"]), entry("okx", &[])]),
            [
                r#"feed.exchange[1].name = "okx" stands there already; put all its symbols into one entry"#,
                "feed.exchange[1].symbols is empty; name at least one symbol, such as BTC-USDT",
            ]
        );
    }

    #[test]
    fn a_symbol_that_is_answered_with_another_ones_data_is_refused() {
        assert_eq!(
            mistakes(vec![entry("coinbase", &["USDT-USDC", "BTC-USDC", "BTC-USD"])]),
            [
                r#"feed.exchange[0].symbols[1] = "BTC-USDC" is answered with the data of BTC-USD by coinbase; write BTC-USD"#
            ]
        );
    }

    #[test]
    fn an_address_needs_the_right_scheme_and_a_host() {
        for bad in ["127.0.0.1:80", "ws://127.0.0.1", "http://", "http://x/?a=1"] {
            let mut okx = entry("okx", &["A-B"]);
            okx.rest_url = Some(bad.into());
            let found = mistakes(vec![okx]);
            assert!(found[0].contains("feed.exchange[0].rest_url") && found[0].contains(bad));
        }
    }

    #[test]
    fn parts_share_the_symbols_of_every_exchange_out() {
        let symbols: Vec<String> = (0..60).map(|n| format!("S{n}-USDT")).collect();
        let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
        let exchange = vec![entry("okx", &symbols), entry("kucoin", &symbols)];
        let taken = |partition: &str| {
            let partition = Some(partition.to_owned());
            let config =
                FeedConfig { exchange: exchange.clone(), partition, ..FeedConfig::default() };
            let plans = config.plan().unwrap();
            assert_eq!(
                plans[0].selection.symbols, plans[1].selection.symbols,
                "an index has all its sources"
            );
            (config.bus_group(), plans[0].selection.symbols.clone())
        };
        let (group, mut all) = taken("1/2");
        let (other, rest) = taken("2/2");
        assert_eq!((group.as_str(), other.as_str()), ("main-1of2", "main-2of2"));
        assert!(!all.is_empty() && !rest.is_empty());
        all.extend(rest);
        all.sort();
        let mut wanted: Vec<Symbol> = symbols.iter().map(|text| text.parse().unwrap()).collect();
        wanted.sort();
        assert_eq!(all, wanted);
    }

    #[test]
    fn groups_and_times_are_checked() {
        let config = FeedConfig { group: "Main!".into(), ..FeedConfig::default() };
        assert!(
            config.plan().unwrap_err().0.contains(&ConfigError::BadGroup { value: "Main!".into() })
        );
        let config = FeedConfig { partition: Some("3/2".into()), ..FeedConfig::default() };
        let errors = config.plan().unwrap_err().to_string();
        let wanted = r#"feed.partition = "3/2" is not a part of the symbols; write K/N with 1 <= K <= N <= 64, such as 1/3"#;
        assert!(errors.contains(wanted), "{errors}");
        let mut config = FeedConfig::default();
        config.timing.ack_ms = 0;
        assert!(config.plan().unwrap_err().0.contains(&ConfigError::NoTime { key: "ack_ms" }));
    }
}
