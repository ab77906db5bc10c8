//! The nouns of a market as types that cannot be wrong once they exist.

pub mod bar;
pub mod exchange;
pub mod interval;
pub mod pattern;
pub mod price;
pub mod symbol;
pub mod ticker;
pub mod topic;
pub mod written;

pub use bar::{Bar, BarSource};
pub use exchange::ExchangeId;
pub use interval::Interval;
pub use pattern::Pattern;
pub use price::{Price, Quantity};
pub use symbol::Symbol;
pub use ticker::{Reason, Source, State, Ticker};
pub use topic::{Channel, Topic};

/// Why a piece of text is not the market noun it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not `BASE-QUOTE` in upper case.
    #[error("{0:?} is not a symbol; write BASE-QUOTE in upper case, such as BTC-USDT")]
    Symbol(String),
    /// Not a lower-case name of at most 16 letters and digits.
    #[error("{0:?} is not an exchange name; write it in lower case, such as kucoin")]
    Exchange(String),
    /// Not `<channel>:<exchange>:<symbol>[:<interval>]`.
    #[error(
        "{0:?} is not a topic; write SYMBOL or CHANNEL:EXCHANGE:SYMBOL, such as ticker:kucoin:BTC-USDT"
    )]
    Topic(String),
    /// A `*` that neither stands for a whole part nor ends one.
    #[error(
        "{0:?} is not a pattern; * stands for a whole part (ticker:*:BTC-USDT) or for the start of one (*-USDT)"
    )]
    Pattern(String),
    /// Not the length of a bar.
    #[error("{0:?} is not an interval; there are 1m, 5m, 15m, 1h, 4h and 1d")]
    Interval(String),
    /// Not a decimal number within the decimal type's range.
    #[error("{0:?} is not a decimal number")]
    Number(String),
    /// A number of the wrong sign for what it stands for.
    #[error("{0:?} must be above zero")]
    NotPositive(String),
    /// A number too large to be a price or a quantity.
    #[error("{0:?} is absurdly large")]
    Absurd(String),
}
