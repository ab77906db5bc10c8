//! The index rule as arithmetic (`truth.md` 14): a quote's middle, and the median of several.

use rust_decimal::Decimal;
use std::ops::Range;
use tickcast_shared::market::{Price, Reason, State, Ticker};

/// Widest spread of a quote whose middle still means something: 2 % of the middle.
const MAX_SPREAD: Decimal = Decimal::from_parts(2, 0, 0, false, 2);
/// How far from the median, and two prices from each other, may lie what counts: 1 %.
const MAX_DISTANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
const HALF: Decimal = Decimal::from_parts(5, 0, 0, false, 1);
/// Most digits after the point. A mean of middles has at most two more than the finest quote, so it
/// is exact for every price that venues write; beyond this it is rounded to even.
const MAX_DECIMALS: u32 = 20;

/// The middle of a ticker's quote, or why it has none that counts.
pub(super) fn middle(ticker: &Ticker) -> Result<Price, Reason> {
    match ticker.state {
        State::Live => {}
        State::Pending => return Err(Reason::PENDING),
        State::Stale => return Err(Reason::STALE),
        State::Halted => return Err(Reason::HALTED),
    }
    let (bid, ask) = ticker.bid_price.zip(ticker.ask_price).ok_or(Reason::NO_QUOTE)?;
    if bid > ask {
        return Err(Reason::CROSSED);
    }
    let middle = mean(bid, ask).ok_or(Reason::NO_QUOTE)?;
    if is_within(MAX_SPREAD, bid, ask, middle) { Ok(middle) } else { Err(Reason::WIDE_SPREAD) }
}

/// What several middles amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The index, or why there is none.
    pub value: Result<Price, Reason>,
    /// Which of the sorted middles count.
    pub used: Range<usize>,
}

/// Sorts the middles and takes their median: of three or more without those that are more than 1 %
/// from it, of two only when they are not more than 1 % apart. Fewer than `quorum` have none.
pub(super) fn judge<T>(middles: &mut [(Price, T)], quorum: usize) -> Verdict {
    middles.sort_unstable_by_key(|(price, _)| *price);
    let all = 0..middles.len();
    let Some(median) = median(middles).filter(|_| all.len() >= quorum) else {
        return Verdict { value: Err(Reason::QUORUM), used: all };
    };
    if let [(low, _), (high, _)] = middles {
        let agree = is_within(MAX_DISTANCE, *low, *high, median);
        return Verdict {
            value: if agree { Ok(median) } else { Err(Reason::DISAGREE) },
            used: all,
        };
    }
    let near = |price: Price| is_within(MAX_DISTANCE, price.min(median), price.max(median), median);
    let first = middles.partition_point(|(price, _)| *price < median && !near(*price));
    let end = middles.partition_point(|(price, _)| *price < median || near(*price));
    let used = first..end.max(first);
    let enough = used.len() >= quorum;
    let value = self::median(&middles[used.clone()]).filter(|_| enough).ok_or(Reason::QUORUM);
    Verdict { value, used }
}

/// The middle one of sorted prices, or the mean of the middle two.
fn median<T>(sorted: &[(Price, T)]) -> Option<Price> {
    let half = sorted.len() / 2;
    let upper = sorted.get(half)?.0;
    if sorted.len() % 2 == 1 { Some(upper) } else { mean(sorted[half - 1].0, upper) }
}

/// Exact, up to [`MAX_DECIMALS`]. Not even the largest prices are too large to be added.
fn mean(low: Price, high: Price) -> Option<Price> {
    let sum = low.decimal().checked_add(high.decimal())?;
    Price::try_from(sum.checked_mul(HALF)?.round_dp(MAX_DECIMALS)).ok()
}

/// Whether `high - low` is at most that share of `whole`.
fn is_within(share: Decimal, low: Price, high: Price, whole: Price) -> bool {
    high.decimal() - low.decimal() <= whole.decimal() * share
}
