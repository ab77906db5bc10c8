//! The specifications of what is seen from outside, made from the types that are really written and
//! read: OpenAPI of the REST interface, AsyncAPI of the WebSocket, JSON Schema of every message.

mod asyncapi;
mod client;
mod openapi;
mod schemas;

pub use openapi::PATHS;
pub use schemas::server_messages;

use serde_json::Value;
use std::sync::LazyLock;

/// The OpenAPI 3.1 document, as JSON text.
pub static OPENAPI: LazyLock<String> = LazyLock::new(|| openapi::document().to_string());
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
