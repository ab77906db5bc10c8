//! Answers over HTTP held against the OpenAPI document.

use serde_json::Value;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&tickcast_gateway::spec::OPENAPI).unwrap());

/// Holds an answer of `path`, as the document names it, against what is said of its status; `header`
/// tells whether it has one of that name, in small letters.
pub fn check(path: &str, status: u16, body: &Value, header: impl Fn(&str) -> bool) {
    let answer = &DOCUMENT["paths"][path]["get"]["responses"][status.to_string()];
    assert!(answer.is_object(), "{path} does not know {status}: {body}");
    for (name, header_object) in answer["headers"].as_object().into_iter().flatten() {
        let is_there = header(&name.to_ascii_lowercase());
        assert!(is_there || header_object["required"] != true, "{path} {status} without {name}");
    }
    let mut schema = answer["content"]["application/json"]["schema"].clone();
    assert!(schema.is_object(), "{path} {status} is no JSON");
    schema["components"] = DOCUMENT["components"].clone();
    let fits = jsonschema::validator_for(&schema).unwrap();
    if let Err(error) = fits.validate(body) {
        panic!("{path} {status}: {body}: {error}");
    }
}
