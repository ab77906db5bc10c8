//! Which of a venue's symbols are wanted: some by name, some by pattern.

use super::Partition;
use crate::exchange::{Exchange, Listing};
use std::collections::{BTreeSet, HashSet};
use tickcast_shared::market::{ExchangeId, ParseError, Pattern, Symbol, Topic};

/// The word for everything that a venue lists.
const ALL: &str = "all";
/// The pattern that it stands for.
const ANY: &str = "*";

/// The symbols wanted of one venue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Wanted by name, each once, whether or not the venue lists them.
    pub symbols: Vec<Symbol>,
    /// Wanted as far as the venue lists and trades them.
    patterns: Vec<Pattern>,
    /// The part of them that this feed takes.
    partition: Partition,
}

/// What a selection comes to with a list of instruments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expansion {
    /// Named ones first, in their order, then those of patterns by name.
    pub symbols: Vec<Symbol>,
    /// How many symbols of patterns were left out because of the limit.
    pub left_out: usize,
}

impl Selection {
    /// A selection from its texts, `BTC-USDT`, `*-USDT`, `BTC-*` or `all`; and the places of those
    /// that are none of these.
    #[must_use]
    pub fn parse(texts: &[String]) -> (Self, Vec<usize>) {
        let (mut selection, mut wrong, mut seen) = (Self::default(), Vec::new(), HashSet::new());
        for (at, text) in texts.iter().enumerate() {
            if text == ALL || Pattern::is_meant(text) {
                match pattern(text) {
                    Ok(pattern) => selection.patterns.push(pattern),
                    Err(_) => wrong.push(at),
                }
                continue;
            }
            match text.parse::<Symbol>() {
                Ok(symbol) if seen.insert(symbol.clone()) => selection.symbols.push(symbol),
                Ok(_) => {}
                Err(_) => wrong.push(at),
            }
        }
        (selection, wrong)
    }

    /// Leaves out what belongs to other parts.
    pub fn keep(&mut self, partition: Partition, exchange: &ExchangeId) {
        self.partition = partition;
        self.symbols.retain(|symbol| partition.takes(&Topic::ticker(exchange, symbol)));
    }

    /// Whether nothing is wanted, whatever the venue lists.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty() && self.patterns.is_empty()
    }

    /// Whether anything in it depends on the venue's list.
    #[must_use]
    pub fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// Whether a pattern covers the symbol, and it belongs to this feed's part.
    #[must_use]
    pub fn covers(&self, exchange: &ExchangeId, symbol: &Symbol) -> bool {
        let topic = Topic::ticker(exchange, symbol);
        self.partition.takes(&topic) && self.patterns.iter().any(|it| it.matches(&topic))
    }

    /// The symbols that it comes to at an exchange, at most `most` of them by patterns. What is
    /// answered with another symbol's data is none of them (`truth.md` 5).
    #[must_use]
    pub fn expand(
        &self,
        exchange: &dyn Exchange,
        id: &ExchangeId,
        listing: &Listing,
        most: usize,
    ) -> Expansion {
        let named: HashSet<&Symbol> = self.symbols.iter().collect();
        let mut matching = BTreeSet::new();
        if let Listing::Listed(instruments) = listing {
            let traded = instruments.values().filter(|it| it.trading);
            let own = traded.map(|it| &it.symbol).filter(|it| exchange.answered_with(it).is_none());
            let others = own.filter(|it| !named.contains(it));
            matching.extend(others.filter(|it| self.covers(id, it)));
        }
        let left_out = matching.len().saturating_sub(most);
        let chosen = matching.into_iter().take(most);
        let symbols = self.symbols.iter().chain(chosen).cloned().collect();
        Expansion { symbols, left_out }
    }
}

/// A pattern of symbols, of whatever exchange.
fn pattern(text: &str) -> Result<Pattern, ParseError> {
    let symbols = if text == ALL { ANY } else { text };
    if symbols.contains(':') {
        return Err(ParseError::Pattern(text.to_owned()));
    }
    // The selection is one venue's already.
    let any: ExchangeId = ALL.parse()?;
    Pattern::parse_client(&format!("ticker:*:{symbols}"), &any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Instrument, coinbase::Coinbase};

    fn texts(texts: &str) -> Vec<String> {
        texts.split(' ').map(str::to_owned).collect()
    }

    fn listing() -> Listing {
        let row = |base, quote, trading| Instrument::of(base, quote, base, trading).unwrap();
        Listing::listed(vec![
            row("ETH", "USDT", true),
            row("BTC", "USDT", true),
            row("BTC", "EUR", true),
            row("BTC", "USDC", true),
            row("LUNA", "USDT", false),
        ])
    }

    fn expanded(text: &str, most: usize) -> (String, usize) {
        let (selection, wrong) = Selection::parse(&texts(text));
        assert_eq!(wrong, Vec::<usize>::new());
        let expansion = selection.expand(&Coinbase, &"coinbase".parse().unwrap(), &listing(), most);
        let symbols: Vec<&str> = expansion.symbols.iter().map(Symbol::as_str).collect();
        (symbols.join(" "), expansion.left_out)
    }

    #[test]
    fn patterns_are_what_the_venue_lists_and_trades() {
        assert_eq!(expanded("*-USDT", 9).0, "BTC-USDT ETH-USDT");
        assert_eq!(expanded("BTC-*", 9).0, "BTC-EUR BTC-USDT");
        assert_eq!(expanded("NEW-USDT all", 9).0, "NEW-USDT BTC-EUR BTC-USDT ETH-USDT");
        assert_eq!(expanded("ETH-USDT *-USDT ETH-USDT", 9).0, "ETH-USDT BTC-USDT");
    }

    #[test]
    fn patterns_have_a_limit_and_names_have_none() {
        assert_eq!(expanded("NEW-USDT LUNA-USDT all", 1), ("NEW-USDT LUNA-USDT BTC-EUR".into(), 2));
    }

    #[test]
    fn parts_of_a_pattern_are_disjoint_and_whole() {
        let id = "coinbase".parse().unwrap();
        let part = |text: &str| {
            let (mut selection, _) = Selection::parse(&texts("NEW-USDT all"));
            selection.keep(text.parse().unwrap(), &id);
            selection.expand(&Coinbase, &id, &listing(), 9).symbols
        };
        let mut all: Vec<Symbol> = ["1/3", "2/3", "3/3"].into_iter().flat_map(part).collect();
        all.sort();
        let all: Vec<&str> = all.iter().map(Symbol::as_str).collect();
        assert_eq!(all.join(" "), "BTC-EUR BTC-USDT ETH-USDT NEW-USDT");
    }

    #[test]
    fn without_a_list_patterns_are_nothing() {
        let (selection, _) = Selection::parse(&texts("BTC-USDT *-USDT"));
        let expansion =
            selection.expand(&Coinbase, &"coinbase".parse().unwrap(), &Listing::ByRule, 9);
        assert_eq!((expansion.symbols.len(), selection.has_patterns()), (1, true));
    }

    #[test]
    fn what_is_neither_symbol_nor_pattern_is_named() {
        let (_, wrong) = Selection::parse(&texts("btc-usdt B*C-USDT ticker:okx:*-USDT ALL A-B"));
        assert_eq!(wrong, [0, 1, 2, 3]);
    }
}
