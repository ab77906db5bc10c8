//! Ticks with numbers that are none, or none to believe.

use crate::venue::tick::Tick;
use rust_decimal::Decimal;

/// What is wrong with a tick's numbers. Prices are its last price and both sides of its quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OddPrices {
    /// Bid and ask change places, which lets the bid lie above the ask.
    Crossed,
    /// Prices are `0`.
    Zero,
    /// Prices have a minus in front.
    Negative,
    /// Prices are an empty text.
    Empty,
    /// Prices are `NaN`.
    NotANumber,
    /// Prices are a thousand times as high, and as believable in themselves as any.
    Absurd,
    /// Sizes and volumes have more digits than any decimal type.
    AbsurdSize,
}

/// Which ticks are odd, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OddTicks {
    /// What is wrong with them.
    pub prices: OddPrices,
    /// Every so many-th tick of the exchange is; 1: each.
    pub every: u64,
}

/// How much higher an absurd price is.
const ABSURD_FACTOR: Decimal = Decimal::ONE_THOUSAND;
/// A size that no decimal type of 96 or 128 bits holds.
const ABSURD_SIZE: &str = "99999999999999999999999999999999999999999999.9";

impl OddTicks {
    /// Each tick.
    #[must_use]
    pub fn each(prices: OddPrices) -> Self {
        Self { prices, every: 1 }
    }

    /// The exchange's tick number `count`, spoilt if it is its turn.
    pub(in crate::venue) fn spoil(self, tick: Tick, count: u64) -> Tick {
        if count.is_multiple_of(self.every.max(1)) { self.prices.spoil(tick) } else { tick }
    }
}

impl OddPrices {
    fn spoil(self, mut tick: Tick) -> Tick {
        match self {
            Self::Crossed => std::mem::swap(&mut tick.bid, &mut tick.ask),
            Self::AbsurdSize => tick.sizes().for_each(|size| size.replace_range(.., ABSURD_SIZE)),
            Self::Zero => tick.prices().for_each(|price| price.replace_range(.., "0")),
            Self::Negative => tick.prices().for_each(|price| price.insert(0, '-')),
            Self::Empty => tick.prices().for_each(String::clear),
            Self::NotANumber => tick.prices().for_each(|price| price.replace_range(.., "NaN")),
            Self::Absurd => tick.prices().for_each(|price| {
                // What is no number cannot become more absurd.
                if let Ok(number) = Decimal::from_str_exact(price) {
                    *price = (number * ABSURD_FACTOR).to_string();
                }
            }),
        }
        tick
    }
}

impl Tick {
    fn prices(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.last, &mut self.bid, &mut self.ask].into_iter().flatten()
    }

    fn sizes(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.bid_qty, &mut self.ask_qty, &mut self.volume_24h].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoilt(prices: OddPrices) -> [Option<String>; 4] {
        let tick = Tick::quote("BTC-USDT", "1.5", "1.6").with_last("1.55");
        let tick = OddTicks::each(prices).spoil(tick, 7);
        [tick.last, tick.bid, tick.ask, tick.bid_qty]
    }

    #[test]
    fn each_kind_spoils_in_its_way() {
        let texts = |texts: [&str; 4]| texts.map(|text| Some(text.to_owned()));
        assert_eq!(spoilt(OddPrices::Crossed), texts(["1.55", "1.6", "1.5", "1"]));
        assert_eq!(spoilt(OddPrices::Zero), texts(["0", "0", "0", "1"]));
        assert_eq!(spoilt(OddPrices::Negative), texts(["-1.55", "-1.5", "-1.6", "1"]));
        assert_eq!(spoilt(OddPrices::Empty), texts(["", "", "", "1"]));
        assert_eq!(spoilt(OddPrices::NotANumber), texts(["NaN", "NaN", "NaN", "1"]));
        assert_eq!(spoilt(OddPrices::Absurd), texts(["1550.00", "1500.0", "1600.0", "1"]));
        assert_eq!(spoilt(OddPrices::AbsurdSize), texts(["1.55", "1.5", "1.6", ABSURD_SIZE]));
    }

    #[test]
    fn only_every_so_many_th_is_odd() {
        let odd = OddTicks { prices: OddPrices::Zero, every: 3 };
        let zeros = (1..=9).filter(|count| {
            odd.spoil(Tick::quote("A-B", "1", "2"), *count).bid.as_deref() == Some("0")
        });
        assert_eq!(zeros.collect::<Vec<_>>(), [3, 6, 9]);
    }
}
