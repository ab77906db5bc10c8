//! The order of runs, and what is made of several of them.

use serde::Serialize;

/// Median and range of a figure over several runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// In the middle.
    pub median: f64,
    /// Smallest.
    pub least: f64,
    /// Largest.
    pub most: f64,
    /// How many.
    pub count: usize,
}

impl Spread {
    /// Of these figures; nothing without any.
    #[must_use]
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().filter(|it| it.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        Some(Self { median: median(&sorted)?, least, most, count: sorted.len() })
    }
}

/// Of sorted numbers; the mean of the two in the middle of an even count.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    match sorted.len().is_multiple_of(2) {
        true => Some((upper + sorted.get(sorted.len() / 2 - 1)?) / 2.0),
        false => Some(upper),
    }
}

/// Which sides are run in a round: forth in one, back in the next (A B, B A, A B, ...), so that a
/// machine that gets slower or faster favours none of them.
#[must_use]
pub fn order(sides: usize, round: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..sides).collect() } else { (0..sides).rev().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |figures: &[f64]| Spread::of(figures.iter().copied());
        let three = spread(&[9.0, 1.0, 2.0]).unwrap();
        assert_eq!((three.median, three.least, three.most, three.count), (2.0, 1.0, 9.0, 3));
        assert_eq!(spread(&[1.0, 2.0, 4.0, 9.0]).unwrap().median, 3.0);
        assert_eq!(spread(&[f64::NAN, 7.0]).unwrap().count, 1);
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn rounds_go_forth_and_back() {
        let all: Vec<usize> = (0..4).flat_map(|round| order(2, round)).collect();
        assert_eq!(all, [0, 1, 1, 0, 0, 1, 1, 0]);
        assert_eq!(order(3, 1), [2, 1, 0]);
    }
}
