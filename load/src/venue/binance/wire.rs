//! Binance's messages as text.

use crate::venue::{subscriptions::Channel, tick::Tick};
use serde::Serialize;
use serde_json::{Value, json};

/// How Binance writes a number that it does not have.
const NOTHING: &str = "0.00000000";

/// The channel and the instrument (upper case) of a stream's name, if it is one of ours.
pub(in crate::venue) fn parse_stream(stream: &str) -> Option<(Channel, String)> {
    let (name, channel) = stream.split_once('@')?;
    let channel = match channel {
        "bookTicker" => Channel::Quote,
        "ticker" => Channel::Summary,
        _ => return None,
    };
    Some((channel, name.to_ascii_uppercase()))
}

/// The answer to a request that was understood.
pub(in crate::venue) fn result(id: &Value) -> String {
    json!({"result": null, "id": id}).to_string()
}

/// The answer to one that was not.
pub(in crate::venue) fn error(id: &Value, code: u32, message: &str) -> String {
    json!({"code": code, "msg": message, "id": id}).to_string()
}

/// What it says shortly before it closes a connection.
pub(in crate::venue) fn server_shutdown(time_ms: i64) -> String {
    json!({"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": time_ms}}).to_string()
}

#[derive(Serialize)]
struct Envelope<T> {
    stream: String,
    data: T,
}

fn envelope(name: &str, channel: &str, data: impl Serialize) -> String {
    let stream = format!("{}@{channel}", name.to_ascii_lowercase());
    // Strings and numbers only: this cannot fail.
    serde_json::to_string(&Envelope { stream, data }).unwrap_or_default()
}

fn or_nothing(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or(NOTHING)
}

/// A `@bookTicker` message.
pub(in crate::venue) fn book_ticker(name: &str, tick: &Tick) -> String {
    #[derive(Serialize)]
    struct Data<'a> {
        u: u64,
        s: &'a str,
        b: &'a str,
        #[serde(rename = "B")]
        bid_qty: &'a str,
        a: &'a str,
        #[serde(rename = "A")]
        ask_qty: &'a str,
    }
    let data = Data {
        u: tick.sequence.unwrap_or_default(),
        s: name,
        b: or_nothing(&tick.bid),
        bid_qty: or_nothing(&tick.bid_qty),
        a: or_nothing(&tick.ask),
        ask_qty: or_nothing(&tick.ask_qty),
    };
    envelope(name, "bookTicker", data)
}

/// A `@ticker` message.
pub(in crate::venue) fn ticker(name: &str, tick: &Tick) -> String {
    let time = tick.time_ms.unwrap_or_default();
    let data = json!({
        "e": "24hrTicker", "E": time, "s": name,
        "c": or_nothing(&tick.last), "Q": or_nothing(&tick.last_qty),
        "b": or_nothing(&tick.bid), "B": or_nothing(&tick.bid_qty),
        "a": or_nothing(&tick.ask), "A": or_nothing(&tick.ask_qty),
        "o": or_nothing(&tick.open_24h), "h": or_nothing(&tick.high_24h),
        "l": or_nothing(&tick.low_24h), "v": or_nothing(&tick.volume_24h),
        "q": or_nothing(&tick.quote_volume_24h),
        "O": time - DAY_MS, "C": time,
    });
    envelope(name, "ticker", data)
}

/// The REST form of the same.
pub(in crate::venue) fn ticker_24hr(name: &str, tick: &Tick) -> Value {
    let time = tick.time_ms.unwrap_or_default();
    json!({
        "symbol": name, "lastPrice": or_nothing(&tick.last), "lastQty": or_nothing(&tick.last_qty),
        "bidPrice": or_nothing(&tick.bid), "bidQty": or_nothing(&tick.bid_qty),
        "askPrice": or_nothing(&tick.ask), "askQty": or_nothing(&tick.ask_qty),
        "openPrice": or_nothing(&tick.open_24h), "highPrice": or_nothing(&tick.high_24h),
        "lowPrice": or_nothing(&tick.low_24h), "volume": or_nothing(&tick.volume_24h),
        "quoteVolume": or_nothing(&tick.quote_volume_24h),
        "openTime": time - DAY_MS, "closeTime": time,
    })
}

/// Milliseconds in 24 hours, the window of the statistics.
const DAY_MS: i64 = 24 * 3600 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn book_ticker_has_the_documented_shape() {
        let tick = Tick::quote("NKN-USDT", "0.35210000", "0.35260000").with_sequence(499_869_768);
        let expected = concat!(
            r#"{"stream":"nknusdt@bookTicker","data":{"u":499869768,"s":"NKNUSDT","#,
            r#""b":"0.35210000","B":"1","a":"0.35260000","A":"1"}}"#
        );
        assert_eq!(book_ticker("NKNUSDT", &tick), expected);
    }

    #[test]
    fn streams_are_read_in_any_case() {
        assert_eq!(parse_stream("btcusdt@ticker"), Some((Channel::Summary, "BTCUSDT".to_owned())));
        assert_eq!(parse_stream("btcusdt@depth"), None);
        assert_eq!(parse_stream("btcusdt"), None);
    }
}
