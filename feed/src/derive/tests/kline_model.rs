//! Bars against a naive model: all prices kept, and grouped in the end.

use super::rig::{Rig, START, at, bars, last, stale};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tickcast_shared::{clock::Micros, market::Interval};

#[derive(Debug, Clone)]
enum Step {
    /// So many milliseconds pass, and a price comes.
    Price(i64, u32),
    /// So many milliseconds pass, and the topic turns stale.
    Stale(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let pause = prop_oneof![0_i64..500, 0_i64..20_000, 0_i64..200_000];
    prop_oneof![
        9 => (pause.clone(), 1_u32..1000).prop_map(|(pause, price)| Step::Price(pause, price)),
        1 => pause.prop_map(Step::Stale),
    ]
}

/// Open, high, low, close, how many, and whether it was seen whole.
type Group = (u32, u32, u32, u32, u64, bool);

fn naive(steps: &[Step], interval: Interval) -> BTreeMap<Micros, Group> {
    let mut groups: BTreeMap<Micros, Group> = BTreeMap::new();
    let (mut millis, mut gap_to) = (0, i64::MAX);
    let mut gaps = Vec::new();
    let mut gap_from = i64::MIN;
    for step in steps {
        match step {
            Step::Price(pause, price) => {
                millis += pause;
                if gap_to == i64::MAX {
                    gap_to = millis;
                    gaps.push((gap_from, gap_to));
                }
                let open = interval.open_of(at(millis));
                let group = groups.entry(open).or_insert((*price, *price, *price, *price, 0, true));
                *group =
                    (group.0, group.1.max(*price), group.2.min(*price), *price, group.4 + 1, true);
            }
            Step::Stale(pause) => {
                millis += pause;
                if gap_to != i64::MAX {
                    (gap_from, gap_to) = (millis, i64::MAX);
                }
            }
        }
    }
    if gap_to == i64::MAX {
        gaps.push((gap_from, i64::MAX));
    }
    for (open, group) in &mut groups {
        // Until a bar is closed, a gap behind its end may still have cost it prices.
        let (from, to) = (open.0 - START.0, interval.close_of(*open).0 - START.0 + 2_000_000);
        let meets = |(start, end): &(i64, i64)| {
            start.saturating_mul(1000) < to && end.saturating_mul(1000) > from
        };
        group.5 = !gaps.iter().any(meets);
    }
    groups
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn bars_are_what_was_received(steps in prop::collection::vec(step(), 1..200)) {
        let mut rig = Rig::new(&["okx"], 0, &Interval::ALL);
        let mut shown = Vec::new();
        let mut millis = 0;
        for step in &steps {
            let (pause, ticker) = match step {
                Step::Price(pause, price) => (pause, Some(price)),
                Step::Stale(pause) => (pause, None),
            };
            millis += pause;
            shown.extend(bars(rig.run_until(at(millis))));
            let now = at(millis);
            let ticker = ticker.map_or(stale(now), |price| last(&price.to_string(), now));
            shown.extend(bars(rig.hear("okx", ticker, now)));
        }
        shown.extend(bars(rig.run_until(at(millis + 2 * 24 * 3_600_000))));
        for interval in Interval::ALL {
            let topic = format!("kline:okx:BTC-USDT:{interval}");
            let own = shown.iter().filter(|(name, _)| *name == topic).map(|(_, bar)| bar);
            let own: Vec<_> = own.collect();
            prop_assert!(own.windows(2).all(|two| two[0].open_time <= two[1].open_time), "in order");
            let closed: BTreeMap<Micros, Group> = own
                .iter()
                .filter(|bar| bar.closed)
                .map(|bar| {
                    let [open, high, low, close] =
                        [bar.open, bar.high, bar.low, bar.close].map(|it| it.to_string().parse().unwrap());
                    (bar.open_time, (open, high, low, close, bar.ticks, bar.complete))
                })
                .collect();
            prop_assert_eq!(own.iter().filter(|bar| bar.closed).count(), closed.len(), "once each");
            prop_assert_eq!(closed, naive(&steps, interval));
        }
    }
}
