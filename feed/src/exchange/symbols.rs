//! A venue's list of instruments: the only source of names (`truth.md` 17).

use super::Exchange;
use std::collections::HashMap;
use tickcast_shared::market::Symbol;

/// One spot instrument as its venue lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// Our name.
    pub symbol: Symbol,
    /// The venue's name.
    pub venue_symbol: String,
    /// Its name in REST requests, if that is another one.
    pub rest_symbol: Option<String>,
    /// Whether it can be traded now.
    pub trading: bool,
}

impl Instrument {
    /// An instrument, or nothing when base or quote cannot be part of a symbol, or the venue's
    /// name holds characters that do not belong into a subscription.
    #[must_use]
    pub fn of(base: &str, quote: &str, venue_symbol: &str, trading: bool) -> Option<Self> {
        let symbol = Symbol::of(base, quote).ok()?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
        if venue_symbol.is_empty() || !venue_symbol.bytes().all(plain) {
            return None;
        }
        Some(Self { symbol, venue_symbol: venue_symbol.to_owned(), rest_symbol: None, trading })
    }

    /// Its name in REST requests.
    #[must_use]
    pub fn rest_symbol(&self) -> &str {
        self.rest_symbol.as_deref().unwrap_or(&self.venue_symbol)
    }
}

/// The venue's names of these instruments by their names in REST answers.
pub(super) fn by_rest_symbol<'a>(instruments: &[&'a Instrument]) -> HashMap<&'a str, &'a str> {
    instruments.iter().map(|it| (it.rest_symbol(), it.venue_symbol.as_str())).collect()
}

/// The names of a venue's symbols.
#[derive(Debug, Clone)]
pub enum Listing {
    /// From the venue's own list.
    Listed(HashMap<Symbol, Instrument>),
    /// By the venue's naming rule, because the list cannot be had.
    ByRule,
}

impl Listing {
    /// A listing from the venue's own list. Of two instruments of one symbol the traded one counts.
    #[must_use]
    pub fn listed(instruments: Vec<Instrument>) -> Self {
        let mut by_symbol: HashMap<Symbol, Instrument> = HashMap::new();
        for it in instruments {
            if it.trading || !by_symbol.contains_key(&it.symbol) {
                by_symbol.insert(it.symbol.clone(), it);
            }
        }
        Self::Listed(by_symbol)
    }

    /// What the venue lists for a symbol, or what its naming rule makes of it; `None` when the venue
    /// does not list it or does not trade it.
    #[must_use]
    pub fn instrument(&self, exchange: &dyn Exchange, symbol: &Symbol) -> Option<Instrument> {
        match self {
            Self::Listed(all) => all.get(symbol).filter(|it| it.trading).cloned(),
            Self::ByRule => Some(Instrument {
                symbol: symbol.clone(),
                venue_symbol: exchange.name_by_rule(symbol),
                rest_symbol: None,
                trading: true,
            }),
        }
    }

    /// The venue's name of a symbol; `None` when the venue does not list it or does not trade it.
    #[must_use]
    pub fn venue_symbol(&self, exchange: &dyn Exchange, symbol: &Symbol) -> Option<String> {
        match self {
            Self::Listed(map) => {
                map.get(symbol).filter(|it| it.trading).map(|it| it.venue_symbol.clone())
            }
            Self::ByRule => Some(exchange.name_by_rule(symbol)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::binance::Binance;

    #[test]
    fn only_what_is_listed_and_traded_has_a_name() {
        let listing = Listing::listed(
            [
                ("BTC", "USDT", "BTCUSDT", true),
                ("LUNA", "USDT", "LUNAUSDT", false),
                ("ETH", "USDT", "ETHUSDT", true),
                ("ETH", "USDT", "OLDETH", false),
            ]
            .into_iter()
            .filter_map(|(base, quote, name, trading)| Instrument::of(base, quote, name, trading))
            .collect(),
        );
        let name = |text: &str| listing.venue_symbol(&Binance, &text.parse().unwrap());
        assert_eq!(name("BTC-USDT").as_deref(), Some("BTCUSDT"));
        assert_eq!(name("ETH-USDT").as_deref(), Some("ETHUSDT"));
        assert_eq!(name("LUNA-USDT"), None);
        assert_eq!(name("NOPE-USDT"), None);
    }

    #[test]
    fn a_name_cannot_break_out_of_a_subscription() {
        assert_eq!(Instrument::of("BTC", "USDT", "BTC\"],\"id\":1}", true), None);
        assert_eq!(Instrument::of("BTC", "USDT", "", true), None);
        assert_eq!(Instrument::of("B T", "USDT", "BTUSDT", true), None);
    }

    #[test]
    fn the_rule_names_anything() {
        let name = Listing::ByRule.venue_symbol(&Binance, &"NOPE-USDT".parse().unwrap());
        assert_eq!(name.as_deref(), Some("NOPEUSDT"));
    }
}
