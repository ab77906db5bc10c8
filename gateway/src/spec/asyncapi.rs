//! The AsyncAPI 3.0 document of the WebSocket.

use super::{
    client::ClientMessage,
    info,
    schemas::{Named, Schemas, of_server, resolve, variants},
};
use serde_json::{Map, Value, json};
use tickcast_shared::protocol::{SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK};

/// The document.
pub(super) fn document() -> Value {
    let (server, mut schemas) = of_server();
    let (client, read) = of_client();
    for (name, schema) in read {
        schemas.entry(name).or_insert(schema);
    }
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
            "bindings": {"ws": {"method": "GET", "query": query()}},
        }},
        "operations": {
            "tell": {"action": "send", "channel": channel(), "messages": sent},
            "ask": {"action": "receive", "channel": channel(), "messages": received},
        },
        "components": {"messages": messages, "schemas": schemas},
    })
}

/// Every kind of message of a client, and the schemas that they refer to.
fn of_client() -> (Vec<Named>, Map<String, Value>) {
    let mut schemas = Schemas::of_reading();
    let union = schemas.refer::<ClientMessage>();
    let components = schemas.components();
    let named = variants(resolve(&components, &union), "op");
    (named.into_iter().map(|(op, schema)| (format!("{op}_request"), schema)).collect(), components)
}

fn channel() -> Value {
    json!({"$ref": "#/channels/prices"})
}

fn references(messages: &[Named]) -> Vec<Value> {
    let path = |name: &str| format!("#/channels/prices/messages/{name}");
    messages.iter().map(|(name, _)| json!({"$ref": path(name)})).collect()
}

fn message((name, payload): &Named) -> (String, Value) {
    let summary = payload["description"].as_str().map(str::to_owned);
    let mut message = json!({"name": name, "payload": payload});
    if let Some(summary) = summary {
        message["summary"] = summary.into();
    }
    (name.clone(), message)
}

/// What the URL may ask for at once, without a message.
fn query() -> Value {
    json!({"type": "object", "properties": {
        "topics": {"type": "string", "description": "Symbols, full names or patterns, by commas."},
        "interval_ms": {"type": "integer", "minimum": 0, "maximum": 3_600_000},
        "min_change_bps": {"type": "integer", "minimum": 0, "maximum": 10_000},
        "max_silence_ms": {"type": "integer", "minimum": 100, "maximum": 3_600_000},
        "history": {"type": "integer", "minimum": 0, "maximum": 500},
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
