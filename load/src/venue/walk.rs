//! A seeded random walk of one market in whole price steps.

use super::{exchange::Exchange, instrument::Instrument, tick::Tick};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Prices in US dollars of assets that everybody knows; quotes are valued with it too.
const DOLLARS: [(&str, Decimal); 20] = [
    ("BTC", Decimal::from_parts(67_000, 0, 0, false, 0)),
    ("ETH", Decimal::from_parts(2_600, 0, 0, false, 0)),
    ("SOL", Decimal::from_parts(165, 0, 0, false, 0)),
    ("BNB", Decimal::from_parts(590, 0, 0, false, 0)),
    ("XRP", Decimal::from_parts(52, 0, 0, false, 2)),
    ("ADA", Decimal::from_parts(34, 0, 0, false, 2)),
    ("DOGE", Decimal::from_parts(14, 0, 0, false, 2)),
    ("LTC", Decimal::from_parts(70, 0, 0, false, 0)),
    ("DOT", Decimal::from_parts(41, 0, 0, false, 1)),
    ("LINK", Decimal::from_parts(112, 0, 0, false, 1)),
    ("AVAX", Decimal::from_parts(26, 0, 0, false, 0)),
    ("TRX", Decimal::from_parts(165, 0, 0, false, 3)),
    ("ATOM", Decimal::from_parts(44, 0, 0, false, 1)),
    ("KCS", Decimal::from_parts(89, 0, 0, false, 1)),
    ("SHIB", Decimal::from_parts(175, 0, 0, false, 7)),
    ("EUR", Decimal::from_parts(108, 0, 0, false, 2)),
    ("GBP", Decimal::from_parts(130, 0, 0, false, 2)),
    ("USD", Decimal::ONE),
    ("USDT", Decimal::ONE),
    ("USDC", Decimal::ONE),
];
/// Price steps that make up the price at least, so that one step is at most 0.001 %.
const MIN_STEPS: Decimal = Decimal::from_parts(100_000, 0, 0, false, 0);
/// Finest price step, 10^-8, as fine as the real exchanges go.
const MAX_SCALE: u32 = 8;
/// The walk stays within a twentieth of where it began: no jump guard has a reason to act.
const REACH: i64 = 20;
/// Steps the middle moves at most in one update.
const STRIDE: i64 = 3;
/// Largest size in an update, in US dollars.
const MAX_SIZE_DOLLARS: i64 = 20_000;
/// Where sequences begin; any number does, this one looks like the real ones.
const FIRST_SEQUENCE: u64 = 14_691_000_000;
/// Scale of sizes: 10^-8.
const SIZE_SCALE: u32 = 8;

/// The level that leaves prices where they are, in parts per million.
const WHOLE_LEVEL: i64 = 1_000_000;

/// How many digits an exchange writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    /// As few as needed.
    Short,
    /// Always eight after the point.
    Eight,
}

/// The walk of one market. Same seed, same walk.
#[derive(Debug)]
pub struct Walk {
    symbol: String,
    digits: Digits,
    rng: StdRng,
    start: i64,
    middle: i64,
    high: i64,
    low: i64,
    scale: u32,
    max_size: i64,
    volume: i64,
    sequence: u64,
}

impl Walk {
    /// The walk of an instrument.
    #[must_use]
    pub fn new(exchange: Exchange, instrument: &Instrument, seed: u64) -> Self {
        let price = first_price(instrument);
        let (steps, scale) = first_steps(instrument);
        let quote = instrument.pair.as_ref().and_then(|(_, quote)| dollars(quote));
        let worth = price * quote.unwrap_or(Decimal::ONE);
        let units = Decimal::from(MAX_SIZE_DOLLARS * 10_i64.pow(SIZE_SCALE)) / worth;
        Self {
            symbol: instrument.symbol.to_string(),
            digits: match exchange {
                Exchange::Binance | Exchange::Coinbase => Digits::Eight,
                _ => Digits::Short,
            },
            rng: StdRng::seed_from_u64(seed),
            start: steps,
            middle: steps,
            high: steps,
            low: steps,
            scale,
            max_size: units.to_i64().unwrap_or(i64::MAX / 2).max(1000),
            volume: 0,
            sequence: FIRST_SEQUENCE,
        }
    }

    /// The next state, at a time in milliseconds since the Unix epoch and a price level in parts
    /// per million. Its sequence is above all before.
    pub fn step(&mut self, time_ms: i64, level: i64) -> Tick {
        let reach = (self.start / REACH).max(1);
        let moved = self.middle + self.rng.random_range(-STRIDE..=STRIDE);
        self.middle = moved.clamp(self.start - reach + 1, self.start + reach).max(STRIDE);
        let bid = at_level(self.middle, level);
        let ask = bid + self.rng.random_range(1..=STRIDE);
        // Often inside the quote, sometimes a step outside: the quote moved after the last trade.
        let last = self.rng.random_range((bid - 1)..=(ask + 1));
        self.high = self.high.max(last);
        self.low = self.low.min(last);
        self.sequence += self.rng.random_range(1..=5);
        let (last_size, bid_size, ask_size) = (self.size(), self.size(), self.size());
        self.volume = self.volume.saturating_add(last_size);
        let turnover = Decimal::new(self.volume, SIZE_SCALE) * Decimal::new(last, self.scale);
        Tick {
            symbol: self.symbol.clone(),
            last: self.price(last),
            last_qty: self.quantity(last_size),
            bid: self.price(bid),
            bid_qty: self.quantity(bid_size),
            ask: self.price(ask),
            ask_qty: self.quantity(ask_size),
            open_24h: self.price(self.start),
            high_24h: self.price(self.high),
            low_24h: self.price(self.low),
            volume_24h: self.quantity(self.volume),
            quote_volume_24h: Some(self.text(turnover.round_dp(SIZE_SCALE))),
            sequence: Some(self.sequence),
            time_ms: Some(time_ms),
        }
    }

    fn size(&mut self) -> i64 {
        self.rng.random_range(self.max_size / 1000..=self.max_size)
    }

    fn price(&self, steps: i64) -> Option<String> {
        Some(self.text(Decimal::new(steps, self.scale)))
    }

    fn quantity(&self, units: i64) -> Option<String> {
        Some(self.text(Decimal::new(units, SIZE_SCALE)))
    }

    fn text(&self, mut number: Decimal) -> String {
        match self.digits {
            Digits::Short => number.normalize().to_string(),
            Digits::Eight => {
                number.rescale(SIZE_SCALE);
                number.to_string()
            }
        }
    }
}

fn dollars(asset: &str) -> Option<Decimal> {
    DOLLARS.iter().find(|(name, _)| *name == asset).map(|(_, price)| *price)
}

/// A price in steps, moved to a level in parts per million.
fn at_level(steps: i64, level: i64) -> i64 {
    let moved = i128::from(steps) * i128::from(level) / i128::from(WHOLE_LEVEL);
    // Below three steps a price outside the quote would be none; above, sums must not overflow.
    i64::try_from(moved).unwrap_or(i64::MAX).clamp(STRIDE, i64::MAX / 2)
}

/// Where the walk begins, in price steps, and the scale of a step.
pub(super) fn first_steps(instrument: &Instrument) -> (i64, u32) {
    let price = first_price(instrument);
    let mut scale = 0;
    while scale < MAX_SCALE && price * Decimal::from(10_u64.pow(scale)) < MIN_STEPS {
        scale += 1;
    }
    let steps = (price * Decimal::from(10_u64.pow(scale))).to_i64().unwrap_or(1).max(REACH);
    (steps, scale)
}

/// Where the walk begins: the known price, or one made from the name's letters.
fn first_price(instrument: &Instrument) -> Decimal {
    let Some((base, quote)) = &instrument.pair else { return Decimal::ONE_HUNDRED };
    let made_up = || Decimal::from(base.bytes().map(u64::from).sum::<u64>()) / Decimal::ONE_HUNDRED;
    dollars(base).unwrap_or_else(made_up) / dollars(quote).unwrap_or(Decimal::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(exchange: Exchange, symbol: &str, seed: u64) -> Walk {
        Walk::new(exchange, &Instrument::spot(exchange, &symbol.parse().unwrap()), seed)
    }

    fn number(text: &Option<String>) -> Decimal {
        Decimal::from_str_exact(text.as_deref().unwrap()).unwrap()
    }

    #[test]
    fn sequences_only_rise_and_quotes_never_cross() {
        for symbol in ["BTC-USDT", "ETH-BTC", "SHIB-USDT", "NOBODY-KNOWS"] {
            let mut walk = walk(Exchange::Kucoin, symbol, 1);
            let mut before = 0;
            for _ in 0..2000 {
                let tick = walk.step(0, WHOLE_LEVEL);
                assert!(tick.sequence.unwrap() > before, "{symbol}");
                before = tick.sequence.unwrap();
                assert!(number(&tick.bid) > Decimal::ZERO && number(&tick.last) > Decimal::ZERO);
                assert!(number(&tick.bid) < number(&tick.ask), "{symbol}: {tick:?}");
                assert!(number(&tick.bid_qty) > Decimal::ZERO, "{symbol}");
            }
        }
    }

    #[test]
    fn the_last_price_is_sometimes_outside_the_quote() {
        let mut walk = walk(Exchange::Kucoin, "BTC-USDT", 7);
        let ticks: Vec<Tick> = (0..200).map(|_| walk.step(0, WHOLE_LEVEL)).collect();
        let outside = |tick: &&Tick| {
            number(&tick.last) < number(&tick.bid) || number(&tick.last) > number(&tick.ask)
        };
        let count = ticks.iter().filter(outside).count();
        assert!((1..200).contains(&count), "{count}");
    }

    #[test]
    fn writes_exact_decimals_near_the_known_price() {
        let tick = walk(Exchange::Binance, "ETH-USDT", 3).step(0, WHOLE_LEVEL);
        let bid = tick.bid.clone().unwrap();
        assert_eq!(bid.split_once('.').unwrap().1.len(), 8, "{bid}");
        assert!((number(&tick.bid) - Decimal::from(2600)).abs() < Decimal::ONE, "{bid}");
        let short = walk(Exchange::Okx, "BTC-USDT", 3).step(0, WHOLE_LEVEL).bid.unwrap();
        assert!(short.split_once('.').is_none_or(|(_, digits)| digits.len() == 1), "{short}");
    }

    #[test]
    fn the_level_moves_prices_and_never_to_nothing() {
        let mut walk = walk(Exchange::Kraken, "BTC-USDT", 3);
        let half = walk.step(0, WHOLE_LEVEL / 2);
        assert!((number(&half.bid) - Decimal::from(33_500)).abs() < Decimal::ONE, "{half:?}");
        let none = walk.step(0, 0);
        assert!(number(&none.bid) > Decimal::ZERO && number(&none.last) > Decimal::ZERO);
    }

    #[test]
    fn the_seed_decides() {
        let steps = |seed| {
            let mut walk = walk(Exchange::Okx, "BTC-USDT", seed);
            (0..50).map(|_| walk.step(0, WHOLE_LEVEL)).collect::<Vec<_>>()
        };
        assert_eq!(steps(1), steps(1));
        assert_ne!(steps(1), steps(2));
    }
}
