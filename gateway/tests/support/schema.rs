//! Whatever a gateway says in a test is held against its schema.

use serde_json::Value;
use std::sync::LazyLock;

static MESSAGES: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    jsonschema::validator_for(&tickcast_gateway::spec::server_messages()).unwrap()
});

/// Holds a message against the schema of its type; bare text has none.
pub fn check(message: &Value) {
    if message.is_object()
        && let Err(error) = MESSAGES.validate(message)
    {
        panic!("{message} does not fit its schema: {error}");
    }
}
