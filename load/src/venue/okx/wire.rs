//! OKX's messages as text.

use crate::venue::tick::Tick;
use serde::Serialize;
use serde_json::{Value, json};

/// Names the connection in answers; the simulator has one for all.
const CONNECTION_ID: &str = "51ca7ed0";

/// The answer to one argument of a request.
pub(in crate::venue) fn event(id: Option<&str>, event: &str, argument: &Value) -> String {
    with_id(id, json!({"event": event, "arg": argument, "connId": CONNECTION_ID}))
}

/// A refusal.
pub(in crate::venue) fn error(id: Option<&str>, code: &str, message: &str) -> String {
    with_id(id, json!({"event": "error", "code": code, "msg": message, "connId": CONNECTION_ID}))
}

/// What it says a minute before it closes a connection.
pub(in crate::venue) fn closing_soon() -> String {
    let message = "The connection will soon be closed for a service upgrade. Please reconnect.";
    json!({"event": "notice", "code": "64008", "msg": message, "connId": CONNECTION_ID}).to_string()
}

/// How OKX says that an argument leads nowhere.
pub(in crate::venue) fn no_such(argument: &Value) -> String {
    let text = |key: &str| argument[key].as_str().unwrap_or_default();
    format!("Wrong URL or channel:{},instId:{} doesn't exist.", text("channel"), text("instId"))
}

fn with_id(id: Option<&str>, mut message: Value) -> String {
    if let Some(id) = id {
        message["id"] = id.into();
    }
    message.to_string()
}

/// One entry of `data`, the same on the stream and by REST.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::venue) struct Entry<'a> {
    inst_type: &'static str,
    inst_id: &'a str,
    last: &'a str,
    last_sz: &'a str,
    ask_px: &'a str,
    ask_sz: &'a str,
    bid_px: &'a str,
    bid_sz: &'a str,
    open24h: &'a str,
    high24h: &'a str,
    low24h: &'a str,
    vol_ccy24h: &'a str,
    vol24h: &'a str,
    ts: String,
}

impl<'a> Entry<'a> {
    pub(in crate::venue) fn of(name: &'a str, tick: &'a Tick) -> Self {
        let or_empty = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
        Self {
            inst_type: "SPOT",
            inst_id: name,
            last: or_empty(&tick.last),
            last_sz: or_empty(&tick.last_qty),
            ask_px: or_empty(&tick.ask),
            ask_sz: or_empty(&tick.ask_qty),
            bid_px: or_empty(&tick.bid),
            bid_sz: or_empty(&tick.bid_qty),
            open24h: or_empty(&tick.open_24h),
            high24h: or_empty(&tick.high_24h),
            low24h: or_empty(&tick.low_24h),
            vol_ccy24h: or_empty(&tick.quote_volume_24h),
            vol24h: or_empty(&tick.volume_24h),
            ts: tick.time_ms.unwrap_or_default().to_string(),
        }
    }
}

/// A message of the `tickers` channel.
pub(in crate::venue) fn ticker(name: &str, tick: &Tick) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Argument<'a> {
        channel: &'static str,
        inst_id: &'a str,
    }
    #[derive(Serialize)]
    struct Message<'a> {
        arg: Argument<'a>,
        data: [Entry<'a>; 1],
    }
    let arg = Argument { channel: "tickers", inst_id: name };
    // Strings only: this cannot fail.
    serde_json::to_string(&Message { arg, data: [Entry::of(name, tick)] }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticker_has_the_documented_shape() {
        let mut tick = Tick::quote("BTC-USDT", "30228.6", "30228.7").with_last("30236");
        (tick.bid, tick.time_ms) = (None, Some(1_652_459_224_956));
        let message: Value = serde_json::from_str(&ticker("BTC-USDT", &tick)).unwrap();
        assert_eq!(message["arg"], json!({"channel": "tickers", "instId": "BTC-USDT"}));
        let entry = &message["data"][0];
        for key in ["instType", "lastSz", "askPx", "bidSz", "open24h", "volCcy24h", "vol24h"] {
            assert!(entry[key].is_string(), "{key}: {entry}");
        }
        assert_eq!((&entry["bidPx"], &entry["ts"]), (&json!(""), &json!("1652459224956")));
    }
}
