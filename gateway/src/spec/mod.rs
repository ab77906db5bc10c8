//! The specifications of what is seen from outside, made from the types that are really written and
//! read: OpenAPI of the REST interface, AsyncAPI of the WebSocket, JSON Schema of every message.

mod asyncapi;
mod client;
mod openapi;
mod parameters;
mod paths;
mod schemas;

pub use client::messages as client_messages;
pub use paths::{DOCUMENTS, PATHS, Path};
pub use schemas::server_messages;

use serde_json::Value;
use std::sync::LazyLock;

/// The OpenAPI 3.1 document of a gateway that lets in everyone, as JSON text.
pub static OPENAPI: LazyLock<String> = LazyLock::new(|| openapi::document(false).to_string());
/// The same of a gateway that asks everyone for a key or token.
pub static OPENAPI_WITH_KEYS: LazyLock<String> =
    LazyLock::new(|| openapi::document(true).to_string());
/// The AsyncAPI 3.0 document, as JSON text.
pub static ASYNCAPI: LazyLock<String> = LazyLock::new(|| asyncapi::document().to_string());

/// What both documents say of this server.
fn info(title: &str, description: &str) -> Value {
    serde_json::json!({
        "title": title,
        "version": env!("CARGO_PKG_VERSION"),
        "description": description,
        "license": {"name": env!("CARGO_PKG_LICENSE")},
    })
}
