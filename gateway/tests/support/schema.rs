//! Whatever a gateway says in a test is held against its schema: in the gateway's tests and in those of
//! the whole program.

use serde_json::Value;
use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// All of so many messages are looked at, and of a flood after them one in [`OF_A_FLOOD`]: a client
/// that reads too slowly would be another test.
const ALL_OF: u64 = 1000;
const OF_A_FLOOD: u64 = 64;

static MESSAGES: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    jsonschema::validator_for(&tickcast_gateway::spec::server_messages()).unwrap()
});
static SEEN: AtomicU64 = AtomicU64::new(0);

/// Holds a message against the schema of its type; bare text has none.
pub fn check(message: &Value) {
    let is_value = ["ticker", "kline"].iter().any(|kind| message["type"] == *kind);
    let is_looked_at = !is_value || {
        let seen = SEEN.fetch_add(1, Relaxed);
        seen < ALL_OF || seen.is_multiple_of(OF_A_FLOOD)
    };
    if message.is_object()
        && is_looked_at
        && let Err(error) = MESSAGES.validate(message)
    {
        panic!("{message} does not fit its schema: {error}");
    }
}
