//! Coinbase's messages as text.

use crate::venue::{rfc3339, tick::Tick};
use serde_json::{Value, json};

/// How Coinbase writes a number that it does not have.
const NOTHING: &str = "0";

/// The list of all that a connection has subscribed to, in the form of the Exchange protocol.
pub(in crate::venue) fn subscriptions(tickers: &[&str], heartbeats: &[&str]) -> String {
    let row = |name: &str, products: &[&str]| json!({"name": name, "product_ids": products, "account_ids": null});
    let rows = [("ticker", tickers), ("heartbeat", heartbeats)];
    let rows = rows.iter().filter(|(_, products)| !products.is_empty());
    let channels: Vec<Value> = rows.map(|(name, products)| row(name, products)).collect();
    json!({"type": "subscriptions", "channels": channels}).to_string()
}

/// The same in the form of Advanced Trade, which numbers the messages of a connection.
pub(in crate::venue) fn advanced_subscriptions(
    tickers: &[&str],
    time_ms: i64,
    number: u64,
) -> String {
    json!({
        "channel": "subscriptions", "timestamp": rfc3339::text(time_ms), "sequence_num": number,
        "events": [{"subscriptions": {"ticker": tickers}}],
    })
    .to_string()
}

/// A refusal.
pub(in crate::venue) fn error(message: &str, reason: &str) -> String {
    json!({"type": "error", "message": message, "reason": reason}).to_string()
}

/// The sign of life of a product.
pub(in crate::venue) fn heartbeat(product: &str, sequence: u64, time_ms: i64) -> String {
    json!({
        "type": "heartbeat", "last_trade_id": sequence, "product_id": product,
        "sequence": sequence, "time": rfc3339::text(time_ms),
    })
    .to_string()
}

/// A `ticker` message.
pub(in crate::venue) fn ticker(name: &str, tick: &Tick) -> String {
    let sequence = tick.sequence.unwrap_or_default();
    json!({
        "type": "ticker", "sequence": sequence, "product_id": name,
        "price": or_nothing(&tick.last), "open_24h": or_nothing(&tick.open_24h),
        "volume_24h": or_nothing(&tick.volume_24h), "low_24h": or_nothing(&tick.low_24h),
        "high_24h": or_nothing(&tick.high_24h), "volume_30d": or_nothing(&tick.volume_24h),
        "best_bid": or_nothing(&tick.bid), "best_bid_size": or_nothing(&tick.bid_qty),
        "best_ask": or_nothing(&tick.ask), "best_ask_size": or_nothing(&tick.ask_qty),
        "side": "buy", "time": rfc3339::text(tick.time_ms.unwrap_or_default()),
        "trade_id": sequence, "last_size": or_nothing(&tick.last_qty),
    })
    .to_string()
}

/// The REST form of the same.
pub(in crate::venue) fn rest_ticker(tick: &Tick) -> Value {
    json!({
        "ask": or_nothing(&tick.ask), "bid": or_nothing(&tick.bid),
        "volume": or_nothing(&tick.volume_24h), "trade_id": tick.sequence.unwrap_or_default(),
        "price": or_nothing(&tick.last), "size": or_nothing(&tick.last_qty),
        "time": rfc3339::text(tick.time_ms.unwrap_or_default()), "rfq_volume": "0",
    })
}

fn or_nothing(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or(NOTHING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticker_has_the_documented_shape() {
        let mut tick = Tick::quote("BTC-USD", "17165.15", "17167.76").with_last("17165.16");
        (tick.sequence, tick.time_ms) = (Some(50_978_628_538), Some(1_669_852_800_122));
        let message: Value = serde_json::from_str(&ticker("BTC-USD", &tick)).unwrap();
        let keys = [
            "type",
            "product_id",
            "price",
            "open_24h",
            "volume_24h",
            "low_24h",
            "high_24h",
            "volume_30d",
            "best_bid",
            "best_bid_size",
            "best_ask",
            "best_ask_size",
            "side",
            "time",
            "last_size",
        ];
        for key in keys {
            assert!(message[key].is_string(), "{key}: {message}");
        }
        assert_eq!(message["sequence"], 50_978_628_538_u64);
        assert_eq!(message["time"], "2022-12-01T00:00:00.122000Z");
    }

    #[test]
    fn subscriptions_lists_what_there_is() {
        let list: Value = serde_json::from_str(&subscriptions(&["BTC-USD"], &[])).unwrap();
        assert_eq!(list["channels"].as_array().unwrap().len(), 1);
        assert_eq!(list["channels"][0]["product_ids"], json!(["BTC-USD"]));
    }
}
