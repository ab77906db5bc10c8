//! The rules of `truth.md`, each as an example.

mod jumps;
mod owners;

use super::*;
use crate::exchange::Part;
use proptest::prelude::*;
use std::time::Duration;
use tickcast_shared::{admin::Queues, market::Reason};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);
const FIRST: Generation = Generation(1);

/// A judge of one symbol, with its books at hand.
struct Bench {
    quality: Quality,
    books: Accounting,
    letters: DeadLetters,
    now: Micros,
}

impl Bench {
    fn new() -> Self {
        Self::at("okx")
    }

    fn at(exchange: &str) -> Self {
        let books = Accounting::of(&exchange.parse().unwrap());
        let letters = DeadLetters::new(&Queues::default());
        let now = Micros(1_700_000_000_000_000);
        let symbols = [("BTC-USDT".parse().unwrap(), "BTC-USDT".to_owned())];
        let mut quality = Quality::new(books.clone(), letters.clone(), &symbols, false, now);
        quality.begin(FIRST, false, &[Some("BTC-USDT".into())]);
        Self { quality, books, letters, now }
    }

    fn wait(&mut self, span: Duration) {
        self.now = self.now.plus(span);
    }

    fn give(&mut self, update: Update<'_>) -> Verdict {
        self.quality.update(FIRST, &update, "{}", self.now)
    }

    fn published(&mut self, update: Update<'_>) -> Ticker {
        match self.give(update) {
            Verdict::Publish(change) => change.1,
            other => panic!("{other:?} instead of a publication"),
        }
    }

    /// What clients see.
    fn shown(&self) -> Ticker {
        self.quality.topics().next().unwrap().1
    }

    fn refused(&self, reason: Refusal) -> u64 {
        *self.books.counts().refused.get(reason.as_str()).unwrap_or(&0)
    }
}

fn trade(last: &'static str) -> Update<'static> {
    Update { last: Some(last), ..Update::of("BTC-USDT", Part::Main) }
}

fn quote(bid: &'static str, ask: &'static str) -> Update<'static> {
    Update {
        bid: Some(bid),
        bid_qty: Some("1"),
        ask: Some(ask),
        ask_qty: Some("2"),
        ..Update::of("BTC-USDT", Part::Quotes)
    }
}

#[test]
fn fields_are_merged_from_their_owners() {
    let mut bench = Bench::new();
    bench.published(quote("10", "11"));
    let ticker = bench.published(Update { volume: Some("5"), ..trade("10.5") });
    assert_eq!(ticker.last_price, "10.5".parse().ok());
    assert_eq!((ticker.bid_price, ticker.ask_price), ("10".parse().ok(), "11".parse().ok()));
    assert_eq!((ticker.state, ticker.reason), (State::Live, Reason::NONE));
    assert!(bench.books.counts().balance());
}

#[test]
fn a_bad_field_becomes_null_and_costs_nothing_else() {
    let mut bench = Bench::new();
    for bad in ["", "0", "-1", "NaN", "1e400", "1,5"] {
        let last: &'static str = if bench.now.0 % 2 == 0 { "10" } else { "11" };
        bench.wait(Duration::from_micros(1));
        let mut update = Update { volume: Some("99e99"), ..quote(bad, "12") };
        (update.last, update.part) = (Some(last), Part::Main);
        let ticker = bench.published(update);
        assert_eq!((ticker.bid_price, ticker.bid_qty, ticker.volume_24h), (None, None, None));
        assert_eq!((ticker.last_price, ticker.ask_qty), (last.parse().ok(), "2".parse().ok()));
    }
    let ticker = bench.published(Update { bid_qty: Some("0"), ..quote("10", "12") });
    assert_eq!((ticker.bid_price, ticker.bid_qty), ("10".parse().ok(), None));
}

#[test]
fn a_message_without_anything_usable_is_refused_and_changes_nothing() {
    let mut bench = Bench::new();
    bench.published(trade("10"));
    assert_eq!(bench.give(quote("0", "")), Verdict::Refused);
    assert_eq!(bench.give(trade("x")), Verdict::Refused);
    assert_eq!(bench.refused(Refusal::NothingUsable), 2);
    let report = bench.letters.report(&Filter::default(), 9);
    assert_eq!((report.letters.len(), report.letters[0].raw.as_str()), (2, "{}"));
    assert_eq!(bench.quality.topics().next().unwrap().1.last_price, "10".parse().ok());
}

#[test]
fn what_its_owner_takes_back_is_not_shown_beside_what_goes_on() {
    let mut bench = Bench::new();
    bench.published(trade("10"));
    bench.published(quote("9", "11"));
    let ticker = bench.published(quote("0", ""));
    assert_eq!((ticker.bid_price, ticker.ask_price), (None, None));
    assert_eq!((ticker.last_price, ticker.state), ("10".parse().ok(), State::Live));
    bench.published(quote("9", "11"));
    let ticker = bench.published(trade("0"));
    assert_eq!((ticker.last_price, ticker.bid_price), (None, "9".parse().ok()));
}

#[test]
fn half_a_quote_is_no_price() {
    let mut bench = Bench::new();
    assert_eq!(bench.give(quote("10", "")), Verdict::Refused);
    assert_eq!(bench.refused(Refusal::Unpriced), 1);
    bench.published(quote("10", "11"));
    let ticker = bench.published(quote("10", "0"));
    assert_eq!((ticker.state, ticker.ask_price), (State::Stale, None));
}

#[test]
fn a_crossed_quote_is_null_and_stale_when_it_lasts() {
    let mut bench = Bench::new();
    bench.published(trade("10"));
    bench.published(quote("10", "11"));
    let ticker = bench.published(quote("12", "11"));
    assert_eq!((ticker.bid_price, ticker.ask_qty, ticker.state), (None, None, State::Live));
    bench.wait(SECOND - MILLI);
    assert!(bench.quality.pass_time(bench.now).is_empty());
    bench.wait(MILLI);
    let stale = bench.quality.pass_time(bench.now);
    assert_eq!((stale[0].1.state, &stale[0].1.reason), (State::Stale, &Reason::CROSSED));
    assert!(bench.quality.pass_time(bench.now).is_empty(), "told once");
    let ticker = bench.published(trade("10.1"));
    assert_eq!(ticker.reason, Reason::CROSSED, "a trade does not uncross the quotes");
    let ticker = bench.published(quote("10", "11"));
    assert_eq!((ticker.state, ticker.bid_price), (State::Live, "10".parse().ok()));
    assert_eq!(bench.books.counts().crossed, 1);
}

#[test]
fn crossed_quotes_without_a_trade_are_stale_at_once() {
    let mut bench = Bench::new();
    bench.published(quote("10", "11"));
    let ticker = bench.published(quote("11", "10"));
    assert_eq!((ticker.state, ticker.reason), (State::Stale, Reason::CROSSED));
}

#[test]
fn a_last_price_outside_the_quotes_is_normal() {
    let mut bench = Bench::new();
    bench.published(quote("10", "11"));
    assert_eq!(bench.published(trade("20")).state, State::Live);
}

#[test]
fn duplicates_prove_life_and_are_not_published() {
    let mut bench = Bench::new();
    bench.published(Update { sequence: Some(1), trade_ts: Some(Micros(5)), ..trade("10.50") });
    bench.wait(SECOND);
    let again = Update { sequence: Some(2), trade_ts: Some(Micros(6)), ..trade("10.5") };
    assert_eq!(bench.give(again), Verdict::Quiet);
    assert_eq!(bench.books.counts().duplicate, 1);
    let ticker = bench.quality.topics().next().unwrap().1;
    assert_eq!((ticker.received_ts, ticker.trade_ts), (Some(bench.now), Some(Micros(6))));
}

#[test]
fn volume_alone_is_published_once_a_second_and_never_lost() {
    let mut bench = Bench::new();
    let with = |volume| Update { volume: Some(volume), ..trade("10") };
    bench.published(with("1"));
    bench.wait(SECOND / 2);
    assert_eq!(bench.give(with("2")), Verdict::Quiet);
    assert!(bench.quality.pass_time(bench.now).is_empty());
    bench.wait(SECOND / 2);
    let held = bench.quality.pass_time(bench.now);
    assert_eq!(held[0].1.volume_24h, "2".parse().ok());
    assert!(bench.quality.pass_time(bench.now).is_empty());
    bench.wait(SECOND);
    assert_eq!(bench.published(with("3")).volume_24h, "3".parse().ok());
    let counts = bench.books.counts();
    assert_eq!((counts.volume_only, counts.published, counts.balance()), (1, 2, true));
}

#[test]
fn sequence_numbers_order_each_channel_of_a_connection() {
    let mut bench = Bench::new();
    let numbered = |sequence, last| Update { sequence: Some(sequence), ..trade(last) };
    bench.published(numbered(100, "10"));
    assert_eq!(bench.give(numbered(99, "11")), Verdict::Refused);
    assert_eq!(bench.give(numbered(100, "10")), Verdict::Quiet);
    assert_eq!(bench.give(numbered(100, "12")), Verdict::Refused);
    bench.published(Update { sequence: Some(5), ..quote("9", "11") });
    bench.published(numbered(1, "13"));
    assert_eq!(bench.refused(Refusal::OlderSequence), 1);
    assert_eq!(bench.refused(Refusal::RepeatedSequence), 1);
    let counts = bench.books.counts();
    assert_eq!((counts.sequence_reset, counts.balance()), (1, true));
}

#[test]
fn a_new_connection_counts_anew_and_the_old_one_is_not_heard() {
    let mut bench = Bench::new();
    bench.published(Update { sequence: Some(100), ..trade("10") });
    let second = Generation(2);
    bench.quality.begin(second, true, &[Some("BTC-USDT".into())]);
    let late = Update { sequence: Some(101), ..trade("99") };
    assert_eq!(bench.give(late), Verdict::Refused);
    assert_eq!(bench.refused(Refusal::OldConnection), 1);
    let update = Update { sequence: Some(7), ..trade("11") };
    let Verdict::Publish(change) = bench.quality.update(second, &update, "{}", bench.now) else {
        panic!("a lower number on a new connection is news")
    };
    assert!(change.1.simulated);
}

#[test]
fn a_lost_link_makes_priced_topics_stale_until_data_returns() {
    let mut bench = Bench::new();
    assert!(bench.quality.lose_link(bench.now).is_empty(), "nothing was priced yet");
    bench.published(trade("10"));
    let lost = bench.quality.lose_link(bench.now);
    assert_eq!((lost[0].1.state, &lost[0].1.reason), (State::Stale, &Reason::LINK_LOST));
    assert_eq!(lost[0].1.last_price, "10".parse().ok());
    assert!(bench.quality.lose_link(bench.now).is_empty());
    assert_eq!(bench.published(trade("10")).state, State::Live, "equal, but live again");
}

#[test]
fn after_a_reconnect_no_field_is_live_before_its_owner_has_spoken() {
    let mut bench = Bench::new();
    bench.published(trade("10"));
    bench.published(quote("9", "11"));
    let lost = bench.quality.lose_link(bench.now);
    assert_eq!(lost[0].1.last_price, "10".parse().ok(), "shown on, as stale");
    let second = Generation(2);
    bench.quality.begin(second, false, &[Some("BTC-USDT".into())]);
    let update = |bench: &mut Bench, update: Update<'_>| match bench
        .quality
        .update(second, &update, "{}", bench.now)
    {
        Verdict::Publish(change) => change.1,
        other => panic!("{other:?}"),
    };
    let ticker = update(&mut bench, quote("7", "8"));
    assert_eq!((ticker.state, ticker.last_price), (State::Live, None), "10 is hours old");
    let ticker = update(&mut bench, trade("7.5"));
    assert_eq!((ticker.last_price, ticker.bid_price), ("7.5".parse().ok(), "7".parse().ok()));
}

#[test]
fn a_market_that_takes_its_prices_back_is_not_live_for_long() {
    let mut bench = Bench::new();
    let all = |last, bid, ask| Update { last: Some(last), part: Part::Main, ..quote(bid, ask) };
    bench.published(all("10", "9", "11"));
    assert_eq!(bench.give(all("0", "0", "0")), Verdict::Refused);
    let changes = bench.quality.pass_time(bench.now);
    assert_eq!((changes[0].1.state, &changes[0].1.reason), (State::Stale, &Reason::AWAITING_DATA));
    assert_eq!(bench.published(all("10", "9", "11")).state, State::Live);
    assert_eq!(bench.give(all("x", "", "")), Verdict::Refused);
    bench.give(all("10", "9", "11"));
    assert!(bench.quality.pass_time(bench.now).is_empty(), "one bad message in between is none");
}

#[test]
fn the_fields_of_a_mute_channel_are_no_longer_known() {
    let mut bench = Bench::new();
    bench.published(trade("10"));
    bench.published(quote("9", "11"));
    for _ in 0..61 {
        assert!(bench.quality.pass_time(bench.now).is_empty(), "both have spoken within the limit");
        bench.wait(Duration::from_secs(1));
        bench.give(trade("10"));
    }
    let changes = bench.quality.pass_time(bench.now);
    let ticker = &changes[0].1;
    assert_eq!((ticker.bid_price, ticker.ask_qty), (None, None));
    assert_eq!((ticker.last_price, ticker.state), ("10".parse().ok(), State::Live));
    assert_eq!(bench.books.counts().owner_mute, 1);
    assert!(bench.quality.pass_time(bench.now).is_empty(), "told once");
    assert_eq!(bench.published(quote("9", "11")).bid_price, "9".parse().ok());
    for _ in 0..61 {
        bench.wait(Duration::from_secs(1));
        bench.give(quote("9", "11"));
    }
    let changes = bench.quality.pass_time(bench.now);
    assert_eq!((changes[0].1.last_price, changes[0].1.bid_price), (None, "9".parse().ok()));
}

#[test]
fn other_markets_and_symbols_are_refused() {
    let mut bench = Bench::new();
    assert_eq!(bench.give(Update { market: Market::Other, ..trade("10") }), Verdict::Refused);
    assert_eq!(bench.give(Update { symbol: "ETH-USDT", ..trade("10") }), Verdict::Refused);
    assert_eq!(bench.refused(Refusal::WrongMarket), 1);
    assert_eq!(bench.refused(Refusal::UnknownSymbol), 1);
    assert!(bench.books.counts().balance());
}

#[test]
fn a_refused_symbol_is_halted_once() {
    let mut bench = Bench::new();
    let halted = bench.quality.halt(&[0], bench.now);
    assert_eq!((halted[0].1.state, &halted[0].1.reason), (State::Halted, &Reason::NOT_LISTED));
    assert!(bench.quality.halt(&[0, 7], bench.now).is_empty());
}

proptest! {
    #[test]
    fn a_live_price_is_never_far_from_what_the_venue_says(
        messages in proptest::collection::vec((10_u32..2000, 0_u64..700), 1..80),
    ) {
        let mut bench = Bench::new();
        for (price, millis) in messages {
            bench.wait(Duration::from_millis(millis));
            bench.quality.pass_time(bench.now);
            let text = format!("{price}.00");
            bench.give(Update { bid: Some(&text), ask: Some(&text), ..quote("", "") });
            let ticker = bench.shown();
            prop_assert!(ticker.state != State::Live || ticker.bid_price == text.parse().ok());
            prop_assert!(bench.books.counts().balance());
        }
    }

    #[test]
    fn the_books_balance_and_what_is_published_is_sound(
        messages in proptest::collection::vec(
            (any::<bool>(), 0_u64..30, 0_usize..8, 0_usize..8, 0_u64..700),
            1..80,
        ),
    ) {
        const TEXTS: [&str; 8] = ["10", "11", "12", "0", "", "-1", "9e99", "10.00"];
        let mut bench = Bench::new();
        for (is_quote, sequence, one, other, millis) in messages {
            bench.wait(Duration::from_millis(millis));
            let update = if is_quote {
                quote(TEXTS[one], TEXTS[other])
            } else {
                Update { volume: Some(TEXTS[other]), ..trade(TEXTS[one]) }
            };
            let verdict = bench.give(Update { sequence: Some(sequence), ..update });
            if let Verdict::Publish(change) = verdict {
                let ticker = change.1;
                prop_assert!(ticker.state != State::Live || ticker.is_priced());
                if let (Some(bid), Some(ask)) = (ticker.bid_price, ticker.ask_price) {
                    prop_assert!(bid <= ask);
                }
            }
            prop_assert!(bench.books.counts().balance());
        }
    }
}
