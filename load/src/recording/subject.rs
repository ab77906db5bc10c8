//! Which messages of an exchange are ticker messages, and of what.

use crate::venue::{Channel, Exchange, LINEAR, bybit_topic, kraken_asset};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    topic: Option<String>,
    subject: Option<String>,
    stream: Option<String>,
    arg: Option<Argument>,
    channel: Option<String>,
    product_id: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    events: Vec<Advanced>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    channel: String,
    inst_id: Option<String>,
}

/// An event of Coinbase's Advanced Trade.
#[derive(Deserialize)]
struct Advanced {
    #[serde(default)]
    tickers: Vec<Product>,
}

#[derive(Deserialize)]
struct Product {
    product_id: String,
}

/// A row of Kraken's `data`.
#[derive(Deserialize)]
struct Row {
    symbol: String,
}

/// Channel and instrument of a ticker message; nothing for any other.
pub(super) fn of(exchange: Exchange, text: &str, addr: &str) -> Option<(Channel, String)> {
    if exchange == Exchange::Kraken && text.starts_with('[') {
        return kraken_v1(text);
    }
    let envelope: Envelope = serde_json::from_str(text).ok()?;
    match exchange {
        Exchange::Kucoin => kucoin(envelope),
        Exchange::Binance => binance(&envelope),
        Exchange::Okx => {
            envelope.data?;
            let argument = envelope.arg.filter(|argument| argument.channel == "tickers")?;
            Some((Channel::Quote, argument.inst_id?))
        }
        Exchange::Coinbase => coinbase(envelope),
        Exchange::Kraken => kraken(&envelope),
        Exchange::Bybit => {
            envelope.data?;
            let topic = envelope.topic?;
            let (channel, name) = bybit_topic(&topic)?;
            // Both markets have the same topics.
            let market = if addr.ends_with("/linear") { LINEAR } else { "" };
            Some((channel, format!("{market}{name}")))
        }
    }
}

fn kucoin(envelope: Envelope) -> Option<(Channel, String)> {
    envelope.data?;
    let topic = envelope.topic?;
    if let Some(name) = topic.strip_prefix("/market/snapshot:") {
        return Some((Channel::Summary, name.to_owned()));
    }
    match topic.strip_prefix("/market/ticker:")? {
        "all" => Some((Channel::Quote, envelope.subject?)),
        name => Some((Channel::Quote, name.to_owned())),
    }
}

fn binance(envelope: &Envelope) -> Option<(Channel, String)> {
    envelope.data?;
    let (name, channel) = envelope.stream.as_deref()?.split_once('@')?;
    let channel = match channel {
        "bookTicker" => Channel::Quote,
        "ticker" => Channel::Summary,
        _ => return None,
    };
    Some((channel, name.to_ascii_uppercase()))
}

/// Either of its two protocols.
fn coinbase(envelope: Envelope) -> Option<(Channel, String)> {
    if envelope.channel.as_deref() == Some("ticker") {
        let product = envelope.events.into_iter().flat_map(|event| event.tickers).next()?;
        return Some((Channel::Quote, product.product_id));
    }
    let is_ticker = envelope.kind.as_deref() == Some("ticker");
    envelope.product_id.filter(|_| is_ticker).map(|product| (Channel::Quote, product))
}

fn kraken(envelope: &Envelope) -> Option<(Channel, String)> {
    let channel = match envelope.channel.as_deref()? {
        "ticker" => Channel::Quote,
        "trade" => Channel::Summary,
        _ => return None,
    };
    let rows: Vec<Row> = serde_json::from_str(envelope.data?.get()).ok()?;
    Some((channel, rows.into_iter().next()?.symbol))
}

/// The old protocol: `[number, {...}, "ticker", "XBT/USD"]`. The pair under its name of today.
fn kraken_v1(text: &str) -> Option<(Channel, String)> {
    let parts: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let [.., channel, pair] = parts.as_slice() else { return None };
    let word = |raw: &RawValue| serde_json::from_str::<String>(raw.get()).ok();
    let pair = word(pair).filter(|_| word(channel).as_deref() == Some("ticker"))?;
    let (base, quote) = pair.split_once('/')?;
    Some((Channel::Quote, format!("{}/{}", kraken_asset(base), kraken_asset(quote))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(name: &str) -> Option<(Channel, String)> {
        Some((Channel::Quote, name.to_owned()))
    }

    #[test]
    fn bybit_markets_are_told_apart_by_the_address() {
        let text = r#"{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT"}}"#;
        let of = |addr| of(Exchange::Bybit, text, addr);
        let summary = |name: &str| Some((Channel::Summary, name.to_owned()));
        assert_eq!(of("wss://stream.bybit.com/v5/public/spot"), summary("BTCUSDT"));
        assert_eq!(of("wss://stream.bybit.com/v5/public/linear"), summary("linear/BTCUSDT"));
    }

    #[test]
    fn both_protocols_of_coinbase_and_kraken_are_known() {
        let exchange = r#"{"type":"ticker","product_id":"BTC-USD","price":"1"}"#;
        let advanced = r#"{"channel":"ticker","events":[{"tickers":[{"product_id":"ETH-USD"}]}]}"#;
        assert_eq!(of(Exchange::Coinbase, exchange, ""), quote("BTC-USD"));
        assert_eq!(of(Exchange::Coinbase, advanced, ""), quote("ETH-USD"));
        let heartbeat = r#"{"type":"heartbeat","product_id":"BTC-USD"}"#;
        assert_eq!(of(Exchange::Coinbase, heartbeat, ""), None);
        let old = r#"[1668,{"a":["1",1,"1"]},"ticker","XBT/CHF"]"#;
        assert_eq!(of(Exchange::Kraken, old, ""), quote("BTC/CHF"));
        let new = r#"{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":1}]}"#;
        assert_eq!(of(Exchange::Kraken, new, ""), quote("BTC/USD"));
        let status = r#"{"channel":"status","type":"update","data":[{"system":"online"}]}"#;
        assert_eq!(of(Exchange::Kraken, status, ""), None);
    }
}
