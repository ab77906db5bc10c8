//! JSON Schemas (draft 2020-12) of the types that are written, under `/components/schemas`.

use crate::config::Limits;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use tickcast_shared::protocol::{KlineMessage, KlinesMessage, ServerMessage, TickerMessage};

/// Where both documents keep their schemas.
const COMPONENTS: &str = "/components/schemas";

/// Schemas that refer to each other.
#[derive(Debug)]
pub(super) struct Schemas(SchemaGenerator);

impl Schemas {
    /// Of what the server writes: all keys that are always there are required.
    pub(super) fn of_writing() -> Self {
        Self::with(SchemaSettings::draft2020_12().for_serialize())
    }

    /// Of what the server reads: keys may be left out.
    pub(super) fn of_reading() -> Self {
        Self::with(SchemaSettings::draft2020_12().for_deserialize())
    }

    fn with(mut settings: SchemaSettings) -> Self {
        settings.definitions_path = COMPONENTS.into();
        Self(settings.into_generator())
    }

    /// A reference to the schema of a type, which is added with all that it needs.
    pub(super) fn refer<T: JsonSchema>(&mut self) -> Value {
        self.0.subschema_for::<T>().to_value()
    }

    /// All that were added, by name.
    pub(super) fn components(mut self) -> Map<String, Value> {
        self.0.take_definitions(true)
    }
}

/// What a message says of itself: the value of its `type` or `op`, and its schema.
pub(super) type Named = (String, Value);

/// Every kind of message of the server, and the schemas that they refer to.
pub(super) fn of_server() -> (Vec<Named>, Map<String, Value>) {
    let mut schemas = Schemas::of_writing();
    let values = [
        ("ticker", schemas.refer::<TickerMessage<'static>>()),
        ("kline", schemas.refer::<KlineMessage<'static>>()),
        ("klines", schemas.refer::<KlinesMessage<'static>>()),
    ];
    let others = schemas.refer::<ServerMessage<'static, Limits>>();
    let mut components = schemas.components();
    let mut named: Vec<Named> = Vec::new();
    for (name, reference) in &values {
        let schema = take(&mut components, reference);
        named.push(((*name).to_owned(), of_type(schema, name)));
    }
    named.extend(variants(&take(&mut components, &others), "type"));
    (named, components)
}

/// The schema with the key that says what it is, which is not derived for a struct.
pub(super) fn of_type(mut schema: Value, name: &str) -> Value {
    schema["properties"]["type"] = json!({"type": "string", "const": name});
    if let Some(required) = schema["required"].as_array_mut() {
        required.push("type".into());
    }
    schema
}

/// The variants of a union that a key tells apart, by the key's value.
pub(super) fn variants(union: &Value, key: &str) -> Vec<Named> {
    let all = union["oneOf"].as_array().into_iter().flatten();
    all.filter_map(|variant| Some((constant(variant, key)?, variant.clone()))).collect()
}

fn constant(schema: &Value, key: &str) -> Option<String> {
    Some(schema["properties"][key]["const"].as_str()?.to_owned())
}

/// Takes what a reference stands for out of the schemas: as a message it has a place of its own.
pub(super) fn take(components: &mut Map<String, Value>, schema: &Value) -> Value {
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    name.and_then(|name| components.remove(name)).unwrap_or_else(|| schema.clone())
}

/// One schema that every JSON message of the server fits: by its `type`.
#[must_use]
pub fn server_messages() -> Value {
    one_of(of_server())
}

/// One schema of several kinds of messages.
pub(super) fn one_of((named, components): (Vec<Named>, Map<String, Value>)) -> Value {
    let kinds: Vec<Value> = named.into_iter().map(|(_, schema)| schema).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "oneOf": kinds,
        "components": {"schemas": components},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_message_is_there_once_and_says_what_it_is() {
        let (named, _) = of_server();
        let mut names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let all = [
            "authorized",
            "closing",
            "error",
            "kline",
            "klines",
            "lagging",
            "pong",
            "status",
            "subscribed",
            "subscriptions",
            "synced",
            "ticker",
            "topics",
            "topics_added",
            "unsubscribed",
            "welcome",
        ];
        assert_eq!(names, all);
    }
}
