//! A trading pair, `BASE-QUOTE` in upper case.

use super::ParseError;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

/// Longest accepted base or quote, in bytes; the longest listed today has 15.
const MAX_PART_BYTES: usize = 24;

/// `BASE-QUOTE`, for instance `BTC-USDT`. Cheap to clone.
///
/// Each side has 1 to 24 characters of `A-Z`, `0-9`, `.` and `_`. Venues' own spellings are mapped
/// through their instruments lists, never by cutting a string.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Symbol(Arc<str>);

impl Symbol {
    /// The symbol of a base and a quote, in any case.
    ///
    /// # Errors
    /// [`ParseError::Symbol`] when either side has characters a symbol may not have.
    pub fn of(base: &str, quote: &str) -> Result<Self, ParseError> {
        format!("{}-{}", base.to_ascii_uppercase(), quote.to_ascii_uppercase()).parse()
    }

    /// The whole text, `BTC-USDT`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is bought, `BTC`.
    #[must_use]
    pub fn base(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(base, _)| base)
    }

    /// What it is paid in, `USDT`.
    #[must_use]
    pub fn quote(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, quote)| quote)
    }
}

/// Whether `text` is one side of a symbol.
pub(super) fn is_part(text: &str) -> bool {
    (1..=MAX_PART_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'.' || b == b'_')
}

/// Whether `text` is a whole symbol.
pub(super) fn is_symbol(text: &str) -> bool {
    text.split_once('-').is_some_and(|(base, quote)| is_part(base) && is_part(quote))
}

impl FromStr for Symbol {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if is_symbol(text) { Ok(Self(text.into())) } else { Err(ParseError::Symbol(text.into())) }
    }
}

impl TryFrom<String> for Symbol {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Symbol> for String {
    fn from(symbol: Symbol) -> Self {
        symbol.0.as_ref().into()
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_base_and_quote_in_upper_case() {
        let symbol: Symbol = "1INCH-USDT".parse().unwrap();
        assert_eq!((symbol.base(), symbol.quote()), ("1INCH", "USDT"));
        assert_eq!(Symbol::of("btc", "usdt").unwrap().as_str(), "BTC-USDT");
    }

    #[test]
    fn refuses_everything_else() {
        for text in ["", "BTC", "btc-usdt", "BTC-", "-USDT", "BTC-USD-220527", "BTC/USD", "B*-USDT"]
        {
            assert_eq!(text.parse::<Symbol>(), Err(ParseError::Symbol(text.into())));
        }
    }
}
