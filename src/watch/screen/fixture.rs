//! Messages for the tests of the screen.

use super::market::Market;
use crate::watch::message::{Belief, Quote, Welcome};
use serde_json::json;
use tickcast_shared::clock::Micros;

/// A live price of nothing else.
pub fn quote(topic: &str, last: &str) -> Quote {
    Quote {
        topic: topic.into(),
        last_price: Some(last.parse().unwrap()),
        bid_price: None,
        ask_price: None,
        state: Belief::Live,
        simulated: false,
        received_ts: None,
        bar: None,
    }
}

/// A greeting of a gateway that tells no heartbeat.
pub fn welcome() -> Welcome {
    Welcome { server: "tickcast".into(), version: "1".into(), time: Micros(50), heartbeat_ms: None }
}

/// A simulated ticker that was received at time 0.
pub fn ticker(topic: &str, last: &str, state: &str) -> String {
    json!({"type": "ticker", "topic": topic, "last_price": last, "bid_price": "99.5",
        "ask_price": "100.5", "state": state, "simulated": true, "received_ts": 0, "seq": 1042})
    .to_string()
}

/// A status; without a reason when it is empty.
pub fn status(scope: &str, name: &str, state: &str, reason: &str) -> String {
    let reason = Some(reason).filter(|reason| !reason.is_empty());
    json!({"type": "status", "scope": scope, "name": name, "state": state, "reason": reason,
        "since": 0})
    .to_string()
}

/// Lets a market hear a message at time 0.
pub fn hear(market: &mut Market, text: &str) {
    market.hear(text, serde_json::from_str(text).unwrap(), Micros(0));
}
