//! A family of topics, `ticker:*:BTC-USDT` or `ticker:kucoin:*-USDT`.

use super::{Channel, ExchangeId, ParseError, Topic, exchange::is_exchange, symbol::is_part};
use std::fmt;

/// A topic in which `*` stands for a whole part or for the start or end of one.
///
/// A pattern matches only as many parts as it has, so `ticker:*:*` never matches a kline.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Pattern(Box<str>);

impl Pattern {
    /// Whether a client's text is meant as a pattern.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.contains('*')
    }

    /// A pattern as a client may write it: in full, or only its symbol part (`*-USDT`), which
    /// means tickers of the default exchange.
    ///
    /// # Errors
    /// [`ParseError::Pattern`] when a part could never match or `*` stands in the middle of one.
    pub fn parse_client(text: &str, default_exchange: &ExchangeId) -> Result<Self, ParseError> {
        let full = if text.contains(':') {
            text.to_owned()
        } else {
            format!("ticker:{default_exchange}:{text}")
        };
        let parts: Vec<&str> = full.split(':').collect();
        let sound = match parts[..] {
            [channel, exchange, symbol] => {
                matches!(channel, "ticker" | "*") && exchange_part(exchange) && symbol_part(symbol)
            }
            [channel, exchange, symbol, interval] => {
                matches!(channel, "kline" | "*")
                    && exchange_part(exchange)
                    && symbol_part(symbol)
                    && (interval == "*" || interval.parse::<super::Interval>().is_ok())
            }
            _ => false,
        };
        if sound { Ok(Self(full.into())) } else { Err(ParseError::Pattern(text.into())) }
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What its topics are: the number of parts decides, three are a ticker's and four a kline's.
    #[must_use]
    pub fn channel(&self) -> Channel {
        if self.0.split(':').count() == 4 { Channel::Kline } else { Channel::Ticker }
    }

    /// Whether the pattern covers the topic.
    #[must_use]
    pub fn matches(&self, topic: &Topic) -> bool {
        let mut wanted = self.0.split(':');
        let mut given = topic.as_str().split(':');
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if part_matches(wanted, given) => {}
                _ => return false,
            }
        }
    }
}

impl Pattern {
    /// Whether every topic that `other` can match is matched by this pattern as well.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        // The number of parts decides on the channel: three are a ticker's, four a kline's.
        let mut wide = self.0.split(':').skip(1);
        let mut narrow = other.0.split(':').skip(1);
        loop {
            match (wide.next(), narrow.next()) {
                (None, None) => return true,
                (Some(wide), Some(narrow)) if part_covers(wide, narrow) => {}
                _ => return false,
            }
        }
    }

    /// Whether it covers any topic of an exchange.
    #[must_use]
    pub fn meets_exchange(&self, exchange: &str) -> bool {
        self.0.split(':').nth(1).is_some_and(|part| part_matches(part, exchange))
    }
}

fn part_covers(wide: &str, narrow: &str) -> bool {
    if wide == "*" {
        true
    } else if let Some(end) = wide.strip_prefix('*') {
        !narrow.ends_with('*') && narrow.trim_start_matches('*').ends_with(end)
    } else if let Some(start) = wide.strip_suffix('*') {
        !narrow.starts_with('*') && narrow.trim_end_matches('*').starts_with(start)
    } else {
        wide == narrow
    }
}

fn part_matches(wanted: &str, given: &str) -> bool {
    if let Some(end) = wanted.strip_prefix('*') {
        given.ends_with(end)
    } else if let Some(start) = wanted.strip_suffix('*') {
        given.starts_with(start)
    } else {
        wanted == given
    }
}

fn exchange_part(text: &str) -> bool {
    text == "*" || is_exchange(text.trim_end_matches('*')) && text.matches('*').count() <= 1
}

/// `*`, `*-USDT`, `BTC-*`, `BTC*`, `*USDT` or a whole symbol.
fn symbol_part(text: &str) -> bool {
    if text.matches('*').count() > 1 {
        return false;
    }
    let rest = text.strip_prefix('*').or_else(|| text.strip_suffix('*')).unwrap_or(text);
    !rest.contains('*')
        && rest.matches('-').count() <= 1
        && rest.split('-').all(|part| part.is_empty() || is_part(part))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> Result<Pattern, ParseError> {
        Pattern::parse_client(text, &"kucoin".parse().unwrap())
    }

    #[test]
    fn matches_whole_parts_and_ends() {
        let topic: Topic = "ticker:okx:BTC-USDT".parse().unwrap();
        for text in ["ticker:*:BTC-USDT", "ticker:okx:*-USDT", "*:okx:BTC-*", "ticker:*:*"] {
            assert!(pattern(text).unwrap().matches(&topic), "{text}");
        }
        for text in ["*-USDT", "ticker:okx:*-USD", "ticker:*:ETH-*", "kline:*:*:*"] {
            assert!(!pattern(text).unwrap().matches(&topic), "{text}");
        }
    }

    #[test]
    fn covers_what_is_narrower() {
        for (wide, narrow) in [
            ("ticker:*:*", "ticker:okx:*-USDT"),
            ("ticker:*:*", "*:*:*"),
            ("ticker:*:*-USDT", "ticker:okx:*C-USDT"),
            ("ticker:okx:BTC*", "ticker:okx:BTC-*"),
            ("ticker:ok*:BTC-USDT", "ticker:okx:BTC-USDT"),
            ("*", "ticker:kucoin:*"),
            ("kline:*:*:*", "kline:okx:BTC-*:1m"),
        ] {
            assert!(pattern(wide).unwrap().covers(&pattern(narrow).unwrap()), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            ("ticker:okx:*-USDT", "ticker:*:*-USDT"),
            ("ticker:okx:*-USDT", "ticker:okx:*"),
            ("ticker:okx:*-USDT", "ticker:okx:BTC-*"),
            ("ticker:okx:BTC-*", "ticker:okx:*-USDT"),
            ("ticker:okx:BTC-USDT", "ticker:okx:BTC*"),
            ("ticker:*:*", "kline:*:*:*"),
            ("ticker:ok*:*", "ticker:*:*"),
        ] {
            assert!(!pattern(wide).unwrap().covers(&pattern(narrow).unwrap()), "{wide} {narrow}");
        }
    }

    proptest! {
        #[test]
        fn what_covers_matches_all_that_is_matched(
            wide in "(ticker|\\*):(a|b|ab|a\\*|\\*):(\\*|\\*B|\\*-B|A\\*|A-\\*|A-B|AB-B)",
            narrow in "(ticker|\\*):(a|b|ab|a\\*|\\*):(\\*|\\*B|\\*-B|A\\*|A-\\*|A-B|AB-B)",
            topic in "ticker:(a|b|ab):(A-B|AB-B|A-A|B-B|B-AB)",
        ) {
            let topic: Topic = topic.parse().unwrap();
            let (wide, narrow) = (pattern(&wide).unwrap(), pattern(&narrow).unwrap());
            if wide.covers(&narrow) && narrow.matches(&topic) {
                prop_assert!(wide.matches(&topic));
            }
        }
    }

    #[test]
    fn refuses_a_star_inside_a_part() {
        for text in ["B*C-USDT", "ticker:*", "**", "ticker:k*n:BTC-USDT", "kline:*:*:2m", "*a"] {
            assert!(pattern(text).is_err(), "{text}");
        }
    }
}
