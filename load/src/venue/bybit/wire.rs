//! Bybit's messages as text.

use crate::venue::{subscriptions::Channel, tick::Tick};
use serde_json::{Value, json};

/// Names the connection in answers; the simulator has one for all.
const CONNECTION_ID: &str = "d9avt8shteepr00gfc1g-4zd1x";
/// What stands before the name of an instrument of the linear market in a catalogue: topics do not
/// tell it from the spot pair of the same name, the connection's path does.
pub(crate) const LINEAR: &str = "linear/";

/// The channel and the instrument of a topic, if it is one of ours.
pub(crate) fn parse_topic(topic: &str) -> Option<(Channel, &str)> {
    let quote = topic.strip_prefix("orderbook.1.").map(|name| (Channel::Quote, name));
    quote.or_else(|| topic.strip_prefix("tickers.").map(|name| (Channel::Summary, name)))
}

/// The answer to a request.
pub(in crate::venue) fn answer(op: &str, id: Option<&str>, success: bool, message: &str) -> String {
    let answer =
        json!({"success": success, "ret_msg": message, "conn_id": CONNECTION_ID, "op": op});
    with_id(id, answer)
}

/// The answer to a ping on the linear market; that on spot is like any other answer.
pub(in crate::venue) fn linear_pong(id: Option<&str>, time_ms: i64) -> String {
    let args = [time_ms.to_string()];
    with_id(id, json!({"op": "pong", "args": args, "conn_id": CONNECTION_ID}))
}

fn with_id(id: Option<&str>, mut message: Value) -> String {
    if let Some(id) = id {
        message["req_id"] = id.into();
    }
    message.to_string()
}

/// A message of `orderbook.1`: the best level of each side, if there is one.
pub(in crate::venue) fn book(name: &str, tick: &Tick) -> String {
    let level = |price: &Option<String>, size: &Option<String>| match price {
        Some(price) => json!([[price, size.as_deref().unwrap_or("0")]]),
        None => json!([]),
    };
    let (time, sequence) = (tick.time_ms.unwrap_or_default(), tick.sequence.unwrap_or_default());
    json!({
        "topic": format!("orderbook.1.{name}"), "ts": time, "type": "snapshot",
        "data": {
            "s": name, "b": level(&tick.bid, &tick.bid_qty), "a": level(&tick.ask, &tick.ask_qty),
            "u": sequence, "seq": sequence,
        },
        "cts": time,
    })
    .to_string()
}

/// A message of `tickers` on the spot market, which knows no quotes.
pub(in crate::venue) fn ticker(name: &str, tick: &Tick) -> String {
    json!({
        "topic": format!("tickers.{name}"), "ts": tick.time_ms.unwrap_or_default(),
        "type": "snapshot", "cs": tick.sequence.unwrap_or_default(),
        "data": {
            "symbol": name, "lastPrice": or_empty(&tick.last),
            "highPrice24h": or_empty(&tick.high_24h), "lowPrice24h": or_empty(&tick.low_24h),
            "prevPrice24h": or_empty(&tick.open_24h), "volume24h": or_empty(&tick.volume_24h),
            "turnover24h": or_empty(&tick.quote_volume_24h), "price24hPcnt": "0.0015",
            "usdIndexPrice": or_empty(&tick.last),
        },
    })
    .to_string()
}

/// The REST form of both.
pub(in crate::venue) fn rest_ticker(name: &str, tick: &Tick) -> Value {
    json!({
        "symbol": name, "bid1Price": or_empty(&tick.bid), "bid1Size": or_empty(&tick.bid_qty),
        "ask1Price": or_empty(&tick.ask), "ask1Size": or_empty(&tick.ask_qty),
        "lastPrice": or_empty(&tick.last), "prevPrice24h": or_empty(&tick.open_24h),
        "price24hPcnt": "0.0015", "highPrice24h": or_empty(&tick.high_24h),
        "lowPrice24h": or_empty(&tick.low_24h), "turnover24h": or_empty(&tick.quote_volume_24h),
        "volume24h": or_empty(&tick.volume_24h), "usdIndexPrice": or_empty(&tick.last),
    })
}

fn or_empty(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick() -> Tick {
        let mut tick = Tick::quote("BTC-USDT", "65140.4", "65140.5").with_last("65140.5");
        (tick.sequence, tick.time_ms) = (Some(112_488), Some(1_786_310_819_126));
        tick.volume_24h = Some("2953.835931".to_owned());
        tick
    }

    #[test]
    fn ticker_has_the_recorded_shape() {
        let message: Value = serde_json::from_str(&ticker("BTCUSDT", &tick())).unwrap();
        assert_eq!(
            (&message["topic"], &message["type"]),
            (&json!("tickers.BTCUSDT"), &json!("snapshot"))
        );
        assert_eq!(message["data"]["volume24h"], "2953.835931");
        assert!(message["cs"].is_u64() && message["data"]["bid1Price"].is_null());
    }

    #[test]
    fn book_has_one_level_or_none() {
        let mut tick = tick();
        tick.ask = None;
        let message: Value = serde_json::from_str(&book("BTCUSDT", &tick)).unwrap();
        let data = &message["data"];
        assert_eq!((&data["b"], &data["a"]), (&json!([["65140.4", "1"]]), &json!([])));
        assert_eq!((&data["u"], &message["ts"]), (&json!(112_488), &json!(1_786_310_819_126_i64)));
    }

    #[test]
    fn topics_name_a_channel_and_an_instrument() {
        assert_eq!(parse_topic("tickers.BTCUSDT"), Some((Channel::Summary, "BTCUSDT")));
        assert_eq!(parse_topic("orderbook.1.BTCUSDT"), Some((Channel::Quote, "BTCUSDT")));
        assert_eq!(parse_topic("orderbook.50.BTCUSDT"), None);
    }
}
