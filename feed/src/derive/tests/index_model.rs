//! The median against the rule written down plainly.

use crate::derive::median::{Verdict, judge};
use proptest::prelude::*;
use rust_decimal::Decimal;
use tickcast_shared::market::{Price, Reason};

/// Rule 14 in whole numbers: prices in units, doubled so that a mean of two is whole.
fn plain(prices: &[i64], quorum: usize) -> Result<i64, Reason> {
    let median_of = |sorted: &[i64]| match sorted.len() {
        n if n % 2 == 1 => 2 * sorted[n / 2],
        n => sorted[n / 2 - 1] + sorted[n / 2],
    };
    let mut sorted = prices.to_vec();
    sorted.sort_unstable();
    if sorted.len() < quorum || sorted.is_empty() {
        return Err(Reason::QUORUM);
    }
    let median = median_of(&sorted);
    if let [low, high] = sorted[..] {
        let near = 200 * (high - low) <= median;
        return if near { Ok(median) } else { Err(Reason::DISAGREE) };
    }
    sorted.retain(|price| 100 * (2 * price - median).abs() <= median);
    if sorted.len() < quorum || sorted.is_empty() {
        return Err(Reason::QUORUM);
    }
    Ok(median_of(&sorted))
}

fn price(units: i64, scale: u32) -> Price {
    Price::try_from(Decimal::new(units, scale)).unwrap()
}

proptest! {
    #[test]
    fn the_median_is_the_rule(
        prices in prop::collection::vec(prop_oneof![95_i64..=105, 9_800_i64..=10_200, 1_i64..=100_000], 0..7),
        quorum in 1_usize..4,
        scale in 0_u32..12,
    ) {
        let mut middles: Vec<(Price, ())> = prices.iter().map(|it| (price(*it, scale), ())).collect();
        let Verdict { value, used } = judge(&mut middles, quorum);
        let wanted = plain(&prices, quorum)
            .map(|doubled| Price::try_from(Decimal::new(doubled * 5, scale + 1)).unwrap());
        prop_assert_eq!(&value, &wanted);
        prop_assert!(used.end <= prices.len());
        if let Ok(value) = value {
            prop_assert!(value.decimal().scale() <= scale + 1, "digits do not grow");
        }
    }

    #[test]
    fn any_prices_have_a_verdict(texts in prop::collection::vec("[0-9]{1,15}(\\.[0-9]{1,14})?", 0..7)) {
        let prices = texts.iter().filter_map(|text| text.parse::<Price>().ok());
        let mut middles: Vec<(Price, ())> = prices.map(|price| (price, ())).collect();
        let all = middles.len();
        let verdict = judge(&mut middles, 2);
        if let Ok(value) = verdict.value {
            prop_assert!(verdict.used.len() >= 2 && all >= 2);
            let used = &middles[verdict.used];
            prop_assert!(used[0].0 <= value && value <= used[used.len() - 1].0);
        }
    }
}
