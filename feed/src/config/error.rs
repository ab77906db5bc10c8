//! What can be wrong with the `[feed]` section.

use super::partition::BadPartition;
use std::fmt;

/// One mistake: the key, its value and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Nothing to do.
    #[error(
        "feed.exchange is empty; name at least one, such as --exchange kucoin=BTC-USDT,ETH-USDT"
    )]
    NoExchange,
    /// No codec of that name.
    #[error("{key} = {value:?} is not a known exchange; known are {known}")]
    UnknownExchange {
        /// Where it stands.
        key: String,
        /// What was written.
        value: String,
        /// What could be written.
        known: String,
    },
    /// The same exchange twice.
    #[error("{key} = {value:?} stands there already; put all its symbols into one entry")]
    DuplicateExchange {
        /// Where the second one stands.
        key: String,
        /// The name.
        value: String,
    },
    /// An exchange without symbols.
    #[error("{key} is empty; name at least one symbol, such as BTC-USDT")]
    NoSymbols {
        /// Where they should stand.
        key: String,
    },
    /// Not a symbol.
    #[error("{key} = {value:?} is not a symbol; write BASE-QUOTE in upper case, such as {such_as}")]
    BadSymbol {
        /// Where it stands.
        key: String,
        /// What was written.
        value: String,
        /// What was probably meant.
        such_as: String,
    },
    /// A symbol that its exchange answers with another one's data.
    #[error(
        "{key} = {value:?} is answered with the data of {instead} by {exchange}; write {instead}"
    )]
    AnsweredWith {
        /// Where it stands.
        key: String,
        /// What was written.
        value: String,
        /// The exchange.
        exchange: &'static str,
        /// Whose data would come.
        instead: String,
    },
    /// Not a base address.
    #[error("{key} = {value:?} is not a base address; write {wanted}")]
    BadAddress {
        /// Where it stands.
        key: String,
        /// What was written.
        value: String,
        /// What could be written.
        wanted: &'static str,
    },
    /// Not a group name.
    #[error(
        "feed.group = {value:?} is not a group name; write 1 to 32 of a-z, 0-9, - and _, such as main"
    )]
    BadGroup {
        /// What was written.
        value: String,
    },
    /// Not a part.
    #[error("feed.partition = {value:?} is not a part of the symbols; {wanted}")]
    BadPartition {
        /// What was written.
        value: String,
        /// What could be written.
        wanted: BadPartition,
    },
    /// A time that is too short to mean anything.
    #[error("feed.timing.{key} = 0 leaves no time at all; write milliseconds above zero")]
    NoTime {
        /// Which time.
        key: &'static str,
    },
}

/// All mistakes of a configuration, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
