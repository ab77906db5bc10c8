//! The documents are what they say they are, and the gateway is what they say.

use crate::support::{Node, document, specification, start, tokens};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;
use tickcast_gateway::spec;

/// One key, and limits that a test of many requests does not meet.
const KEY: &str = "a-key-of-the-tests";
const LIMITS: &str = "[gateway.limits]\nmax_connections_per_ip = 0\ndials_per_second_per_ip = 0\n";
/// The same requests each time: a test that fails once in a while teaches nobody.
/// `make specification SEED=7 EXAMPLES=200` draws others.
const SEED: &str = "1";

/// Sends requests of every kind that the document allows and forbids, with all checks. An answer
/// without an end is nothing for it: `/v1/stream` is held against the document by its refusals
/// below and in `gateway/tests/refusals.rs`, and by its messages, which are those of the WebSocket.
async fn held_against_its_document(config: &str, further: &[&str]) {
    let demo = start(&["demo"]).config(config).ready().await;
    let document = format!("http://{}/openapi.json", demo.address);
    let seed = std::env::var("SPECIFICATION_SEED").unwrap_or_else(|_| SEED.to_owned());
    let examples = specification::examples().to_string();
    let mut args = vec!["run", &document, "--no-color", "--checks", "all", "--mode", "all"];
    args.extend(["--seed", &seed, "--max-examples", &examples]);
    args.extend(["--generation-database", "none", "--exclude-path", "/v1/stream"]);
    args.extend(further);
    let args = args.into_iter().map(str::to_owned).collect();
    if let Err(said) = specification::run("schemathesis", args).await {
        panic!("{said}");
    }
}

#[tokio::test]
async fn a_gateway_for_everyone_answers_as_specified() {
    held_against_its_document(LIMITS, &[]).await;
}

#[tokio::test]
async fn a_gateway_that_asks_for_keys_answers_as_specified() {
    let key = format!(
        "[[gateway.auth.api_key]]\nname = \"desk\"\nsha256 = \"{}\"\n",
        tokens::sha256(KEY)
    );
    let header = format!("X-Api-Key: {KEY}");
    // It takes an `Authorization` of another scheme beside a good key for a bad key; that scheme is another's
    // business, such as a proxy's. That no path ignores keys is shown in `gateway/tests/auth.rs`.
    let further = ["--header", &header, "--exclude-checks", "ignored_auth"];
    held_against_its_document(&format!("{LIMITS}{key}"), &further).await;
}

#[tokio::test]
async fn a_gateway_without_prices_refuses_as_specified() {
    let gateway = start(&["gateway", "--redis-url", "redis://127.0.0.1:1"]).listening().await;
    for (path, request) in [
        ("/v1/price/{symbol}", "/v1/price/BTC-USDT"),
        ("/v1/prices", "/v1/prices?symbols=BTC-USDT"),
        ("/v1/topics", "/v1/topics"),
        ("/v1/symbols", "/v1/symbols"),
        ("/v1/klines/{symbol}", "/v1/klines/BTC-USDT"),
        ("/v1/exchanges", "/v1/exchanges"),
        ("/v1/stream", "/v1/stream?topics=BTC-USDT"),
    ] {
        let answer = gateway.get(request).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["error"]["code"]), (503, &"not_ready".into()));
        document::check(path, answer.status, &body, |name| answer.headers.contains_key(name));
    }
}

#[tokio::test]
async fn openapi_is_openapi() {
    let folder = TempDir::new().expect("a directory");
    let mut files = Vec::new();
    for (name, text) in [("open.json", &spec::OPENAPI), ("keys.json", &spec::OPENAPI_WITH_KEYS)] {
        let path = folder.path().join(name);
        std::fs::write(&path, text.as_str()).expect("a file");
        files.push(path.display().to_string());
    }
    if let Err(said) = specification::run("openapi-spec-validator", files).await {
        panic!("{said}");
    }
}

/// By the schema that the AsyncAPI initiative publishes.
#[test]
fn asyncapi_is_asyncapi() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/node_modules");
    let file = folder.join("@asyncapi/specs/schemas/3.0.0.json");
    let schema = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; run: make browser-packages", file.display()));
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let document: Value = serde_json::from_str(&spec::ASYNCAPI).expect("JSON");
    let valid = jsonschema::validator_for(&schema).expect("a schema");
    let faults: Vec<String> =
        valid.iter_errors(&document).map(|it| format!("{}: {it}", it.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn the_page_of_the_documents_shows_all_of_them() {
    let demo = start(&["demo"]).ready().await;
    let mut node = Node::start("docs.js", &[&format!("http://{}/", demo.address)]);
    assert_eq!(node.asks().await, None);
}
