//! The prices of the last while as a line of bars.

use rust_decimal::{Decimal, prelude::ToPrimitive};
use std::{collections::VecDeque, time::Duration};
use tickcast_shared::clock::Micros;

/// Time that a bar stands for, at least: with one for each of 20 updates a second nothing could be seen.
const BAR_EVERY: Duration = Duration::from_millis(500);
/// Bars kept: more than any column is wide.
const KEPT_BARS: usize = 120;
/// From the lowest to the highest.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The level of prices that all are the same.
const MIDDLE: usize = 3;

/// Prices of one topic.
#[derive(Debug, Clone, Default)]
pub struct Spark {
    prices: VecDeque<Decimal>,
    newest_began: Option<Micros>,
}

impl Spark {
    /// Takes a price that came at `now`. It begins a bar of its own, unless the newest has just begun.
    pub fn add(&mut self, price: Decimal, now: Micros) {
        match self.newest_began {
            Some(began) if now.since(began) < BAR_EVERY => self.replace_newest(price),
            _ => self.begin(price, now),
        }
    }

    /// Takes the close of a bar that opened at `opening`, unless a later one is known.
    pub fn add_bar(&mut self, close: Decimal, opening: Micros) {
        match self.newest_began {
            Some(began) if began > opening => {}
            Some(began) if began == opening => self.replace_newest(close),
            _ => self.begin(close, opening),
        }
    }

    fn begin(&mut self, price: Decimal, at: Micros) {
        if self.prices.len() == KEPT_BARS {
            self.prices.pop_front();
        }
        self.prices.push_back(price);
        self.newest_began = Some(at);
    }

    fn replace_newest(&mut self, price: Decimal) {
        if let Some(newest) = self.prices.back_mut() {
            *newest = price;
        }
    }

    /// The newest prices, a character each.
    pub fn text(&self, width: usize) -> String {
        let prices = self.newest(width);
        let Some((low, high)) = range(&prices) else { return String::new() };
        prices.iter().map(|price| LEVELS[level(*price, low, high)]).collect()
    }

    /// Lowest and highest of the newest `width` prices.
    pub fn range(&self, width: usize) -> Option<(Decimal, Decimal)> {
        range(&self.newest(width))
    }

    /// Whether the newest price is at least the first of those shown; none without any.
    pub fn has_risen(&self, width: usize) -> Option<bool> {
        let prices = self.newest(width);
        Some(prices.last()? >= prices.first()?)
    }

    fn newest(&self, width: usize) -> Vec<Decimal> {
        self.prices.range(self.prices.len().saturating_sub(width)..).copied().collect()
    }
}

fn range(prices: &[Decimal]) -> Option<(Decimal, Decimal)> {
    Some((*prices.iter().min()?, *prices.iter().max()?))
}

fn level(price: Decimal, low: Decimal, high: Decimal) -> usize {
    let steps = Decimal::from(LEVELS.len() - 1);
    let share = (price - low).checked_div(high - low);
    share.and_then(|share| (share * steps).round().to_usize()).unwrap_or(MIDDLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_bar_is_at_least_half_a_second() {
        let mut spark = Spark::default();
        for (price, at) in [(1, 0), (9, SECOND / 4), (2, SECOND / 2 - 1), (8, SECOND / 2)] {
            spark.add(Decimal::from(price), Micros(at));
        }
        assert_eq!(spark.text(10), "▁█");
        assert_eq!(spark.range(10), Some((Decimal::from(2), Decimal::from(8))));
        assert_eq!(spark.has_risen(10), Some(true));
    }

    #[test]
    fn levels_go_from_lowest_to_highest() {
        let mut spark = Spark::default();
        assert_eq!((spark.text(5), spark.has_risen(5)), (String::new(), None));
        for price in 0..8 {
            spark.add(Decimal::from(price), Micros(i64::from(price) * SECOND));
        }
        assert_eq!(spark.text(8), "▁▂▃▄▅▆▇█");
        assert_eq!(spark.text(3), "▁▅█", "only the newest, on their own scale");
        for n in 8..500 {
            spark.add(Decimal::ONE, Micros(n * SECOND));
        }
        assert_eq!(spark.text(4), "▄▄▄▄");
        assert_eq!(spark.prices.len(), KEPT_BARS);
    }

    #[test]
    fn a_bar_in_progress_is_one_bar() {
        let mut spark = Spark::default();
        for (close, opening) in [(1, 0), (2, 60), (5, 60), (3, 60), (9, 0)] {
            spark.add_bar(Decimal::from(close), Micros(opening * SECOND));
        }
        assert_eq!(spark.text(10), "▁█");
    }
}
