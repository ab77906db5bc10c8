//! Fields and the channels that own them (`truth.md` 1 to 3 and 8).

use super::*;

fn statistics(volume: &'static str) -> Update<'static> {
    Update {
        open: Some("8"),
        high: Some("12"),
        low: Some("7"),
        volume: Some(volume),
        ..Update::of("BTC-USDT", Part::Statistics)
    }
}

#[test]
fn a_mute_statistics_channel_takes_its_figures_along() {
    let mut bench = Bench::new();
    bench.published(trade("10"));
    bench.wait(SECOND);
    let ticker = bench.published(statistics("5"));
    assert_eq!((ticker.volume_24h, ticker.high_24h), ("5".parse().ok(), "12".parse().ok()));
    for _ in 0..61 {
        assert!(bench.quality.pass_time(bench.now).is_empty());
        bench.wait(SECOND);
        bench.give(trade("10"));
    }
    let ticker = bench.quality.pass_time(bench.now).remove(0).1;
    let figures = (ticker.volume_24h, ticker.open_24h, ticker.high_24h, ticker.low_24h);
    assert_eq!(figures, (None, None, None, None));
    assert_eq!((ticker.last_price, ticker.state), ("10".parse().ok(), State::Live));
    assert_eq!(bench.books.counts().owner_mute, 1);
}

#[test]
fn a_mute_main_channel_leaves_the_statistics_of_another_alone() {
    let mut bench = Bench::new();
    bench.published(trade("10"));
    bench.published(quote("9", "11"));
    bench.wait(SECOND);
    bench.published(statistics("5"));
    for _ in 0..61 {
        bench.wait(SECOND);
        bench.give(quote("9", "11"));
        bench.give(statistics("5"));
    }
    let ticker = bench.quality.pass_time(bench.now).remove(0).1;
    assert_eq!((ticker.last_price, ticker.volume_24h), (None, "5".parse().ok()));
}

#[test]
fn statistics_alone_are_no_sign_of_life_of_the_price() {
    let mut bench = Bench::new();
    assert_eq!(bench.give(statistics("4")), Verdict::Quiet, "kept for the price");
    let first = bench.now;
    assert_eq!(bench.published(trade("10")).volume_24h, "4".parse().ok());
    for volume in ["5", "6", "7"] {
        bench.wait(100 * SECOND);
        assert_eq!(bench.published(statistics(volume)).received_ts, Some(first));
    }
    bench.quality.lose_link(bench.now);
    bench.quality.begin(FIRST, false, &[Some("BTC-USDT".into())]);
    assert_eq!(bench.give(statistics("8")), Verdict::Quiet);
    let ticker = bench.shown();
    assert_eq!((ticker.state, ticker.last_price), (State::Stale, "10".parse().ok()));
    assert_eq!(bench.published(trade("11")).volume_24h, "8".parse().ok());
    assert!(bench.books.counts().balance());
}

#[test]
fn quotes_that_come_with_trades_only_are_good_for_a_while() {
    let mut bench = Bench::new();
    bench.quality = bench.quality.with_quotes_good_for(Some(5 * SECOND));
    let all = |last| Update { last: Some(last), part: Part::Main, ..quote("9", "11") };
    bench.published(all("10"));
    bench.wait(5 * SECOND);
    assert!(bench.quality.pass_time(bench.now).is_empty());
    bench.wait(MILLI);
    let ticker = bench.quality.pass_time(bench.now).remove(0).1;
    assert_eq!((ticker.bid_price, ticker.bid_qty, ticker.ask_price), (None, None, None));
    assert_eq!((ticker.last_price, ticker.state), ("10".parse().ok(), State::Live));
    assert!(bench.quality.pass_time(bench.now).is_empty(), "told once");
    assert_eq!(bench.books.counts().quotes_expired, 1);
    assert_eq!(bench.published(all("10")).ask_price, "11".parse().ok());
}

#[test]
fn every_field_of_no_use_is_counted() {
    let mut bench = Bench::new();
    bench.published(Update { volume: Some("9e99"), high: Some(""), ..trade("10") });
    bench.give(quote("0", "x"));
    assert_eq!(bench.books.counts().bad_field, 5, "volume, two prices and their sizes");
}

#[test]
fn of_a_ticker_and_a_trade_the_newer_tells_the_last_price() {
    let mut bench = Bench::new();
    let ticker =
        |last, at| Update { last: Some(last), exchange_ts: Some(Micros(at)), ..quote("9", "11") };
    let ticker = |last, at| Update { part: Part::Main, ..ticker(last, at) };
    let traded = |last, at| Update {
        last: Some(last),
        trade_ts: Some(Micros(at)),
        ..Update::of("BTC-USDT", Part::Trades)
    };
    bench.published(ticker("10.0", 1));
    assert_eq!(bench.published(traded("10.2", 5)).last_price, "10.2".parse().ok());
    bench.give(Update { bid: Some("9.5"), ..ticker("10.0", 4) });
    let shown = bench.shown();
    assert_eq!((shown.last_price, shown.bid_price), ("10.2".parse().ok(), "9.5".parse().ok()));
    assert_eq!(bench.published(ticker("10.3", 6)).last_price, "10.3".parse().ok());
}
