//! The name of an exchange.

use super::{ParseError, written};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

/// Longest accepted name, in bytes.
const MAX_BYTES: usize = 16;

/// A lower-case name such as `kucoin`, or the virtual exchange `index`. Cheap to clone.
///
/// It is open on purpose: only the feed knows which names have a codec behind them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(
    description = "The name of an exchange in lower case, or `index`, the price across exchanges.",
    extend("pattern" = written::exchange(), "examples" = ["kucoin"])
)]
pub struct ExchangeId(Arc<str>);

impl ExchangeId {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` is the name of an exchange.
pub(super) fn is_exchange(text: &str) -> bool {
    (1..=MAX_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

impl FromStr for ExchangeId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if is_exchange(text) {
            Ok(Self(text.into()))
        } else {
            Err(ParseError::Exchange(text.into()))
        }
    }
}

impl TryFrom<String> for ExchangeId {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<ExchangeId> for String {
    fn from(id: ExchangeId) -> Self {
        id.0.as_ref().into()
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
