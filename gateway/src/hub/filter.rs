//! A change filter: lets through what has moved far enough from what every member of a cohort holds.

use super::Quote;
use rust_decimal::Decimal;
use tickcast_shared::market::Price;

/// Basis points in one whole.
const WHOLE_BPS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

/// The smallest move that counts, and the values that the members of a cohort hold.
///
/// Members may hold different values: one that joined late was given a newer value than the last
/// that went out to all. What is kept is the range of them, so a value passes as soon as it has
/// moved far enough for one of them.
#[derive(Debug, Clone)]
pub struct Filter {
    bps: Decimal,
    /// Last price, bid, ask.
    spans: [Span; 3],
}

/// What members hold of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    /// Nobody holds anything yet.
    Nothing,
    /// All hold `null`.
    Null,
    /// All hold a price in this range.
    Range { low: Price, high: Price },
    /// Some hold a price, some `null`.
    Mixed,
}

impl Filter {
    /// A filter for moves of at least `bps` basis points of the value held.
    #[must_use]
    pub fn new(bps: u32) -> Self {
        Self { bps: bps.into(), spans: [Span::Nothing; 3] }
    }

    /// A member was given this value.
    pub fn widen(&mut self, quote: &Quote) {
        for (span, value) in self.spans.iter_mut().zip(quote.prices()) {
            *span = span.with(Span::of(value));
        }
    }

    /// A member joins with whatever the members of the other cohort hold.
    pub fn widen_by(&mut self, other: &Self) {
        for (span, other) in self.spans.iter_mut().zip(&other.spans) {
            *span = span.with(*other);
        }
    }

    /// All members were given this value.
    pub fn collapse(&mut self, quote: &Quote) {
        self.spans = quote.prices().map(Span::of);
    }

    /// Whether last, bid or ask has moved far enough from what some member holds.
    #[must_use]
    pub fn is_moved(&self, quote: &Quote) -> bool {
        self.spans.iter().zip(quote.prices()).any(|(span, value)| span.is_left_by(value, self.bps))
    }
}

impl Span {
    fn of(value: Option<Price>) -> Self {
        value.map_or(Self::Null, |price| Self::Range { low: price, high: price })
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, it) | (it, Self::Nothing) => it,
            (Self::Null, Self::Null) => Self::Null,
            (Self::Range { low, high }, Self::Range { low: other_low, high: other_high }) => {
                Self::Range { low: low.min(other_low), high: high.max(other_high) }
            }
            _ => Self::Mixed,
        }
    }

    fn is_left_by(self, value: Option<Price>, bps: Decimal) -> bool {
        match (self, value) {
            (Self::Null, None) => false,
            (Self::Range { low, high }, Some(price)) => {
                is_far(price, low, bps) || is_far(price, high, bps)
            }
            _ => true,
        }
    }
}

/// Whether `price` differs from `held` by at least so many basis points of `held`. A number too
/// large to be compared counts as far: an update too many costs less than one too few.
fn is_far(price: Price, held: Price, bps: Decimal) -> bool {
    let (price, held) = (price.decimal(), held.decimal());
    let moved = price.checked_sub(held).and_then(|by| by.abs().checked_mul(WHOLE_BPS));
    match (moved, held.checked_mul(bps)) {
        (Some(moved), Some(least)) => moved >= least,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickcast_shared::market::State;

    fn quote(last: &str, bid: Option<&str>) -> Quote {
        let bid = bid.map(|text| text.parse().unwrap());
        Quote { state: State::Live, last: Some(last.parse().unwrap()), bid, ask: None }
    }

    #[test]
    fn a_move_counts_from_the_exact_threshold_on_either_side() {
        let mut filter = Filter::new(5);
        assert!(filter.is_moved(&quote("100", None)), "nobody holds anything");
        filter.collapse(&quote("100", None));
        for (price, passes) in [("100", false), ("100.0499", false), ("100.05", true)] {
            assert_eq!(filter.is_moved(&quote(price, None)), passes, "{price}");
        }
        assert!(!filter.is_moved(&quote("99.9501", None)));
        assert!(filter.is_moved(&quote("99.95", None)));
    }

    #[test]
    fn the_largest_move_counts_and_null_is_a_move() {
        let mut filter = Filter::new(100);
        filter.collapse(&quote("100", Some("99")));
        assert!(!filter.is_moved(&quote("100.5", Some("99.5"))));
        assert!(filter.is_moved(&quote("100", Some("99.99"))));
        assert!(filter.is_moved(&quote("100", None)));
        filter.collapse(&quote("100", None));
        assert!(filter.is_moved(&quote("100", Some("99"))));
    }

    #[test]
    fn a_late_joiner_widens_the_range_until_the_next_update() {
        let mut filter = Filter::new(100);
        filter.collapse(&quote("100", None));
        filter.widen(&quote("100.9", None));
        assert!(filter.is_moved(&quote("101", None)), "1 % from the early members' 100");
        assert!(filter.is_moved(&quote("99.85", None)), "more than 1 % from the late one's 100.9");
        assert!(!filter.is_moved(&quote("100.4", None)));
        filter.collapse(&quote("101", None));
        assert!(!filter.is_moved(&quote("100.4", None)), "the range has collapsed");
    }

    #[test]
    fn members_with_and_without_a_value_get_the_next_update() {
        let mut filter = Filter::new(100);
        filter.collapse(&quote("100", None));
        filter.widen(&quote("100", Some("99")));
        assert!(filter.is_moved(&quote("100", Some("99"))));
        let mut other = Filter::new(100);
        other.widen_by(&filter);
        assert!(other.is_moved(&quote("100", None)));
    }
}
