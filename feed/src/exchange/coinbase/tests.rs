//! Coinbase's frames and answers, written after their documentation.

use crate::exchange::{
    DecodeError, Event, Exchange, Fault, Part, RestFault, Update,
    coinbase::Coinbase,
    tests::{bars_of, decoded, events_of, listed, polled},
};
use tickcast_shared::{clock::Micros, market::Interval};

const TICKER: &str = r#"{"type":"ticker","sequence":901,"product_id":"BTC-USD","price":"50000.3","open_24h":"49000","volume_24h":"1234.5","low_24h":"48000","high_24h":"51000","volume_30d":"9","best_bid":"50000.1","best_bid_size":"1.25","best_ask":"50000.2","best_ask_size":"0.5","side":"sell","time":"2023-11-14T22:13:20.123456Z","trade_id":7,"last_size":"0.01"}"#;
const AT: Option<Micros> = Some(Micros(1_700_000_000_123_456));

#[test]
fn reads_a_ticker_of_exchange() {
    let expected = Update {
        sequence: Some(901),
        last: Some("50000.3"),
        bid: Some("50000.1"),
        bid_qty: Some("1.25"),
        ask: Some("50000.2"),
        ask_qty: Some("0.5"),
        open: Some("49000"),
        high: Some("51000"),
        low: Some("48000"),
        volume: Some("1234.5"),
        exchange_ts: AT,
        trade_ts: AT,
        ..Update::of("BTC-USD", Part::Main)
    };
    decoded(&Coinbase, TICKER, |it| assert_eq!(it, &Event::Update(expected)));
}

#[test]
fn reads_tickers_of_advanced_trade() {
    let ticker = |name: &str| {
        format!(
            r#"{{"type":"ticker","product_id":"{name}","price":"50000.3","volume_24_h":"1234.5","low_24_h":"48000","high_24_h":"51000","best_bid":"50000.1","best_ask":"50000.2","best_bid_quantity":"1.25","best_ask_quantity":"0.5"}}"#
        )
    };
    let frame = format!(
        r#"{{"channel":"ticker","timestamp":"2023-11-14T22:13:20.123456789Z","sequence_num":6,"events":[{{"type":"snapshot","tickers":[{},{}]}}]}}"#,
        ticker("BTC-USD"),
        ticker("ETH-USD")
    );
    let mut names = Vec::new();
    let read = Coinbase.decode(&frame, &mut |event| {
        let Event::Update(update) = event else { panic!("{event:?}") };
        names.push(update.symbol.to_owned());
        let expected = Update {
            last: Some("50000.3"),
            bid: Some("50000.1"),
            bid_qty: Some("1.25"),
            ask: Some("50000.2"),
            ask_qty: Some("0.5"),
            high: Some("51000"),
            low: Some("48000"),
            volume: Some("1234.5"),
            exchange_ts: AT,
            ..Update::of(update.symbol, Part::Main)
        };
        assert_eq!(update, expected);
    });
    assert_eq!((read, names), (Ok(()), vec!["BTC-USD".to_owned(), "ETH-USD".to_owned()]));
}

#[test]
fn a_list_of_subscriptions_accepts_each_product_of_the_ticker() {
    for frame in [
        r#"{"type":"subscriptions","channels":[{"name":"heartbeat","product_ids":["X-USD"]},{"name":"ticker","product_ids":["BTC-USD","ETH-USD"],"account_ids":null}]}"#,
        r#"{"channel":"subscriptions","timestamp":"","sequence_num":2,"events":[{"subscriptions":{"market_trades":["X-USD"],"ticker":["BTC-USD","ETH-USD"]}}]}"#,
    ] {
        let accepted = |name| format!("{:?}", Event::Ack { request: None, symbol: Some(name) });
        assert_eq!(events_of(&Coinbase, frame), ["BTC-USD", "ETH-USD"].map(accepted));
    }
    let none = r#"{"type":"subscriptions","channels":[{"name":"ticker","product_ids":null}]}"#;
    decoded(&Coinbase, none, |it| assert_eq!(it, &Event::Ignored));
}

#[test]
fn heartbeats_are_signs_of_life() {
    for frame in [
        r#"{"type":"heartbeat","last_trade_id":1,"product_id":"BTC-USD","sequence":2,"time":"2023-11-14T22:13:20Z"}"#,
        r#"{"channel":"heartbeats","sequence_num":3,"events":[{"current_time":"now","heartbeat_counter":4}]}"#,
    ] {
        decoded(&Coinbase, frame, |it| assert_eq!(it, &Event::Alive));
    }
}

#[test]
fn errors_say_why_and_how_far_they_reach() {
    for (frame, code, message, fault) in [
        (
            r#"{"type":"error","message":"Failed to subscribe","reason":"NOPE-USD is not a valid product"}"#,
            "Failed to subscribe",
            "NOPE-USD is not a valid product",
            Fault::Request,
        ),
        (
            r#"{"type":"error","message":"authentication failure"}"#,
            "error",
            "authentication failure",
            Fault::Request,
        ),
        (
            r#"{"type":"error","message":"ErrSlowConsume","reason":"reading too slow"}"#,
            "ErrSlowConsume",
            "reading too slow",
            Fault::Session,
        ),
    ] {
        decoded(&Coinbase, frame, |it| {
            assert_eq!(it, &Event::Error { request: None, code, message, fault });
        });
    }
}

#[test]
fn other_frames_are_refused() {
    let refused = |frame| Coinbase.decode(frame, &mut |_| {});
    assert_eq!(refused(r#"{"type":"l2update"}"#), Err(DecodeError::UnknownType));
    assert_eq!(refused(r#"{"channel":"l2_data","events":[]}"#), Err(DecodeError::UnknownType));
    assert_eq!(refused(r#"{"type":"ticker","price":"1"}"#), Err(DecodeError::Garbage));
}

#[test]
fn subscribes_to_tickers_and_heartbeats_in_one_message() {
    let channels = Coinbase.channels();
    assert_eq!(channels, [Part::Main]);
    assert_eq!(
        Coinbase.subscribe(Part::Main, &["BTC-USD", "ETH-USD"], 3),
        r#"{"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channels":["ticker","heartbeat"]}"#
    );
    assert_eq!(
        Coinbase.unsubscribe(Part::Main, &["BTC-USD"], 4),
        r#"{"type":"unsubscribe","product_ids":["BTC-USD"],"channels":["ticker","heartbeat"]}"#
    );
}

#[test]
fn products_in_usdc_are_those_in_usd() {
    let instead = |text: &str| Coinbase.answered_with(&text.parse().unwrap());
    assert_eq!(instead("BTC-USDC"), "BTC-USD".parse().ok());
    for own in ["USDT-USDC", "EURC-USDC", "BTC-USD", "BTC-USDT", "USDC-EUR"] {
        assert_eq!(instead(own), None);
    }
}

#[test]
fn lists_products_but_those_in_usdc() {
    let row = |base: &str, quote: &str, status: &str, more: &str| {
        format!(
            r#"{{"id":"{base}-{quote}","base_currency":"{base}","quote_currency":"{quote}","status":"{status}"{more}}}"#
        )
    };
    let rows = [
        row("BTC", "USD", "online", r#","trading_disabled":false"#),
        row("BTC", "USDC", "online", ""),
        row("USDT", "USDC", "online", ""),
        row("OLD", "USD", "delisted", ""),
        row("ETH", "USD", "online", r#","trading_disabled":true"#),
    ];
    assert_eq!(
        listed(&Coinbase, &format!("[{}]", rows.join(","))),
        [
            ("BTC-USD", "BTC-USD", true),
            ("USDT-USDC", "USDT-USDC", true),
            ("OLD-USD", "OLD-USD", false),
            ("ETH-USD", "ETH-USD", false)
        ]
        .map(|(symbol, name, trading)| (symbol.to_owned(), name.to_owned(), trading))
    );
    let refused = Coinbase.read_instruments(r#"{"message":"rate limit"}"#);
    assert!(matches!(refused, Err(RestFault::Venue { .. })));
}

#[test]
fn a_ticker_by_rest_belongs_to_the_product_asked_for() {
    let answer = r#"{"ask":"50000.2","bid":"50000.1","volume":"1234.5","trade_id":7,"price":"50000.3","size":"0.01","time":"2023-11-14T22:13:20.123456Z"}"#;
    let expected = Update {
        last: Some("50000.3"),
        bid: Some("50000.1"),
        bid_qty: Some(""),
        ask: Some("50000.2"),
        ask_qty: Some(""),
        volume: Some("1234.5"),
        trade_ts: AT,
        ..Update::of("BTC-USD", Part::Main)
    };
    let url = "https://api.exchange.coinbase.com/products/BTC-USD/ticker";
    polled(&Coinbase, &["BTC-USD"], url, answer, &[expected]);
}

#[test]
fn bars_are_written_low_high_open_close() {
    let answer =
        r#"[[1700006400,48000,51000.5,49000,50000.3,12.5],[1700002800,47000,50000,48000,49000,1]]"#;
    let url = "https://api.exchange.coinbase.com/products/BTC-USD/candles?granularity=3600&start=2023-11-14T23:00:00Z&end=2023-11-15T00:59:59Z";
    bars_of(&Coinbase, ("BTC-USD", Interval::H1, 1_700_002_800, 1_700_010_000), url, answer)
        .same(&["1700002800 48000 50000 47000 49000", "1700006400 49000 51000.5 48000 50000.3"]);
    assert_eq!(Coinbase.bars_from(Interval::H4), Interval::H1);
    assert_eq!(Coinbase.bars_from(Interval::D1), Interval::D1);
}
