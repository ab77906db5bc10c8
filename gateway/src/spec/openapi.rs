//! The OpenAPI 3.1 document of the REST interface.

use super::{
    info,
    parameters::parameter,
    paths::{DOCUMENTS, PATHS, Path},
    schemas::{Schemas, of_type},
};
use crate::http::answers::Mistake;
use serde_json::{Map, Value, json};

/// Statuses that every path may answer.
const COMMON_REFUSALS: [u16; 4] = [401, 429, 500, 503];

/// The document of a gateway that asks everybody for a key or token, or only lets them show one.
pub(super) fn document(is_key_required: bool) -> Value {
    let mut schemas = Schemas::of_writing();
    let mistake = schemas.refer::<Mistake>();
    let mut paths = Map::new();
    for (all, tag) in [(&PATHS[..], "prices"), (&DOCUMENTS[..], "documents")] {
        for path in all {
            let mut get = operation(path, &mistake, &mut schemas);
            get["tags"] = json!([tag]);
            if tag == "documents" {
                get["security"] = json!([]);
            }
            paths.insert(path.path.to_owned(), json!({"get": get}));
        }
    }
    let mut components = schemas.components();
    if let Some(price) = components.get_mut("LastPrice") {
        *price = of_type(price.take(), "ticker");
    }
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": info("Tickcast REST", "Last prices, topics and bars. Prices and quantities are \
            decimal strings, times are microseconds since the Unix epoch. Answers grow by further \
            keys and codes: ignore those that you do not know."),
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "prices", "description": "Prices, bars and what there is"},
            {"name": "documents", "description": "What tells about the others"},
        ],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "token": {"type": "apiKey", "in": "query", "name": "token"},
            },
        },
        "security": security(is_key_required),
    })
}

/// One of these; without any only where that is allowed.
fn security(is_key_required: bool) -> Value {
    let ways = json!([{"bearer": []}, {"api_key": []}, {"token": []}, {}]);
    let count = if is_key_required { 3 } else { 4 };
    ways.as_array().into_iter().flatten().take(count).cloned().collect()
}

fn operation(path: &Path, mistake: &Value, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    let (media_type, schema) = path.answer.content(schemas);
    let answer = json!({
        "description": path.answer.description(),
        "content": {media_type: {"schema": schema}},
    });
    responses.insert("200".into(), answer);
    let mut refusals = [&COMMON_REFUSALS[..], path.refusals].concat();
    refusals.sort_unstable();
    for status in refusals {
        responses.insert(status.to_string(), refusal(status, mistake));
    }
    let parameters: Vec<Value> = path.parameters.iter().map(|name| parameter(name)).collect();
    json!({
        "operationId": path.id, "summary": path.summary, "parameters": parameters,
        "responses": responses,
    })
}

/// An answer that is none.
fn refusal(status: u16, mistake: &Value) -> Value {
    let description = match status {
        400 => "A parameter is wrong, missing or unknown",
        401 => "A key or token is needed, or not good",
        403 => "Not for this key, token or origin",
        404 => "No feed has announced it",
        429 => "Too many requests; come back after Retry-After",
        500 => "A fault of the gateway",
        _ => "No prices yet, or too much to do; come back after Retry-After",
    };
    let mut refusal = json!({
        "description": description,
        "content": {"application/json": {"schema": mistake}},
    });
    match status {
        401 => refusal["headers"] = header("WWW-Authenticate", json!({"const": "Bearer"})),
        429 | 503 => {
            let seconds = json!({"type": "integer", "minimum": 1});
            refusal["headers"] = header("Retry-After", seconds);
        }
        _ => {}
    }
    refusal
}

/// A header that is always there.
fn header(name: &str, schema: Value) -> Value {
    json!({name: {"required": true, "schema": schema}})
}
