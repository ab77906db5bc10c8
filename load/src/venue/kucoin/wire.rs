//! KuCoin's messages as text.

use crate::venue::{
    instrument::Instrument,
    tick::{Tick, bare},
};
use serde::Serialize;
use serde_json::{Value, json};

/// The first message of a connection.
pub(in crate::venue) fn welcome(id: &str) -> String {
    json!({"id": id, "type": "welcome"}).to_string()
}

/// The answer to a request that asked for one.
pub(in crate::venue) fn ack(id: &Value) -> String {
    json!({"id": id, "type": "ack"}).to_string()
}

/// The answer to a JSON ping.
pub(in crate::venue) fn pong(id: &Value) -> String {
    json!({"id": id, "type": "pong"}).to_string()
}

/// An error frame.
pub(in crate::venue) fn error(id: &Value, code: u32, data: &str) -> String {
    json!({"id": id, "type": "error", "code": code, "data": data}).to_string()
}

/// The part that stream and REST have in common.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::venue) struct Level1<'a> {
    best_ask: Option<&'a str>,
    best_ask_size: Option<&'a str>,
    best_bid: Option<&'a str>,
    best_bid_size: Option<&'a str>,
    price: Option<&'a str>,
    sequence: Option<String>,
    size: Option<&'a str>,
    time: Option<i64>,
}

impl<'a> Level1<'a> {
    pub(in crate::venue) fn of(tick: &'a Tick) -> Self {
        Self {
            best_ask: tick.ask.as_deref(),
            best_ask_size: tick.ask_qty.as_deref(),
            best_bid: tick.bid.as_deref(),
            best_bid_size: tick.bid_qty.as_deref(),
            price: tick.last.as_deref(),
            sequence: tick.sequence.map(|number| number.to_string()),
            size: tick.last_qty.as_deref(),
            time: tick.time_ms,
        }
    }
}

/// A `/market/ticker` message.
pub(in crate::venue) fn ticker(name: &str, tick: &Tick) -> String {
    #[derive(Serialize)]
    struct Message<'a> {
        topic: String,
        #[serde(rename = "type")]
        kind: &'static str,
        subject: &'static str,
        data: Level1<'a>,
    }
    let message = Message {
        topic: format!("/market/ticker:{name}"),
        kind: "message",
        subject: "trade.ticker",
        data: Level1::of(tick),
    };
    // Strings and numbers only: this cannot fail.
    serde_json::to_string(&message).unwrap_or_default()
}

/// A row of the list of all tickers.
pub(in crate::venue) fn all_ticker(name: &str, tick: &Tick) -> Value {
    json!({
        "symbol": name, "symbolName": name, "buy": tick.bid, "bestBidSize": tick.bid_qty,
        "sell": tick.ask, "bestAskSize": tick.ask_qty, "changeRate": "0", "changePrice": "0",
        "high": tick.high_24h, "low": tick.low_24h, "vol": tick.volume_24h,
        "volValue": tick.quote_volume_24h, "last": tick.last, "averagePrice": tick.last,
        "takerFeeRate": "0.001", "makerFeeRate": "0.001", "takerCoefficient": "1",
        "makerCoefficient": "1",
    })
}

/// The same message as a subscriber of `/market/ticker:all` gets it: the symbol in `subject`.
pub(in crate::venue) fn as_all(text: &str, name: &str) -> String {
    text.replacen(&format!("/market/ticker:{name}"), "/market/ticker:all", 1).replacen(
        "\"trade.ticker\"",
        &format!("\"{name}\""),
        1,
    )
}

/// A `/market/snapshot` message: bare JSON numbers, which keep the digits of their text.
pub(in crate::venue) fn snapshot(
    instrument: Option<&Instrument>,
    name: &str,
    tick: &Tick,
) -> String {
    let bare = |text: &Option<String>| text.as_deref().map_or("null".to_owned(), bare);
    let pair = instrument.and_then(|found| found.pair.as_ref());
    let (base, quote) = pair.map_or(("", ""), |(base, quote)| (base, quote));
    format!(
        concat!(
            r#"{{"topic":"/market/snapshot:{name}","type":"message","subject":"trade.snapshot","#,
            r#""data":{{"sequence":"{sequence}","data":{{"baseCurrency":"{base}","buy":{bid},"#,
            r#""datetime":{time},"high":{high},"lastTradedPrice":{last},"low":{low},"#,
            r#""market":"{quote}","quoteCurrency":"{quote}","sell":{ask},"symbol":"{name}","#,
            r#""symbolCode":"{name}","trading":true,"vol":{volume},"volValue":{turnover}}}}}}}"#
        ),
        name = name,
        sequence = tick.sequence.unwrap_or_default(),
        base = base,
        quote = quote,
        bid = bare(&tick.bid),
        ask = bare(&tick.ask),
        last = bare(&tick.last),
        high = bare(&tick.high_24h),
        low = bare(&tick.low_24h),
        volume = bare(&tick.volume_24h),
        turnover = bare(&tick.quote_volume_24h),
        time = tick.time_ms.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticker_has_the_documented_shape() {
        let mut tick = Tick::quote("BTC-USDT", "67218.6", "67218.7").with_last("67220");
        (tick.sequence, tick.time_ms) = (Some(14_691_455_768), Some(1_729_757_723_612));
        let message: Value = serde_json::from_str(&ticker("BTC-USDT", &tick)).unwrap();
        assert_eq!(message["topic"], "/market/ticker:BTC-USDT");
        assert_eq!(message["data"]["bestBid"], "67218.6");
        assert_eq!(message["data"]["sequence"], "14691455768");
        assert_eq!(message["data"]["time"], 1_729_757_723_612_i64);
    }

    #[test]
    fn the_all_topic_names_the_symbol_in_its_subject() {
        let text = ticker("BTC-USDT", &Tick::quote("BTC-USDT", "1", "2"));
        let message: Value = serde_json::from_str(&as_all(&text, "BTC-USDT")).unwrap();
        assert_eq!(message["topic"], "/market/ticker:all");
        assert_eq!(message["subject"], "BTC-USDT");
    }

    #[test]
    fn snapshot_is_json_with_bare_numbers() {
        let tick = Tick {
            volume_24h: Some("0.00000005300000000000".to_owned()),
            ..Tick::quote("BTC-USDT", "1.50", "2")
        };
        let text = snapshot(None, "BTC-USDT", &tick);
        assert!(text.contains(r#""vol":0.00000005300000000000"#), "{text}");
        let message: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(message["data"]["data"]["symbol"], "BTC-USDT");
    }
}
