//! The status codes of close frames, as the specification describes them.

use super::Close;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;

/// The schema of [`Close::code`].
#[derive(Debug)]
pub struct CloseCode;

impl JsonSchema for CloseCode {
    fn schema_name() -> Cow<'static, str> {
        "CloseCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let known = Close::ALL.into_iter().map(described);
        let unknown = json!({
            "type": "integer", "minimum": 1000, "maximum": 4999,
            "description": "A code yet unknown: 4000 to 4499 come back, 4500 to 4999 do not",
        });
        let all: Vec<Value> = known.chain([unknown]).collect();
        json_schema!({
            "description": "Why the server closes. Up to 1015 the codes are those of RFC 6455; of \
                the others 4000 to 4499 mean: come back, and 4500 to 4999: not without a change.",
            "type": "integer",
            "anyOf": all,
        })
    }
}

fn described(close: Close) -> Value {
    let advice = if close.reconnect() { "come back" } else { "come back only when changed" };
    let description = format!("{}: {advice}", close.reason());
    json!({"const": close.code(), "title": close.label(), "description": description})
}
