//! The jump guard (`truth.md` 13) among several venues: what is shown while prices jump.

use super::*;

const STOOD: Duration = Duration::from_millis(300);

/// One symbol at several venues that share a board.
struct Market {
    venues: Vec<Bench>,
}

impl Market {
    fn of(names: &[&str]) -> Self {
        let board = Board::default();
        let venues = names.iter().map(|name| {
            let mut bench = Bench::at(name);
            bench.quality = bench.quality.at(&board);
            bench
        });
        Self { venues: venues.collect() }
    }

    fn wait(&mut self, span: Duration) {
        self.venues.iter_mut().for_each(|venue| venue.wait(span));
    }

    /// A quote of no width at a venue; what is shown of it afterwards.
    fn say(&mut self, venue: usize, mid: &str) -> Ticker {
        let venue = &mut self.venues[venue];
        let update = Update { bid: Some(mid), ask: Some(mid), ..quote("", "") };
        venue.quality.update(FIRST, &update, mid, venue.now);
        venue.shown()
    }
}

fn assert_live_at(ticker: &Ticker, mid: &str) {
    assert_eq!((ticker.state, &ticker.reason), (State::Live, &Reason::NONE), "{mid}");
    assert_eq!(ticker.bid_price, mid.parse().ok());
}

fn assert_held_at(ticker: &Ticker, mid: Option<&str>) {
    assert_eq!((ticker.state, &ticker.reason), (State::Stale, &Reason::UNCONFIRMED), "{mid:?}");
    assert_eq!(ticker.bid_price, mid.map(|mid| mid.parse().unwrap()));
}

#[test]
fn a_jump_makes_the_topic_stale_at_once_and_live_when_it_has_stood() {
    let mut market = Market::of(&["okx"]);
    assert_live_at(&market.say(0, "100.00"), "100.00");
    let seen = market.venues[0].now;
    market.wait(SECOND);
    assert_held_at(&market.say(0, "70.00"), Some("100.00"));
    assert_eq!(
        market.venues[0].shown().received_ts,
        Some(seen),
        "the old price is as old as it is"
    );
    for _ in 0..2 {
        market.wait(STOOD / 4);
        assert_held_at(&market.say(0, "70.10"), Some("100.00"));
    }
    let bench = &mut market.venues[0];
    assert!(bench.quality.pass_time(bench.now).is_empty());
    bench.wait(STOOD);
    let released = bench.quality.pass_time(bench.now);
    assert_eq!(released.len(), 1);
    assert_live_at(&released[0].1, "70.10");
    assert!(bench.quality.pass_time(bench.now).is_empty(), "told once");
    let counts = bench.books.counts();
    assert_eq!((counts.held, counts.jump_held, counts.jump_released), (3, 1, 1));
    assert!(
        counts.balance()
            && counts.refused.is_empty()
            && bench.letters.report(&Filter::default(), 9).letters.is_empty()
    );
}

#[test]
fn what_nothing_confirms_ends_in_the_dead_letters() {
    let mut market = Market::of(&["okx"]);
    market.say(0, "100.00");
    for price in ["10.00", "11.00", "12.00", "13.00", "14.00", "15.00"] {
        market.wait(STOOD);
        assert_held_at(&market.say(0, price), Some("100.00"));
    }
    assert_live_at(&market.say(0, "100.00"), "100.00");
    let bench = &market.venues[0];
    let report = bench.letters.report(&Filter::default(), 9);
    let raw: Vec<&str> = report.letters.iter().map(|it| it.raw.as_str()).collect();
    assert_eq!(raw, ["15.00", "14.00", "13.00", "10.00"], "the first one and the newest");
    assert!(report.letters.iter().all(|it| it.reason == Refusal::Unconfirmed));
    assert_eq!(report.counts[0].count, 6);
    let counts = bench.books.counts();
    assert_eq!((counts.held, counts.refused["unconfirmed"], counts.balance()), (6, 6, true));
}

#[test]
fn a_crash_of_all_venues_in_one_step_is_live_with_the_second_one() {
    let mut market = Market::of(&["kucoin", "binance", "okx"]);
    for venue in 0..3 {
        assert_live_at(&market.say(venue, "100.00"), "100.00");
    }
    market.wait(SECOND);
    assert_held_at(&market.say(0, "70.00"), Some("100.00"));
    assert_live_at(&market.say(1, "70.10"), "70.10");
    let first = &mut market.venues[0];
    assert_live_at(&first.quality.pass_time(first.now)[0].1, "70.00");
    assert_live_at(&market.say(2, "69.90"), "69.90");
}

#[test]
fn a_fall_that_all_venues_share_is_never_held() {
    let mut market = Market::of(&["kucoin", "binance", "okx"]);
    for step in 0..=20 {
        let mid = format!("{}.00", 1000 - 15 * step);
        for venue in 0..3 {
            assert_live_at(&market.say(venue, &mid), &mid);
        }
        market.wait(SECOND / 10);
    }
}

#[test]
fn a_fall_of_one_venue_alone_is_held_until_it_is_back() {
    let mut market = Market::of(&["kucoin", "binance", "okx"]);
    for step in 0..=20 {
        market.wait(SECOND / 10);
        let mid = format!("{}.00", 1000 - 15 * step);
        let fallen = market.say(0, &mid);
        if step <= 6 {
            assert_live_at(&fallen, &mid);
        } else {
            assert_held_at(&fallen, Some("910.00"));
        }
        for venue in 1..3 {
            assert_live_at(&market.say(venue, "1000.00"), "1000.00");
        }
    }
    assert_live_at(&market.say(0, "1000.00"), "1000.00");
    assert_eq!(market.venues[0].books.counts().refused["unconfirmed"], 14);
    assert_eq!(market.venues[1].books.counts().held, 0);
}

#[test]
fn a_venue_that_stays_away_from_the_others_is_shown_there() {
    let mut market = Market::of(&["kucoin", "binance", "okx"]);
    market.say(1, "100.00");
    market.say(2, "100.00");
    for _ in 0..3 {
        market.wait(STOOD / 2);
        market.say(1, "100.00");
        market.say(2, "100.00");
        market.say(0, "50.00");
    }
    for _ in 0..50 {
        market.wait(SECOND);
        market.say(1, "100.00");
        market.say(2, "100.00");
        assert_live_at(&market.say(0, "50.10"), "50.10");
    }
}

#[test]
fn a_first_price_far_from_the_others_is_held_without_ever_being_shown() {
    let mut market = Market::of(&["kucoin", "binance", "okx"]);
    market.say(1, "100.00");
    market.say(2, "100.00");
    assert_held_at(&market.say(0, "1000.00"), None);
    assert_live_at(&market.say(0, "100.00"), "100.00");
}

#[test]
fn a_venue_back_from_an_outage_at_another_level_is_compared_with_the_others() {
    let mut market = Market::of(&["kucoin", "binance", "okx"]);
    (0..3).for_each(|venue| _ = market.say(venue, "100.00"));
    let now = market.venues[0].now;
    market.venues[0].quality.lose_link(now);
    for step in 1..=4 {
        market.wait(SECOND);
        let mid = format!("{}.00", 100 - 6 * step);
        (1..3).for_each(|venue| assert_live_at(&market.say(venue, &mid), &mid));
    }
    market.venues[0].quality.begin(FIRST, false, &[Some("BTC-USDT".into())]);
    assert_live_at(&market.say(0, "76.00"), "76.00");
}

#[test]
fn venues_that_are_not_live_are_no_reference() {
    let mut market = Market::of(&["kucoin", "binance", "okx"]);
    market.say(0, "100.00");
    market.say(1, "100.00");
    market.venues[0].quality.halt(&[0], Micros(1_700_000_000_000_000));
    assert_live_at(&market.say(2, "50.00"), "50.00");
    market.wait(6 * SECOND);
    market.say(1, "51.00");
    assert_live_at(&market.say(2, "50.00"), "50.00");
}

#[test]
fn a_lost_link_ends_the_wait() {
    let mut market = Market::of(&["okx"]);
    market.say(0, "100.00");
    assert_held_at(&market.say(0, "70.00"), Some("100.00"));
    let bench = &mut market.venues[0];
    let lost = bench.quality.lose_link(bench.now);
    assert_eq!(
        (&lost[0].1.reason, lost[0].1.bid_price),
        (&Reason::LINK_LOST, "100.00".parse().ok())
    );
    assert_eq!(bench.letters.report(&Filter::default(), 9).letters[0].reason, Refusal::Unconfirmed);
    bench.wait(SECOND);
    assert!(bench.quality.pass_time(bench.now).is_empty());
    bench.quality.begin(FIRST, false, &[Some("BTC-USDT".into())]);
    assert_held_at(&market.say(0, "69.00"), Some("100.00"));
}

#[test]
fn repeated_numbers_confirm_nothing() {
    let mut bench = Bench::new();
    let numbered = |sequence, mid| Update { sequence: Some(sequence), ..quote(mid, mid) };
    bench.published(numbered(1, "100.00"));
    bench.give(numbered(2, "70.00"));
    for _ in 0..9 {
        bench.wait(STOOD);
        assert_eq!(bench.give(numbered(2, "70.00")), Verdict::Quiet);
        assert_held_at(&bench.shown(), Some("100.00"));
    }
}

#[test]
fn what_completes_a_held_price_is_shown_with_it() {
    let mut bench = Bench::new();
    bench.published(quote("100.00", "100.00"));
    bench.give(quote("70.00", "70.00"));
    bench.give(Update { volume: Some("5"), trade_ts: Some(Micros(7)), ..trade("70.00") });
    assert_held_at(&bench.shown(), Some("100.00"));
    assert_eq!(bench.shown().volume_24h, None);
    bench.give(quote("70.00", "70.00"));
    bench.give(quote("70.00", "70.00"));
    bench.wait(STOOD);
    let ticker = bench.quality.pass_time(bench.now).remove(0).1;
    assert_live_at(&ticker, "70.00");
    assert_eq!((ticker.volume_24h, ticker.trade_ts), ("5".parse().ok(), Some(Micros(7))));
}
