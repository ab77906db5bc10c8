//! The AsyncAPI 3.0 document of the WebSocket.

use super::{
    client, info,
    parameters::{of_subscription, parameter},
    schemas::{Named, of_server},
};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use tickcast_shared::protocol::{Asked, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK};

/// A message of every kind, by its name here.
static EXAMPLES: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    // A test reads it.
    serde_json::from_str(include_str!("examples.json")).unwrap_or_default()
});

/// The document.
pub(super) fn document() -> Value {
    let (server, mut schemas) = of_server();
    let (client, read) = client::kinds();
    for (name, schema) in read {
        schemas.entry(name).or_insert(schema);
    }
    // Both sides have a message of that type.
    let requests = client.into_iter().map(|(op, schema)| (format!("{op}_request"), schema));
    let client: Vec<Named> = requests.chain([bare("ping")]).collect();
    let server: Vec<Named> = server.into_iter().chain([bare("pong")]).collect();
    let sent: Vec<Value> = references(&server);
    let received: Vec<Value> = references(&client);
    let messages: Map<String, Value> = server.iter().chain(&client).map(message).collect();
    let of_channel: Map<String, Value> = messages
        .keys()
        .map(|name| (name.clone(), json!({"$ref": format!("#/components/messages/{name}")})))
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": info("Tickcast WebSocket", "Prices as they change. The same messages come as \
            server-sent events from GET /v1/stream."),
        "defaultContentType": "application/json",
        "servers": {"gateway": {"host": "127.0.0.1:8080", "protocol": "ws"}},
        "channels": {"prices": {
            "address": "/ws",
            "servers": [{"$ref": "#/servers/gateway"}],
            "description": format!("One message a frame. Subprotocols: {SUBPROTOCOL_JSON} (default) \
                and {SUBPROTOCOL_MSGPACK}. The bare text `ping` is answered with `pong`."),
            "messages": of_channel,
            "bindings": {"ws": {"method": "GET", "query": query(), "bindingVersion": "0.1.0"}},
        }},
        "operations": {
            "tell": {"action": "send", "summary": "What the gateway tells its clients",
                "channel": channel(), "messages": sent},
            "ask": {"action": "receive", "summary": "What clients ask of the gateway",
                "channel": channel(), "messages": received},
        },
        "components": {"messages": messages, "schemas": schemas},
    })
}

/// A message that is a word and no JSON.
fn bare(word: &str) -> Named {
    let description = "The word alone, without quotes: for browsers, which see no ping frames.";
    let payload = json!({"type": "string", "const": word, "description": description});
    (format!("bare_{word}"), payload)
}

fn channel() -> Value {
    json!({"$ref": "#/channels/prices"})
}

fn references(messages: &[Named]) -> Vec<Value> {
    let path = |name: &str| format!("#/channels/prices/messages/{name}");
    messages.iter().map(|(name, _)| json!({"$ref": path(name)})).collect()
}

fn message((name, payload): &Named) -> (String, Value) {
    let mut message = json!({"name": name, "payload": payload});
    if let Some(example) = EXAMPLES.get(name) {
        message["examples"] = json!([{"payload": example}]);
    }
    if let Some(summary) = payload["description"].as_str() {
        message["summary"] = summary.into();
    }
    if name.starts_with("bare_") {
        message["contentType"] = "text/plain".into();
    }
    (name.clone(), message)
}

/// What the URL may ask for at once, without a message.
fn query() -> Value {
    let topics = parameter("topics");
    let mut properties = Map::new();
    properties.insert("topics".into(), described(&topics["schema"], &topics["description"]));
    for name in Asked::FIELDS {
        let (schema, description, _) = of_subscription(name);
        properties.insert(name.into(), described(&schema, &description.into()));
    }
    json!({"type": "object", "properties": properties})
}

fn described(schema: &Value, description: &Value) -> Value {
    let mut schema = schema.clone();
    schema["description"] = description.clone();
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickcast_shared::protocol::{Close, ErrorCode};

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut open = vec![&document];
        let mut count = 0;
        while let Some(value) = open.pop() {
            if let Some(path) = value["$ref"].as_str() {
                let target = document.pointer(path.strip_prefix('#').unwrap());
                assert!(target.is_some(), "{path}");
                count += 1;
            }
            match value {
                Value::Object(members) => open.extend(members.values()),
                Value::Array(members) => open.extend(members),
                _ => {}
            }
        }
        assert!(count > 50, "{count}");
    }

    #[test]
    fn every_message_has_an_example_that_fits() {
        let document = document();
        let messages = document["components"]["messages"].as_object().unwrap();
        assert_eq!(messages.len(), EXAMPLES.len());
        for (name, message) in messages {
            let mut schema = message["payload"].clone();
            schema["components"] = document["components"].clone();
            let example = &message["examples"][0]["payload"];
            let fits = jsonschema::validator_for(&schema).unwrap();
            fits.validate(example).unwrap_or_else(|error| panic!("{name}: {example}: {error}"));
        }
    }

    /// What `names` finds under a pointer, in order.
    fn listed(document: &Value, pointer: &str, name: fn(&Value) -> Option<String>) -> Vec<String> {
        let all = document.pointer(pointer).unwrap().as_array().unwrap();
        let mut names: Vec<String> = all.iter().filter_map(name).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn codes_are_those_that_are_sent() {
        let document = document();
        let constant = |it: &Value| it.get("const").map(|it| it.to_string().replace('"', ""));
        let described = |it: &Value| it["description"].is_string().then(String::new);
        for (pointer, wanted) in [
            ("/components/schemas/ErrorCode/oneOf", ErrorCode::ALL.map(|it| it.as_str().into())),
            ("/components/schemas/CloseCode/anyOf", Close::ALL.map(|it| it.code().to_string())),
        ] {
            let mut wanted: Vec<String> = wanted.into();
            wanted.sort_unstable();
            assert_eq!(listed(&document, pointer, constant), wanted);
            let descriptions = listed(&document, pointer, described).len();
            assert_eq!(descriptions, document.pointer(pointer).unwrap().as_array().unwrap().len());
        }
    }
}
