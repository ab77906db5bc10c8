//! Which bars are missing, and in which requests to ask for them. Pure.

use std::{collections::BTreeSet, time::Duration};
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval},
};

/// A bar is asked for so long after its end: venues correct their newest one for a while, and our own
/// is closed and written by then.
const SETTLED: Duration = Duration::from_secs(60);

/// The bars of one topic that are wanted of its venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    interval: Interval,
    /// The openings of the wanted bars.
    openings: BTreeSet<Micros>,
}

/// One request: bars that open at `from` or later and end at `end` at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub from: Micros,
    pub end: Micros,
}

/// The newest `most` bars of an interval that are over by now, as the time at which the first of them
/// opens and the one at which the last one ends. Never more than are kept.
pub(super) fn range(interval: Interval, most: usize, now: Micros) -> Span {
    let end = interval.open_of(now.minus(SETTLED));
    let length = interval.micros();
    let wanted = length.saturating_mul(i64::try_from(most).unwrap_or(i64::MAX));
    // The oldest one goes as soon as the next one comes.
    let kept = interval.kept().map_or(i64::MAX, |kept| {
        i64::try_from(kept.as_micros()).unwrap_or(i64::MAX).saturating_sub(length)
    });
    Span { from: Micros((end.0.saturating_sub(wanted.min(kept))).max(0)), end }
}

impl Gap {
    /// What is missing in that range: bars that are not kept at all, and those that were not seen
    /// whole here.
    pub(super) fn find(interval: Interval, range: Span, kept: &[Bar]) -> Self {
        let mut openings = BTreeSet::new();
        let mut open = interval.open_of(range.from);
        if open < range.from {
            open = interval.close_of(open);
        }
        while open < range.end {
            openings.insert(open);
            open = interval.close_of(open);
        }
        for bar in kept.iter().filter(|bar| bar.complete) {
            openings.remove(&bar.open_time);
        }
        Self { interval, openings }
    }

    /// Requests of at most `most` bars each (at least one) that hold all of them, oldest first.
    pub(super) fn requests(&self, most: usize) -> Vec<Span> {
        let reach = i64::try_from(most.max(1)).unwrap_or(i64::MAX);
        let mut spans: Vec<Span> = Vec::new();
        for open in &self.openings {
            let end = self.interval.close_of(*open);
            match spans.last_mut() {
                Some(span) if (end.0 - span.from.0) / self.interval.micros() <= reach => {
                    span.end = end;
                }
                _ => spans.push(Span { from: *open, end }),
            }
        }
        spans
    }

    /// Of a venue's bars those that are wanted.
    pub(super) fn pick(&self, bars: Vec<Bar>) -> Vec<Bar> {
        bars.into_iter().filter(|bar| self.openings.contains(&bar.open_time)).collect()
    }
}

/// Bars of a shorter interval put together, oldest first: for venues that have none of `interval`.
pub(super) fn fold(bars: Vec<Bar>, interval: Interval) -> Vec<Bar> {
    let mut folded: Vec<Bar> = Vec::new();
    for bar in bars {
        let open_time = interval.open_of(bar.open_time);
        match folded.last_mut() {
            Some(whole) if whole.open_time == open_time => {
                whole.high = whole.high.max(bar.high);
                whole.low = whole.low.min(bar.low);
                whole.close = bar.close;
            }
            _ => folded.push(Bar { open_time, close_time: interval.close_of(open_time), ..bar }),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickcast_shared::market::BarSource;

    const MINUTE: i64 = 60_000_000;
    /// 2026-01-01 00:00 UTC.
    const START: i64 = 1_767_225_600_000_000;

    fn bar(interval: Interval, number: i64, complete: bool) -> Bar {
        let open_time = Micros(START + number * interval.micros());
        let price = |n: i64| (100 + n).to_string().parse().unwrap();
        Bar {
            open_time,
            close_time: interval.close_of(open_time),
            open: price(number),
            high: price(number + 5),
            low: price(number - 5),
            close: price(number + 1),
            ticks: 0,
            closed: true,
            complete,
            source: BarSource::Venue,
        }
    }

    fn minutes(span: Span) -> (i64, i64) {
        ((span.from.0 - START) / MINUTE, (span.end.0 - START) / MINUTE)
    }

    #[test]
    fn the_range_ends_with_the_last_bar_that_is_settled() {
        let at = |minute: i64, second: i64| Micros(START + minute * MINUTE + second * 1_000_000);
        assert_eq!(minutes(range(Interval::M1, 5, at(10, 59))), (4, 9));
        assert_eq!(minutes(range(Interval::M1, 5, at(11, 0))), (5, 10));
        assert_eq!(minutes(range(Interval::M5, 2, at(10, 59))), (-5, 5));
        let week = range(Interval::M1, usize::MAX, at(0, 0));
        assert_eq!((week.end.0 - week.from.0) / MINUTE, 7 * 24 * 60 - 1, "no more than are kept");
        assert_eq!(range(Interval::D1, usize::MAX, at(0, 0)).from, Micros(0));
    }

    #[test]
    fn only_what_is_missing_or_incomplete_is_asked_for() {
        let m1 = Interval::M1;
        let all = Span { from: Micros(START), end: Micros(START + 10 * MINUTE) };
        let kept: Vec<Bar> = (0..10)
            .map(|n| bar(m1, n, n != 4))
            .filter(|bar| bar.open_time.0 != START + 7 * MINUTE)
            .collect();
        let gap = Gap::find(m1, all, &kept);
        assert_eq!(gap.openings.len(), 2);
        let requests: Vec<_> = gap.requests(2).into_iter().map(minutes).collect();
        assert_eq!(requests, [(4, 5), (7, 8)]);
        assert_eq!(gap.requests(100).into_iter().map(minutes).collect::<Vec<_>>(), [(4, 8)]);
        let picked = gap.pick((3..9).map(|n| bar(m1, n, true)).collect());
        assert_eq!(picked, [bar(m1, 4, true), bar(m1, 7, true)], "a complete own bar stays");
        let none = Gap::find(m1, all, &(0..10).map(|n| bar(m1, n, true)).collect::<Vec<_>>());
        assert!(none.openings.is_empty() && none.requests(5).is_empty());
    }

    #[test]
    fn a_long_gap_is_several_requests() {
        let all = Span { from: Micros(START), end: Micros(START + 10 * MINUTE) };
        let gap = Gap::find(Interval::M1, all, &[]);
        let requests: Vec<_> = gap.requests(4).into_iter().map(minutes).collect();
        assert_eq!(requests, [(0, 4), (4, 8), (8, 10)]);
        assert_eq!(gap.requests(0).len(), 10);
    }

    #[test]
    fn four_hours_are_put_together_from_hours() {
        let hours = (0..6).map(|n| bar(Interval::H1, n, true)).collect();
        let folded = fold(hours, Interval::H4);
        assert_eq!(folded.len(), 2);
        let first = &folded[0];
        assert_eq!((first.open_time, first.close_time.0 - START), (Micros(START), 240 * MINUTE));
        let prices = [first.open, first.high, first.low, first.close].map(|it| it.to_string());
        assert_eq!(prices, ["100", "108", "95", "104"]);
        assert_eq!(folded[1].open.to_string(), "104");
    }
}
