//! How symbols, topics and patterns may be written, as regular expressions (those of ECMA 262) for
//! specifications. What reads them does so by hand; tests hold the two against each other.

use super::Interval;

/// One side of a symbol.
const PART: &str = "[A-Z0-9._]{1,24}";
/// The name of an exchange.
const EXCHANGE: &str = "[a-z0-9]{1,16}";

/// A [`super::Symbol`], `BTC-USDT`.
#[must_use]
pub fn symbol() -> String {
    format!("^{PART}-{PART}$")
}

/// A [`super::ExchangeId`].
#[must_use]
pub fn exchange() -> String {
    format!("^{EXCHANGE}$")
}

/// A [`super::Topic`] by its full name.
#[must_use]
pub fn topic() -> String {
    format!("^(ticker:{EXCHANGE}:{PART}-{PART}|{})$", kline())
}

/// A ticker as clients may name it: by its symbol or its full name.
#[must_use]
pub fn ticker_of_client() -> String {
    format!("^(ticker:{EXCHANGE}:)?{PART}-{PART}$")
}

/// A topic as clients may name it, or a [`super::Pattern`].
#[must_use]
pub fn topic_or_pattern() -> String {
    // A symbol with at most one `*`, which begins or ends it; the other sides may be cut or missing.
    let rest = format!("({PART})?(-({PART})?)?");
    let (starred, any) = (format!("(\\*{rest}|{rest}\\*)"), format!("(\\*?{rest}|{rest}\\*)"));
    let open = format!("({EXCHANGE})?\\*");
    let interval = format!("(\\*|{})", intervals());
    let bars = [
        format!("kline:{open}:{any}:{interval}"),
        format!("kline:{EXCHANGE}:{starred}:{interval}"),
        format!("kline:{EXCHANGE}:{any}:\\*"),
        kline(),
    ];
    let tickers = [
        format!("(ticker:{EXCHANGE}:)?{PART}-{PART}"),
        format!("(ticker:{EXCHANGE}:)?{starred}"),
        format!("ticker:{open}:{any}"),
    ];
    // Of a pattern that says `*` for the channel the number of parts decides.
    let either = format!("\\*:({EXCHANGE}\\*?|\\*):{any}(:{interval})?");
    format!("^({}|{}|{either})$", tickers.join("|"), bars.join("|"))
}

fn kline() -> String {
    format!("kline:{EXCHANGE}:{PART}-{PART}:({})", intervals())
}

fn intervals() -> String {
    Interval::ALL.map(Interval::as_str).join("|")
}
