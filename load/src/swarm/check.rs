//! What must hold for every message, whatever the load: `--check`.

use serde_json::{Map, Value};
use tickcast_shared::market::{Channel, Topic};

/// Keys of a ticker, all of which are always present.
const TICKER_KEYS: [&str; 22] = [
    "topic",
    "exchange",
    "symbol",
    "last_price",
    "bid_price",
    "bid_qty",
    "ask_price",
    "ask_qty",
    "open_24h",
    "high_24h",
    "low_24h",
    "volume_24h",
    "quote_volume_24h",
    "state",
    "source",
    "simulated",
    "exchange_ts",
    "trade_ts",
    "received_ts",
    "published_ts",
    "epoch",
    "seq",
];
/// Keys that hold a decimal as text, or null.
const DECIMALS: [&str; 10] = [
    "last_price",
    "bid_price",
    "bid_qty",
    "ask_price",
    "ask_qty",
    "open_24h",
    "high_24h",
    "low_24h",
    "volume_24h",
    "quote_volume_24h",
];
/// Keys that hold microseconds, or null.
const TIMES: [&str; 3] = ["exchange_ts", "trade_ts", "received_ts"];
/// States that a ticker may have.
const STATES: [&str; 4] = ["pending", "live", "stale", "halted"];

/// What is wrong with a message, if anything.
pub(super) fn fault_of(message: &[u8]) -> Option<String> {
    let value: Value = match serde_json::from_slice(message) {
        Ok(value) => value,
        Err(error) => return Some(format!("not JSON: {error}")),
    };
    let Value::Object(object) = &value else { return Some("not a JSON object".to_owned()) };
    match object.get("type").and_then(Value::as_str) {
        Some("ticker") => ticker(object),
        Some("kline" | "klines") => topic(object, Channel::Kline),
        Some(_) => None,
        None => Some("no type".to_owned()),
    }
}

fn ticker(object: &Map<String, Value>) -> Option<String> {
    if let Some(key) = TICKER_KEYS.iter().find(|key| !object.contains_key(**key)) {
        return Some(format!("{key} is missing"));
    }
    if let Some(key) = DECIMALS.iter().find(|key| !is_decimal_or_null(&object[**key])) {
        return Some(format!("{key} is no plain decimal: {}", object[*key]));
    }
    if let Some(key) = TIMES.iter().find(|key| !object[**key].is_null() && !object[**key].is_i64())
    {
        return Some(format!("{key} is no time: {}", object[*key]));
    }
    if let Some(key) = ["published_ts", "epoch", "seq"].iter().find(|key| !object[**key].is_u64()) {
        return Some(format!("{key} is no count: {}", object[*key]));
    }
    let state = object["state"].as_str().unwrap_or_default();
    if !STATES.contains(&state) {
        return Some(format!("unknown state {}", object["state"]));
    }
    if !matches!(object["source"].as_str(), Some("stream" | "poll")) {
        return Some(format!("unknown source {}", object["source"]));
    }
    let quoted = !object["bid_price"].is_null() && !object["ask_price"].is_null();
    if state == "live" && object["last_price"].is_null() && !quoted {
        return Some("live without a price".to_owned());
    }
    topic(object, Channel::Ticker)
}

fn topic(object: &Map<String, Value>, channel: Channel) -> Option<String> {
    let text = object.get("topic").and_then(Value::as_str).unwrap_or_default();
    let Ok(topic) = text.parse::<Topic>() else { return Some(format!("bad topic {text:?}")) };
    let part_differs = |key: &str, part: &str| object.get(key).is_some_and(|value| value != part);
    if topic.channel() != channel {
        Some(format!("{text} in a message of another type"))
    } else if part_differs("exchange", topic.exchange()) || part_differs("symbol", topic.symbol()) {
        Some(format!("exchange or symbol differ from the topic {text}"))
    } else {
        None
    }
}

/// Digits with at most one point between them: no sign, no exponent.
fn is_decimal_or_null(value: &Value) -> bool {
    let Value::String(text) = value else { return value.is_null() };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    is_number(whole) && is_number(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "type": "ticker", "topic": "ticker:kucoin:BTC-USDT", "exchange": "kucoin",
            "symbol": "BTC-USDT", "last_price": "67220", "bid_price": "67218.6",
            "bid_qty": "0.01045638", "ask_price": "67218.7", "ask_qty": "1.92318539",
            "open_24h": null, "high_24h": null, "low_24h": null, "volume_24h": null,
            "quote_volume_24h": null, "state": "live", "source": "stream", "simulated": false,
            "exchange_ts": null, "trade_ts": 1_729_757_723_612_000_i64,
            "received_ts": 1_729_757_723_655_123_i64, "published_ts": 1_729_757_723_655_301_i64,
            "epoch": 1_729_757_700_001_i64, "seq": 1042
        })
    }

    #[test]
    fn accepts_the_documented_ticker() {
        assert_eq!(fault_of(good().to_string().as_bytes()), None);
        assert_eq!(fault_of(br#"{"type":"synced","id":null}"#), None);
    }

    #[test]
    fn names_what_is_wrong() {
        let cases = [
            ("last_price", json!("6.7e4"), "last_price"),
            ("bid_price", json!(67218.6), "bid_price"),
            ("ask_qty", json!("-1"), "ask_qty"),
            ("state", json!("fresh"), "state"),
            ("seq", json!("1042"), "seq"),
            ("symbol", json!("ETH-USDT"), "differ"),
            ("topic", json!("kline:kucoin:BTC-USDT:1m"), "another type"),
        ];
        for (key, value, named) in cases {
            let mut message = good();
            message[key] = value;
            let fault = fault_of(message.to_string().as_bytes()).unwrap();
            assert!(fault.contains(named), "{key}: {fault}");
        }
        let mut message = good();
        message.as_object_mut().unwrap().remove("ask_price");
        assert_eq!(fault_of(message.to_string().as_bytes()).unwrap(), "ask_price is missing");
        for bytes in [&b"{\"type\":"[..], b"[]", b"{}", b"\xff"] {
            assert!(fault_of(bytes).is_some());
        }
    }

    #[test]
    fn a_live_ticker_has_a_price() {
        let mut message = good();
        message["last_price"] = Value::Null;
        assert_eq!(fault_of(message.to_string().as_bytes()), None);
        message["bid_price"] = Value::Null;
        assert_eq!(fault_of(message.to_string().as_bytes()).unwrap(), "live without a price");
    }
}
