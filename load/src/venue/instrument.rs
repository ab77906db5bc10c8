//! What a simulated exchange lists, under its own names and under ours.

use super::exchange::Exchange;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tickcast_shared::market::{ParseError, Symbol};

/// Symbols of a simulator that was not told any.
pub const DEFAULT_SYMBOLS: [&str; 8] = [
    "BTC-USDT",
    "ETH-USDT",
    "SOL-USDT",
    "XRP-USDT",
    "ADA-USDT",
    "DOGE-USDT",
    "LTC-USDT",
    "ETH-BTC",
];

/// Something that can be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// The exchange's own name, `BTCUSDT`.
    pub name: Arc<str>,
    /// Our name, `BTC-USDT`; the exchange's own for what is not spot.
    pub symbol: Arc<str>,
    /// Base and quote of a spot pair; nothing for futures and swaps, which no list of spot
    /// instruments has but which can be subscribed to all the same.
    pub pair: Option<(String, String)>,
}

impl Instrument {
    /// A spot pair under an exchange's name for it.
    #[must_use]
    pub fn spot(exchange: Exchange, symbol: &Symbol) -> Self {
        let (base, quote) = (symbol.base(), symbol.quote());
        Self {
            name: exchange.spelling(base, quote).into(),
            symbol: symbol.as_str().into(),
            pair: Some((base.to_owned(), quote.to_owned())),
        }
    }

    /// Anything else, known by the exchange's name only.
    #[must_use]
    pub fn derivative(name: &str) -> Self {
        Self { name: name.into(), symbol: name.into(), pair: None }
    }
}

/// All instruments of a simulated exchange.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    instruments: Vec<Instrument>,
    by_name: HashMap<Arc<str>, usize>,
    by_symbol: HashMap<Arc<str>, usize>,
    /// Our names of what was listed once.
    delisted: HashSet<Arc<str>>,
}

impl Catalogue {
    /// A catalogue in the given order; a name that comes twice is taken once.
    #[must_use]
    pub fn new(instruments: impl IntoIterator<Item = Instrument>) -> Self {
        let mut catalogue = Self::default();
        for instrument in instruments {
            if catalogue.by_name.contains_key(&instrument.name) {
                continue;
            }
            let index = catalogue.instruments.len();
            catalogue.by_name.insert(instrument.name.clone(), index);
            catalogue.by_symbol.insert(instrument.symbol.clone(), index);
            catalogue.instruments.push(instrument);
        }
        catalogue
    }

    /// The catalogue of symbols written our way.
    ///
    /// # Errors
    /// [`ParseError::Symbol`] for what is not `BASE-QUOTE`.
    pub fn of_symbols(exchange: Exchange, symbols: &[String]) -> Result<Self, ParseError> {
        let parsed: Result<Vec<Symbol>, _> = symbols.iter().map(|text| text.parse()).collect();
        Ok(Self::new(parsed?.iter().map(|symbol| Instrument::spot(exchange, symbol))))
    }

    /// The same with one more at its end, if it is not there.
    #[must_use]
    pub fn with(&self, instrument: Instrument) -> Self {
        let delisted = self.delisted.iter().filter(|it| **it != instrument.symbol).cloned();
        let delisted = delisted.collect();
        let listed = self.instruments.iter().cloned().chain([instrument]);
        Self { delisted, ..Self::new(listed) }
    }

    /// The same without a symbol (our name), which is remembered as delisted.
    #[must_use]
    pub fn without(&self, symbol: &str) -> Self {
        let mut delisted = self.delisted.clone();
        delisted.extend(self.by_symbol(symbol).map(|instrument| instrument.symbol.clone()));
        let rest = self.instruments.iter().filter(|it| &*it.symbol != symbol).cloned();
        Self { delisted, ..Self::new(rest) }
    }

    /// Whether a symbol (our name) was listed and is no more.
    #[must_use]
    pub fn is_delisted(&self, symbol: &str) -> bool {
        self.delisted.contains(symbol)
    }

    /// All of them, in order.
    #[must_use]
    pub fn all(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Spot pairs only, in order, each with base and quote.
    pub fn spot(&self) -> impl Iterator<Item = (&Instrument, &str, &str)> {
        self.instruments.iter().filter_map(|instrument| {
            instrument.pair.as_ref().map(|(base, quote)| (instrument, &**base, &**quote))
        })
    }

    /// By the exchange's own name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Instrument> {
        self.by_name.get(name).map(|index| &self.instruments[*index])
    }

    /// By our name.
    #[must_use]
    pub fn by_symbol(&self, symbol: &str) -> Option<&Instrument> {
        self.by_symbol.get(symbol).map(|index| &self.instruments[*index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_both_names() {
        let symbols = ["BTC-USDT".to_owned(), "ETH-BTC".to_owned(), "BTC-USDT".to_owned()];
        let catalogue = Catalogue::of_symbols(Exchange::Binance, &symbols).unwrap();
        assert_eq!(catalogue.all().len(), 2);
        assert_eq!(&*catalogue.by_name("ETHBTC").unwrap().symbol, "ETH-BTC");
        assert_eq!(&*catalogue.by_symbol("BTC-USDT").unwrap().name, "BTCUSDT");
        assert!(Catalogue::of_symbols(Exchange::Okx, &["btc".to_owned()]).is_err());
    }

    #[test]
    fn remembers_what_was_delisted() {
        let symbols = ["BTC-USDT".to_owned(), "ETH-BTC".to_owned()];
        let catalogue = Catalogue::of_symbols(Exchange::Kraken, &symbols).unwrap();
        let without = catalogue.without("BTC-USDT").without("NO-PE");
        assert!(without.is_delisted("BTC-USDT") && !without.is_delisted("NO-PE"));
        assert_eq!((without.all().len(), without.by_name("BTC/USDT")), (1, None));
        let symbol = "BTC-USDT".parse().unwrap();
        let again = without.with(Instrument::spot(Exchange::Kraken, &symbol));
        assert!(!again.is_delisted("BTC-USDT"));
        assert_eq!(again.all().len(), 2);
    }
}
