//! Kraken's messages as text, with bare JSON numbers.

use crate::venue::{
    rfc3339,
    tick::{Tick, bare},
};
use serde_json::{Value, json};
use std::fmt::Write;

/// The type of a message that follows the first.
pub(in crate::venue) const UPDATE: &str = "update";
/// The type of the first message of a subscription.
pub(in crate::venue) const SNAPSHOT: &str = "snapshot";
/// What comes when nothing else does.
pub(in crate::venue) const HEARTBEAT: &str = r#"{"channel":"heartbeat"}"#;

/// The state of the exchange: `online` on connect, `maintenance` before one.
pub(in crate::venue) fn status(system: &str) -> String {
    json!({"channel": "status", "type": "update", "data": [{
        "version": "2.0.10", "system": system, "api_version": "v2",
        "connection_id": 9_471_984_923_908_980_762_u64,
    }]})
    .to_string()
}

/// The answer to a request, completed by its number and times.
pub(in crate::venue) fn answer(mut answer: Value, id: &Value, time_ms: i64) -> String {
    if !id.is_null() {
        answer["req_id"] = id.clone();
    }
    let time = rfc3339::text(time_ms);
    (answer["time_in"], answer["time_out"]) = (time.as_str().into(), time.as_str().into());
    answer.to_string()
}

/// A `ticker` message. Sides that are not there are 0; other numbers are left out.
pub(in crate::venue) fn ticker(name: &str, tick: &Tick, kind: &str) -> String {
    let mut text = head("ticker", kind, name);
    let or_zero = |text: &Option<String>| text.as_deref().map_or("0".to_owned(), bare);
    let fields = [
        ("bid", Some(or_zero(&tick.bid))),
        ("bid_qty", Some(or_zero(&tick.bid_qty))),
        ("ask", Some(or_zero(&tick.ask))),
        ("ask_qty", Some(or_zero(&tick.ask_qty))),
        ("last", tick.last.as_deref().map(bare)),
        ("volume", tick.volume_24h.as_deref().map(bare)),
        ("low", tick.low_24h.as_deref().map(bare)),
        ("high", tick.high_24h.as_deref().map(bare)),
    ];
    for (key, number) in fields {
        if let Some(number) = number {
            // Writing to a string cannot fail.
            let _ = write!(text, r#","{key}":{number}"#);
        }
    }
    tail(text, tick)
}

/// A `trade` message with the last trade.
pub(in crate::venue) fn trade(name: &str, tick: &Tick, kind: &str) -> String {
    let mut text = head("trade", kind, name);
    let price = bare(tick.last.as_deref().unwrap_or("0"));
    let size = bare(tick.last_qty.as_deref().unwrap_or("0"));
    let number = tick.sequence.unwrap_or_default();
    let _ = write!(
        text,
        r#","side":"buy","price":{price},"qty":{size},"ord_type":"limit","trade_id":{number}"#
    );
    tail(text, tick)
}

fn head(channel: &str, kind: &str, name: &str) -> String {
    format!(r#"{{"channel":"{channel}","type":"{kind}","data":[{{"symbol":"{name}""#)
}

fn tail(mut text: String, tick: &Tick) -> String {
    let time = rfc3339::text(tick.time_ms.unwrap_or_default());
    let _ = write!(text, r#","timestamp":"{time}"}}]}}"#);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticker_has_the_recorded_shape() {
        let mut tick = Tick::quote("USDT-USD", "0.99980", "0.99981").with_last("0.99981");
        tick.volume_24h = Some("270638277.50461281".to_owned());
        tick.time_ms = Some(1_669_852_800_122);
        let expected = concat!(
            r#"{"channel":"ticker","type":"snapshot","data":[{"symbol":"USDT/USD","bid":0.99980,"#,
            r#""bid_qty":1,"ask":0.99981,"ask_qty":1,"last":0.99981,"volume":270638277.50461281,"#,
            r#""timestamp":"2022-12-01T00:00:00.122000Z"}]}"#
        );
        assert_eq!(ticker("USDT/USD", &tick, SNAPSHOT), expected);
    }

    #[test]
    fn trade_and_odd_numbers_are_json() {
        let mut tick = Tick::quote("BTC-USD", "NaN", "").with_last("-1.5");
        tick.bid_qty = None;
        let quote: Value = serde_json::from_str(&ticker("BTC/USD", &tick, UPDATE)).unwrap();
        let row = &quote["data"][0];
        assert_eq!((&row["bid"], &row["ask"]), (&json!("NaN"), &json!("")));
        assert_eq!((&row["bid_qty"], &row["last"]), (&json!(0), &json!(-1.5)));
        let trade: Value = serde_json::from_str(&trade("BTC/USD", &tick, UPDATE)).unwrap();
        assert_eq!(trade["data"][0]["price"], json!(-1.5));
        assert!(trade["data"][0]["trade_id"].is_u64());
    }
}
