//! Jumps that are confirmed, held and let go, at chosen times.

use super::*;

const QUOTES: Stated = Stated { quotes: true, last: false };
const LAST: Stated = Stated { quotes: false, last: true };
const MILLI: Duration = Duration::from_millis(1);

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn quote(bid: &str, ask: &str) -> Prices {
    Prices { bid: bid.parse().ok(), ask: ask.parse().ok(), last: None }
}

fn last(last: &str) -> Prices {
    Prices { last: last.parse().ok(), ..Prices::default() }
}

/// A guard at a time.
struct Bench {
    guard: Guard,
    others: Vec<Decimal>,
    now: Micros,
}

impl Bench {
    fn new(others: &[&str]) -> Self {
        let others = others.iter().map(|text| d(text)).collect();
        Self { guard: Guard::default(), others, now: Micros(1_700_000_000_000_000) }
    }

    fn after(&mut self, millis: u32, prices: &Prices, stated: Stated) -> Ruling {
        self.now = self.now.plus(millis * MILLI);
        self.guard.judge(prices, stated, &self.others, self.now)
    }

    /// A quote of no width.
    fn mid(&mut self, millis: u32, mid: &str) -> Ruling {
        self.after(millis, &quote(mid, mid), QUOTES)
    }
}

#[test]
fn the_first_price_of_all_is_accepted() {
    assert_eq!(Bench::new(&[]).mid(0, "100.00"), Ruling::Accept);
    assert_eq!(Bench::new(&["50.00"]).mid(0, "100.00"), Ruling::Accept, "one other is none");
    assert_eq!(Bench::new(&["50.00", "51.00"]).mid(0, "100.00"), Ruling::Hold);
}

#[test]
fn a_tenth_is_no_jump_and_more_is_one() {
    for (price, ruling) in [
        ("110.00", Ruling::Accept),
        ("110.01", Ruling::Hold),
        ("90.00", Ruling::Accept),
        ("89.99", Ruling::Hold),
    ] {
        let mut bench = Bench::new(&[]);
        bench.mid(0, "100.00");
        assert_eq!(bench.mid(10, price), ruling, "{price}");
        assert_eq!(bench.guard.is_holding(), ruling == Ruling::Hold);
    }
}

#[test]
fn five_steps_are_no_jump_however_much_they_are() {
    for (price, ruling) in [("0.00000008", Ruling::Accept), ("0.00000009", Ruling::Hold)] {
        let mut bench = Bench::new(&[]);
        bench.mid(0, "0.00000003");
        assert_eq!(bench.mid(10, price), ruling, "{price}");
    }
}

#[test]
fn the_own_price_counts_for_a_minute() {
    let mut bench = Bench::new(&[]);
    bench.mid(0, "100.00");
    assert_eq!(bench.mid(60_000, "50.00"), Ruling::Hold);
    assert_eq!(bench.mid(1, "50.00"), Ruling::Accept, "after that nothing is known");
}

#[test]
fn other_venues_count_before_the_own_price() {
    let mut bench = Bench::new(&[]);
    bench.mid(0, "100.00");
    bench.others = vec![d("70.10"), d("70.30"), d("99.00")];
    assert_eq!(bench.mid(10, "71.00"), Ruling::Accept, "the market is there");
    assert_eq!(bench.mid(10, "99.90"), Ruling::Release, "not the median, but another says so");
    bench.others.truncate(2);
    assert_eq!(bench.mid(10, "99.90"), Ruling::Accept, "confirmed there, and it has not moved");
    assert_eq!(bench.mid(10, "85.00"), Ruling::Hold, "a new jump to nowhere");
}

#[test]
fn three_messages_that_stand_for_300_ms_confirm_a_jump() {
    let mut bench = Bench::new(&[]);
    bench.mid(0, "100.00");
    assert_eq!(bench.mid(100, "70.00"), Ruling::Hold);
    assert_eq!(bench.mid(100, "70.40"), Ruling::Hold);
    assert_eq!(bench.mid(100, "70.70"), Ruling::Hold, "three, within 200 ms");
    assert_eq!(bench.mid(99, "70.00"), Ruling::Hold);
    assert_eq!(bench.mid(1, "70.10"), Ruling::Release);
    assert_eq!(bench.mid(1, "71.00"), Ruling::Accept);
    assert_eq!(bench.mid(1, "100.00"), Ruling::Hold, "back is a jump, too");
}

#[test]
fn two_messages_are_not_enough_however_long_they_stand() {
    let mut bench = Bench::new(&[]);
    bench.mid(0, "100.00");
    assert_eq!(bench.mid(100, "70.00"), Ruling::Hold);
    assert_eq!(bench.mid(5000, "70.00"), Ruling::Hold);
    assert!(!bench.guard.pass_time(&quote("70.00", "70.00"), &[], bench.now.plus(20 * STOOD)));
    assert_eq!(bench.mid(1, "70.00"), Ruling::Release);
}

#[test]
fn a_price_that_keeps_falling_confirms_nothing() {
    let mut bench = Bench::new(&[]);
    bench.mid(0, "100.00");
    for price in (60..88).rev() {
        assert_eq!(bench.mid(100, &format!("{price}.00")), Ruling::Hold, "{price}");
    }
    assert_eq!(bench.mid(100, "60.10"), Ruling::Hold);
    assert_eq!(bench.mid(100, "60.20"), Ruling::Hold);
    assert_eq!(bench.mid(100, "60.30"), Ruling::Release);
}

#[test]
fn what_stands_comes_out_by_time_alone() {
    let mut bench = Bench::new(&[]);
    bench.mid(0, "100.00");
    for _ in 0..3 {
        assert_eq!(bench.mid(10, "70.00"), Ruling::Hold);
    }
    let now = quote("70.00", "70.00");
    let first = bench.now.minus(20 * MILLI);
    assert!(!bench.guard.pass_time(&now, &[], first.plus(STOOD - MILLI)));
    assert!(bench.guard.pass_time(&now, &[], first.plus(STOOD)));
    assert!(!bench.guard.is_holding());
    assert!(!bench.guard.pass_time(&now, &[], first.plus(2 * STOOD)), "once");
}

#[test]
fn another_venue_confirms_at_once_or_later() {
    let mut bench = Bench::new(&["71.40"]);
    bench.mid(0, "100.00");
    assert_eq!(bench.mid(10, "70.00"), Ruling::Release);
    let mut bench = Bench::new(&["100.00"]);
    bench.mid(0, "100.00");
    assert_eq!(bench.mid(10, "70.00"), Ruling::Hold);
    let now = quote("70.00", "70.00");
    assert!(!bench.guard.pass_time(&now, &[d("71.50")], bench.now));
    assert!(bench.guard.pass_time(&now, &[d("71.40")], bench.now));
}

#[test]
fn a_stray_price_is_forgotten_when_the_good_one_is_back() {
    let mut bench = Bench::new(&[]);
    bench.mid(0, "100.00");
    for _ in 0..9 {
        assert_eq!(bench.mid(50, "10.00"), Ruling::Hold);
        assert_eq!(bench.mid(50, "100.00"), Ruling::Accept);
        assert!(!bench.guard.is_holding());
    }
}

#[test]
fn many_messages_keep_their_beginning() {
    let mut bench = Bench::new(&[]);
    bench.mid(0, "100.00");
    for _ in 0..299 {
        assert_eq!(bench.mid(1, "70.00"), Ruling::Hold);
    }
    assert!(bench.guard.held.as_ref().unwrap().run.len() <= MAX_RUN);
    assert_eq!(bench.mid(1, "70.00"), Ruling::Hold);
    assert_eq!(bench.mid(1, "70.00"), Ruling::Release);
}

#[test]
fn two_others_who_disagree_hold_nobody_who_agrees_with_one() {
    let mut bench = Bench::new(&["50.00", "103.00"]);
    assert_eq!(bench.mid(0, "100.00"), Ruling::Accept);
    assert_eq!(bench.mid(0, "75.00"), Ruling::Hold, "between them is nobody");
}

#[test]
fn an_old_trade_is_no_jump_and_a_new_stray_one_is() {
    let at = |last: &str| Prices { last: last.parse().ok(), ..quote("99.90", "100.10") };
    let both = Stated { quotes: true, last: true };
    let mut bench = Bench::new(&["100.00", "100.00"]);
    assert_eq!(bench.after(0, &at("80.00"), both), Ruling::Accept, "traded days ago");
    assert_eq!(bench.after(10, &at("99.90"), both), Ruling::Accept, "back at its quote");
    assert_eq!(bench.after(10, &at("12.00"), LAST), Ruling::Hold);
    assert_eq!(bench.after(10, &at("12.00"), QUOTES), Ruling::Hold, "not said again");
    assert_eq!(bench.after(10, &at("100.10"), LAST), Ruling::Accept);
}

#[test]
fn a_venue_without_quotes_is_judged_by_its_last_price() {
    let mut bench = Bench::new(&[]);
    assert_eq!(bench.after(0, &last("100.00"), LAST), Ruling::Accept);
    assert_eq!(bench.after(10, &last("50.00"), LAST), Ruling::Hold);
    assert_eq!(bench.after(10, &last("101.00"), LAST), Ruling::Accept);
    let mut bench = Bench::new(&["100.00", "101.00"]);
    assert_eq!(bench.after(0, &last("80.00"), LAST), Ruling::Hold);
    let quoted = Prices { last: "80.00".parse().ok(), ..quote("100.00", "100.10") };
    assert_eq!(bench.after(9, &quoted, QUOTES), Ruling::Release, "its quote tells what it is");
}

#[test]
fn quotes_that_vanish_confirm_nothing() {
    let mut bench = Bench::new(&[]);
    let with = |mid: &str| Prices { last: "100.00".parse().ok(), ..quote(mid, mid) };
    let both = Stated { quotes: true, last: true };
    bench.after(0, &with("100.00"), both);
    assert_eq!(bench.after(10, &with("70.00"), both), Ruling::Hold);
    for _ in 0..5 {
        assert_eq!(bench.after(100, &last("100.00"), both), Ruling::Hold);
    }
    assert!(!bench.guard.pass_time(&last("100.00"), &[d("70.00")], bench.now));
    assert_eq!(bench.after(10, &with("100.00"), both), Ruling::Accept);
}
