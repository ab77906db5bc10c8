//! What a client may send, for the specification. [`Request::parse`] reads it key by key, so that every
//! mistake can be named; the tests hold the two against each other.
//!
//! [`Request::parse`]: tickcast_shared::protocol::Request::parse

#![allow(dead_code, reason = "only the schemas of these are of use")]

use super::schemas::{Named, Schemas, one_of, take, variants};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tickcast_shared::{
    market::written,
    protocol::command::{Id, Since},
};

/// A message of a client; besides, the bare text `ping` is answered with `pong`.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientMessage {
    /// Answered with `pong`.
    Ping {
        /// Echoed in the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Id")]
        id: Option<serde_json::Value>,
    },
    /// Wants topics or patterns; answered with `subscribed`, the present values and `synced`.
    Subscribe {
        /// Echoed in the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Id")]
        id: Option<serde_json::Value>,
        /// Symbols, full names or patterns; what is none of these is rejected by itself.
        #[schemars(length(min = 1))]
        topics: Vec<String>,
        /// At most one message per topic in that time; 0 = every update.
        #[schemars(range(max = 3_600_000))]
        interval_ms: Option<u32>,
        /// Smallest move of last, bid or ask worth a message, in hundredths of a percent.
        #[schemars(range(max = 10_000))]
        min_change_bps: Option<u32>,
        /// At least one message in that time while a change filter is set.
        #[schemars(range(min = 100, max = 3_600_000))]
        max_silence_ms: Option<u32>,
        /// How many past bars of a kline come first.
        #[schemars(range(max = 500))]
        history: Option<u32>,
        /// What the client has already, by topic.
        since: Option<BTreeMap<String, Since>>,
    },
    /// No longer wants them; `["*"]` means all.
    Unsubscribe {
        /// Echoed in the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Id")]
        id: Option<serde_json::Value>,
        /// Topics and patterns, as they were subscribed.
        topics: Vec<TopicOrPattern>,
    },
    /// Asks what it is subscribed to.
    List {
        /// Echoed in the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Id")]
        id: Option<serde_json::Value>,
    },
    /// Asks which topics there are.
    Topics {
        /// Echoed in the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Id")]
        id: Option<serde_json::Value>,
        /// A pattern or a topic; everything if left out or empty.
        #[serde(rename = "match")]
        matching: Option<Match>,
        /// Most topics to return.
        #[schemars(range(min = 1, max = 1000))]
        limit: Option<usize>,
        /// Where the last page ended.
        cursor: Option<String>,
    },
    /// Presents a token.
    Auth {
        /// Echoed in the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Id")]
        id: Option<serde_json::Value>,
        /// The token.
        token: String,
    },
}

/// Every kind of message of a client by its `op`, and the schemas that they refer to.
pub(super) fn kinds() -> (Vec<Named>, Map<String, Value>) {
    let mut schemas = Schemas::of_reading();
    let union = schemas.refer::<ClientMessage>();
    let mut components = schemas.components();
    (variants(&take(&mut components, &union), "op"), components)
}

/// One schema that every JSON message fits that clients may send: by its `op`.
#[must_use]
pub fn messages() -> Value {
    one_of(kinds())
}

/// A symbol, the full name of a topic, or a pattern: `BTC-USDT`, `ticker:okx:ETH-USDT`, `*-USDT`.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("pattern" = written::topic_or_pattern(), "examples" = ["BTC-USDT"]))]
pub struct TopicOrPattern(String);

/// What topics are looked for by.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Match {
    /// These.
    Named(TopicOrPattern),
    /// All of them.
    All(#[schemars(length(max = 0))] String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tickcast_shared::protocol::Request;

    fn sample(op: &str, key: &str) -> Value {
        match (op, key) {
            (_, "op") => json!(op),
            (_, "id" | "cursor" | "token") => json!("x"),
            (_, "match") => json!("ticker:*:BTC-USDT"),
            (_, "topics") => json!(["BTC-USDT"]),
            (_, "since") => json!({"BTC-USDT": {"epoch": 1, "seq": 2}}),
            (_, "max_silence_ms") => json!(100),
            _ => json!(1),
        }
    }

    fn parse(message: &Value) -> Result<(), String> {
        Request::parse(&message.to_string()).map(drop).map_err(|error| error.message)
    }

    #[test]
    fn what_is_specified_is_understood() {
        let (operations, _) = kinds();
        assert_eq!(operations.len(), 6);
        for (op, schema) in &operations {
            let keys = schema["properties"].as_object().unwrap().keys();
            let full: Value = keys
                .map(|key| (key.clone(), sample(op, key)))
                .collect::<serde_json::Map<_, _>>()
                .into();
            parse(&full).unwrap();
            let required = schema["required"].as_array().unwrap();
            for key in required.iter().filter_map(Value::as_str) {
                let mut short = full.clone();
                short.as_object_mut().unwrap().remove(key);
                parse(&short).unwrap_err();
            }
            let required: Value = required
                .iter()
                .filter_map(Value::as_str)
                .map(|key| (key.to_owned(), sample(op, key)))
                .collect::<serde_json::Map<_, _>>()
                .into();
            parse(&required).unwrap();
            let mut unknown = full.clone();
            unknown["nonsense"] = json!(1);
            assert!(parse(&unknown).unwrap_err().contains("nonsense"));
        }
    }

    #[test]
    fn the_ranges_are_those_that_are_read() {
        for (op, schema) in kinds().0 {
            for (key, property) in schema["properties"].as_object().unwrap() {
                for (bound, beyond) in [("minimum", -1), ("maximum", 1)] {
                    let Some(value) = property[bound].as_i64() else { continue };
                    let mut message = json!({"op": op, "topics": ["BTC-USDT"]});
                    if op == "topics" {
                        message.as_object_mut().unwrap().remove("topics");
                    }
                    message[key] = json!(value);
                    parse(&message).unwrap();
                    message[key] = json!(value + beyond);
                    parse(&message).unwrap_err();
                }
            }
        }
    }
}
