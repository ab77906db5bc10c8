//! Bybit's frames and answers, written after their documentation.

use crate::exchange::{
    DecodeError, Event, Exchange, Fault, Market, Part, RestFault, Update,
    bybit::Bybit,
    tests::{bars_of, decoded, listed, polled},
};
use tickcast_shared::{clock::Micros, market::Interval};

fn ticker(kind: &str, more: &str) -> String {
    format!(
        r#"{{"topic":"tickers.BTCUSDT","ts":1700000000123,"type":"{kind}","cs":5,"data":{{"symbol":"BTCUSDT","lastPrice":"50000.3","highPrice24h":"51000","lowPrice24h":"48000","prevPrice24h":"49000","volume24h":"1234.5","turnover24h":"61725000","price24hPcnt":"0.02"{more}}}}}"#
    )
}

#[test]
fn tickers_own_the_last_price_and_the_statistics() {
    let expected = Update {
        last: Some("50000.3"),
        open: Some("49000"),
        high: Some("51000"),
        low: Some("48000"),
        volume: Some("1234.5"),
        quote_volume: Some("61725000"),
        ..Update::of("BTCUSDT", Part::Main)
    };
    let frame = ticker("snapshot", r#","usdIndexPrice":"49999""#);
    decoded(&Bybit, &frame, |it| assert_eq!(it, &Event::Update(expected)));
}

#[test]
fn the_book_owns_the_quotes() {
    let book = |bids: &str, asks: &str| {
        format!(
            r#"{{"topic":"orderbook.1.BTCUSDT","ts":1700000000125,"type":"snapshot","data":{{"s":"BTCUSDT","b":[{bids}],"a":[{asks}],"u":901,"seq":7}},"cts":1700000000123}}"#
        )
    };
    let expected = Update {
        sequence: Some(901),
        bid: Some("50000.1"),
        bid_qty: Some("1.25"),
        ask: Some("50000.2"),
        ask_qty: Some("0.5"),
        exchange_ts: Some(Micros(1_700_000_000_123_000)),
        ..Update::of("BTCUSDT", Part::Quotes)
    };
    let frame = book(r#"["50000.1","1.25"],["1","2"]"#, r#"["50000.2","0.5"]"#);
    decoded(&Bybit, &frame, |it| assert_eq!(it, &Event::Update(expected)));
    let one_sided = Update { ask: Some(""), ask_qty: Some(""), ..expected };
    let frame = book(r#"["50000.1","1.25"]"#, "");
    decoded(&Bybit, &frame, |it| assert_eq!(it, &Event::Update(one_sided)));
}

#[test]
fn what_looks_like_a_derivative_is_another_market() {
    for frame in [
        ticker("delta", ""),
        ticker("snapshot", r#","markPrice":"50000.2""#),
        ticker("snapshot", r#","bid1Price":"50000.2""#),
        r#"{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","fundingRate":"0.0001"},"cs":1,"ts":2}"#.to_owned(),
        r#"{"topic":"orderbook.1.BTCUSDT","type":"delta","data":{"s":"BTCUSDT","b":[],"a":[["1","0"]],"u":9},"ts":2}"#.to_owned(),
    ] {
        decoded(&Bybit, &frame, |event| {
            let Event::Update(update) = event else { panic!("{event:?}") };
            assert_eq!(update.market, Market::Other, "{frame}");
        });
    }
}

#[test]
fn reads_answers_to_operations() {
    for (frame, request) in [
        (
            r#"{"success":true,"ret_msg":"subscribe","conn_id":"c","req_id":"4","op":"subscribe"}"#,
            Some(4),
        ),
        (r#"{"success":true,"ret_msg":"","conn_id":"c","req_id":"","op":"subscribe"}"#, None),
    ] {
        decoded(&Bybit, frame, |it| assert_eq!(it, &Event::Ack { request, symbol: None }));
    }
    let refused = r#"{"success":false,"ret_msg":"Invalid topic: tickers.NOPEUSDT","conn_id":"c","req_id":"4","op":"subscribe"}"#;
    decoded(&Bybit, refused, |it| {
        let expected = Event::Error {
            request: Some(4),
            code: "subscribe",
            message: "Invalid topic: tickers.NOPEUSDT",
            fault: Fault::Request,
        };
        assert_eq!(it, &expected);
    });
    let ended = r#"{"success":true,"ret_msg":"","conn_id":"c","req_id":"5","op":"unsubscribe"}"#;
    decoded(&Bybit, ended, |it| assert_eq!(it, &Event::Ignored));
}

#[test]
fn every_shape_of_a_pong_is_a_sign_of_life() {
    for frame in [
        r#"{"success":true,"ret_msg":"pong","conn_id":"c","req_id":"","op":"ping"}"#,
        r#"{"req_id":"4","op":"pong","args":["1700000000123"],"conn_id":"c"}"#,
        r#"{"op":"pong"}"#,
    ] {
        decoded(&Bybit, frame, |it| assert_eq!(it, &Event::Alive));
    }
}

#[test]
fn other_frames_are_refused() {
    let refused = |frame| Bybit.decode(frame, &mut |event| panic!("{event:?}"));
    let kline = r#"{"topic":"kline.1.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT"}}"#;
    assert_eq!(refused(kline), Err(DecodeError::UnknownType));
    assert_eq!(refused(r#"{"topic":"tickers.BTCUSDT"}"#), Err(DecodeError::Garbage));
    assert_eq!(refused(r#"{"topic":"tickers.X","data":{}}"#), Err(DecodeError::Garbage));
    assert_eq!(refused(r#"{"op":"auth"}"#), Err(DecodeError::UnknownType));
}

#[test]
fn subscribes_to_each_channel_apart() {
    assert_eq!(Bybit.channels(), [Part::Main, Part::Quotes]);
    assert_eq!(
        Bybit.subscribe(Part::Main, &["BTCUSDT", "ETHUSDT"], 3),
        r#"{"req_id":"3","op":"subscribe","args":["tickers.BTCUSDT","tickers.ETHUSDT"]}"#
    );
    assert_eq!(
        Bybit.unsubscribe(Part::Quotes, &["BTCUSDT"], 4),
        r#"{"req_id":"4","op":"unsubscribe","args":["orderbook.1.BTCUSDT"]}"#
    );
    assert_eq!(Bybit.ping(5), r#"{"req_id":"5","op":"ping"}"#);
}

#[test]
fn lists_spot_instruments() {
    let answer = r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"symbol":"BTCUSDT","baseCoin":"BTC","quoteCoin":"USDT","innovation":"0","status":"Trading"},{"symbol":"NEWUSDT","baseCoin":"NEW","quoteCoin":"USDT","status":"PreLaunch"}]},"time":1}"#;
    assert_eq!(
        listed(&Bybit, answer),
        [("BTC-USDT", "BTCUSDT", true), ("NEW-USDT", "NEWUSDT", false)]
            .map(|(symbol, name, trading)| (symbol.to_owned(), name.to_owned(), trading))
    );
    let region = Bybit.read_instruments(r#"{"retCode":10024,"retMsg":"not here","result":{}}"#);
    assert_eq!(region, Err(RestFault::Region { message: "not here (code 10024)".into() }));
    let many = Bybit.read_instruments(r#"{"retCode":10006,"retMsg":"Too many visits"}"#);
    assert!(matches!(many, Err(RestFault::Venue { .. })));
}

const POLLED: &str = r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"symbol":"XUSDT","lastPrice":"1"},{"symbol":"BTCUSDT","bid1Price":"50000.1","bid1Size":"1.25","ask1Price":"50000.2","ask1Size":"0.5","lastPrice":"50000.3","prevPrice24h":"49000","highPrice24h":"51000","lowPrice24h":"48000","turnover24h":"61725000","volume24h":"1234.5"}]},"time":1}"#;

#[test]
fn tickers_by_rest_own_everything() {
    let expected = Update {
        last: Some("50000.3"),
        bid: Some("50000.1"),
        bid_qty: Some("1.25"),
        ask: Some("50000.2"),
        ask_qty: Some("0.5"),
        open: Some("49000"),
        high: Some("51000"),
        low: Some("48000"),
        volume: Some("1234.5"),
        quote_volume: Some("61725000"),
        ..Update::of("BTCUSDT", Part::Main)
    };
    let all = "https://api.bybit.com/v5/market/tickers?category=spot";
    polled(&Bybit, &["BTC-USDT"], &format!("{all}&symbol=BTCUSDT"), POLLED, &[expected]);
    polled(&Bybit, &["BTC-USDT", "ETH-USDT"], all, POLLED, &[expected]);
}

#[test]
fn bars_are_those_of_spot() {
    let answer = r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","symbol":"BTCUSDT","list":[["1700006400000","49000","51000.5","48000","50000.3","12.5","1"],["1700002800000","48000","50000","47000","49000","1","1"]]}}"#;
    let url = "https://api.bybit.com/v5/market/kline?category=spot&symbol=BTCUSDT&interval=60&start=1700002800000&end=1700009999999&limit=1000";
    bars_of(&Bybit, ("BTC-USDT", Interval::H1, 1_700_002_800, 1_700_011_111), url, answer)
        .same(&["1700002800 48000 50000 47000 49000", "1700006400 49000 51000.5 48000 50000.3"]);
}
