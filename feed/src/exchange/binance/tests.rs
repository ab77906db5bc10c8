//! Binance's frames and answers, written after their documentation.

use crate::exchange::{
    Addresses, Endpoint, Event, Exchange, Fault, Part, RestFault, Update, binance::Binance,
    tests::decoded,
};

#[test]
fn book_ticker_owns_the_quotes() {
    let frame = r#"{"stream":"btcusdt@bookTicker","data":{"u":40001,"s":"BTCUSDT","b":"50000.10000000","B":"1.50000000","a":"50000.20000000","A":"0.25000000"}}"#;
    let expected = Update {
        sequence: Some(40001),
        bid: Some("50000.10000000"),
        bid_qty: Some("1.50000000"),
        ask: Some("50000.20000000"),
        ask_qty: Some("0.25000000"),
        ..Update::of("BTCUSDT", Part::Quotes)
    };
    decoded(&Binance, frame, |event| assert_eq!(event, &Event::Update(expected)));
}

#[test]
fn ticker_owns_last_and_statistics_only() {
    let frame = r#"{"stream":"btcusdt@ticker","data":{"e":"24hrTicker","E":1700000000123,"s":"BTCUSDT","c":"50000.3","o":"49000","h":"51000","l":"48000","v":"1234.5","q":"61725000.1","b":"1","B":"2","a":"3","A":"4"}}"#;
    let expected = Update {
        last: Some("50000.3"),
        open: Some("49000"),
        high: Some("51000"),
        low: Some("48000"),
        volume: Some("1234.5"),
        quote_volume: Some("61725000.1"),
        ..Update::of("BTCUSDT", Part::Main)
    };
    decoded(&Binance, frame, |event| assert_eq!(event, &Event::Update(expected)));
}

#[test]
fn reads_answers_to_requests() {
    decoded(&Binance, r#"{"result":null,"id":4}"#, |it| {
        assert_eq!(it, &Event::Ack { request: Some(4), symbol: None });
    });
    for frame in [
        r#"{"code":2,"msg":"Invalid request","id":4}"#,
        r#"{"error":{"code":2,"msg":"Invalid request"},"id":4}"#,
    ] {
        decoded(&Binance, frame, |event| {
            let Event::Error { request: Some(4), code: "2", fault: Fault::Request, .. } = event
            else {
                panic!("{event:?}")
            };
        });
    }
}

#[test]
fn an_announced_shutdown_is_a_notice() {
    let frame = r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1700000000000}}"#;
    decoded(&Binance, frame, |it| {
        assert_eq!(it, &Event::Closing { message: "serverShutdown" });
    });
}

#[test]
fn dials_the_combined_stream_of_any_base() {
    for base in ["ws://127.0.0.1:9", "ws://127.0.0.1:9/", "ws://127.0.0.1:9/stream"] {
        let Endpoint::Socket(socket) = Binance.endpoint(&Addresses::new("http://x", Some(base)))
        else {
            panic!()
        };
        assert_eq!(socket.url, "ws://127.0.0.1:9/stream");
    }
}

#[test]
fn subscribes_to_both_streams_in_lower_case() {
    assert_eq!(
        Binance.subscribe(Part::Main, &["BTCUSDT"], 9),
        r#"{"method":"SUBSCRIBE","params":["btcusdt@ticker","btcusdt@bookTicker"],"id":9}"#
    );
}

#[test]
fn lists_spot_instruments() {
    let answer = r#"{"timezone":"UTC","symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","isSpotTradingAllowed":true},{"symbol":"OLDBTC","status":"BREAK","baseAsset":"OLD","quoteAsset":"BTC"},{"symbol":"XBTC","status":"TRADING","baseAsset":"X","quoteAsset":"BTC","isSpotTradingAllowed":false}]}"#;
    let list = Binance.read_instruments(answer).unwrap();
    let rows: Vec<_> = list.iter().map(|it| (it.symbol.as_str(), it.trading)).collect();
    assert_eq!(rows, [("BTC-USDT", true), ("OLD-BTC", false)]);
    let refused = Binance.read_instruments(r#"{"code":-1003,"msg":"banned"}"#);
    assert_eq!(refused, Err(RestFault::Venue { code: "-1003".into(), message: "banned".into() }));
}
