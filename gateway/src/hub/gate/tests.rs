//! Throttle and filter with exact times; nothing here waits.

use super::*;
use proptest::prelude::*;

const MS: i64 = 1000;

fn quote(last: u32) -> Quote {
    stated(State::Live, last)
}

fn stated(state: State, last: u32) -> Quote {
    Quote { state, last: last.to_string().parse().ok(), bid: None, ask: None }
}

fn gate(interval_ms: u32, min_change_bps: u32, max_silence_ms: u32) -> Gate {
    *Gate::new(Settings { interval_ms, min_change_bps, max_silence_ms }, Micros(0)).unwrap()
}

fn at(ms: i64) -> Micros {
    Micros(ms * MS)
}

#[test]
fn every_update_needs_no_gate() {
    assert!(Gate::new(Settings::default(), at(0)).is_none());
}

#[test]
fn the_first_goes_at_once_and_the_newest_at_the_next_common_moment() {
    let mut gate = gate(100, 0, 30_000);
    assert_eq!(gate.offer(&quote(1), at(1010), 0), Verdict::Now);
    assert_eq!(gate.offer(&quote(2), at(1020), 0), Verdict::At(at(1125)));
    assert_eq!(gate.offer(&quote(3), at(1120), 0), Verdict::At(at(1125)));
    gate.went_out(&quote(3), at(1125));
    assert_eq!(gate.due(), None);
    assert_eq!(gate.offer(&quote(4), at(1150), 0), Verdict::At(at(1225)), "now on the grid");
    gate.went_out(&quote(4), at(1225));
    assert_eq!(gate.offer(&quote(5), at(1325), 0), Verdict::Now, "the interval is over");
}

#[test]
fn cohorts_have_moments_of_their_own() {
    let mut gate = gate(100, 0, 30_000);
    assert_eq!(gate.offer(&quote(1), at(1000), 30 * MS), Verdict::Now);
    assert_eq!(gate.offer(&quote(2), at(1001), 30 * MS), Verdict::At(at(1105)));
}

#[test]
fn a_long_interval_is_not_doubled_by_waiting_for_a_common_moment() {
    let mut gate = gate(10_000, 0, 30_000);
    assert_eq!(gate.offer(&quote(1), at(1), 0), Verdict::Now);
    assert_eq!(gate.offer(&quote(2), at(2), 0), Verdict::At(at(12_500)));
}

#[test]
fn a_source_as_fast_as_the_interval_loses_nothing_but_a_quarter_of_it() {
    let mut gate = gate(100, 0, 30_000);
    let mut sent = Vec::new();
    for n in 0..50 {
        let now = Micros(1_000_000 + n * 99_999);
        while let Some(due) = gate.due().filter(|due| *due <= now) {
            gate.went_out(&quote(1), due);
            sent.push(due);
        }
        if gate.offer(&quote(1), now, 33) == Verdict::Now {
            sent.push(now);
        }
    }
    assert!(sent.len() >= 48, "{} of 50", sent.len());
}

#[test]
fn a_change_of_state_passes_interval_and_filter_at_once() {
    let mut gate = gate(1000, 50, 30_000);
    assert_eq!(gate.offer(&quote(100), at(0), 0), Verdict::Now);
    assert_eq!(gate.offer(&stated(State::Stale, 100), at(1), 0), Verdict::Now);
    assert_eq!(gate.offer(&stated(State::Live, 100), at(2), 0), Verdict::Now);
    assert!(matches!(gate.offer(&quote(200), at(3), 0), Verdict::At(_)));
}

#[test]
fn what_did_not_move_enough_goes_out_after_the_longest_silence() {
    let mut gate = gate(0, 100, 30_000);
    assert_eq!(gate.offer(&quote(1000), at(5), 0), Verdict::Now);
    assert_eq!(gate.offer(&quote(1005), at(10), 0), Verdict::At(at(30_005)));
    assert_eq!(gate.offer(&quote(1009), at(20), 0), Verdict::At(at(30_005)));
    assert_eq!(gate.offer(&quote(1010), at(30), 0), Verdict::Now, "1 % of 1000");
    assert_eq!(gate.offer(&quote(1011), at(40), 0), Verdict::At(at(30_030)));
    assert_eq!(gate.offer(&quote(1012), at(30_030), 0), Verdict::Now);
}

#[test]
fn a_filtered_update_waits_for_the_interval_as_well() {
    let mut gate = gate(100, 100, 200);
    assert_eq!(gate.offer(&quote(1000), at(0), 0), Verdict::Now);
    assert_eq!(gate.offer(&quote(2000), at(50), 0), Verdict::At(at(100)), "moved, but too soon");
    assert_eq!(gate.offer(&quote(1000), at(60), 0), Verdict::At(at(100)), "back again: it stays");
}

#[test]
fn a_late_joiner_counts_for_the_filter_and_not_for_the_interval() {
    let mut gate = gate(100, 100, 30_000);
    assert_eq!(gate.offer(&quote(1000), at(0), 0), Verdict::Now);
    gate.held(&quote(1009));
    assert_eq!(gate.offer(&quote(998), at(150), 0), Verdict::Now, "more than 1 % from 1009");
}

proptest! {
    /// For any updates at any times: never two in an interval (states aside), the newest value
    /// always arrives, and a filter never holds one back for longer than the silence and an interval.
    #[test]
    fn the_promises_hold(
        steps in proptest::collection::vec((0_i64..400, 900_u32..1100, 0_u8..20), 1..60),
        interval_ms in prop_oneof![Just(0_u32), 1_u32..1000],
        bps in prop_oneof![Just(0_u32), 1_u32..500],
        phase in 0_i64..1_000_000,
    ) {
        let silence_ms = 2000;
        prop_assume!(interval_ms > 0 || bps > 0);
        let mut gate = gate(interval_ms, bps, silence_ms);
        let (mut now, mut held, mut newest) = (0, None, None);
        let mut last_sent: Option<i64> = None;
        let mut unsent_since: Option<i64> = None;
        for (wait, last, dice) in steps {
            let until = now + wait * MS;
            // What a timer would do on the way.
            while let Some(due) = gate.due().filter(|due| due.0 <= until) {
                let value = newest.unwrap();
                prop_assert!(last_sent.is_none_or(|sent| due.0 - sent >= i64::from(interval_ms) * MS));
                gate.went_out(&value, due);
                (held, last_sent, unsent_since) = (Some(value), Some(due.0), None);
            }
            now = until;
            let state = if dice == 0 { State::Stale } else { State::Live };
            let value = stated(state, last);
            let changed = newest.is_some_and(|it: Quote| it.state != state);
            newest = Some(value);
            match gate.offer(&value, Micros(now), phase % (i64::from(interval_ms.max(1)) * MS)) {
                Verdict::Now => {
                    let gap = last_sent.map(|sent| now - sent);
                    prop_assert!(changed || gap.is_none_or(|it| it >= i64::from(interval_ms) * MS));
                    (held, last_sent, unsent_since) = (Some(value), Some(now), None);
                }
                Verdict::At(due) => {
                    prop_assert!(!changed && due.0 > now);
                    let since = *unsent_since.get_or_insert(now);
                    let longest = i64::from(silence_ms + 2 * interval_ms) * MS;
                    prop_assert!(due.0 - since <= longest);
                }
            }
        }
        if gate.due().is_none() {
            prop_assert_eq!(held, newest);
        }
    }
}
