//! Binance's frames and answers, written after their documentation.

use crate::exchange::{
    Addresses, DecodeError, Endpoint, Event, Exchange, Fault, Part, RestFault, Update,
    binance::Binance,
    tests::{bars_of, decoded, polled},
};
use tickcast_shared::market::Interval;

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

#[test]
fn gives_up_both_streams() {
    assert_eq!(
        Binance.unsubscribe(Part::Main, &["BTCUSDT"], 10),
        r#"{"method":"UNSUBSCRIBE","params":["btcusdt@ticker","btcusdt@bookTicker"],"id":10}"#
    );
}

#[test]
fn other_streams_are_refused() {
    let refused = |frame| Binance.decode(frame, &mut |event| panic!("{event:?}"));
    let trade = r#"{"stream":"btcusdt@trade","data":{"s":"BTCUSDT","p":"1"}}"#;
    assert_eq!(refused(trade), Err(DecodeError::UnknownType));
    let nameless = r#"{"stream":"btcusdt@bookTicker","data":{"b":"1"}}"#;
    assert_eq!(refused(nameless), Err(DecodeError::Garbage));
}

#[test]
fn tickers_by_rest_own_everything() {
    let row = r#"{"symbol":"BTCUSDT","lastPrice":"50000.3","bidPrice":"50000.1","bidQty":"1.25","askPrice":"50000.2","askQty":"0.5","openPrice":"49000","highPrice":"51000","lowPrice":"48000","volume":"1234.5","quoteVolume":"61725000.1","closeTime":1700000000123}"#;
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
        quote_volume: Some("61725000.1"),
        ..Update::of("BTCUSDT", Part::Main)
    };
    let base = "https://api.binance.com/api/v3/ticker/24hr";
    polled(&Binance, &["BTC-USDT"], &format!("{base}?symbol=BTCUSDT"), row, &[expected]);
    let several = format!("{base}?symbols=%5B%22ETHUSDT%22,%22BTCUSDT%22%5D");
    let answer = format!(r#"[{{"symbol":"XUSDT"}},{row}]"#);
    polled(&Binance, &["ETH-USDT", "BTC-USDT"], &several, &answer, &[expected]);
    let refusal = r#"{"code":-1121,"msg":"Invalid symbol."}"#;
    let refused = Binance.read_tickers(refusal, &[], &mut |_| {});
    let (code, message) = ("-1121".to_owned(), "Invalid symbol.".to_owned());
    assert_eq!(refused, Err(RestFault::Venue { code, message }));
}

#[test]
fn bars_are_those_that_are_over() {
    let answer = r#"[[1700002800000,"48000","50000","47000","49000","1",1700006399999,"1",5,"1","1","0"],[1700006400000,"49000","51000.5","48000","50000.3","12.5",1700009999999,"1",5,"1","1","0"]]"#;
    let url = "https://api.binance.com/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime=1700002800000&endTime=1700009999999&limit=1000";
    bars_of(&Binance, ("BTC-USDT", Interval::H1, 1_700_002_800, 1_700_013_599), url, answer)
        .same(&["1700002800 48000 50000 47000 49000", "1700006400 49000 51000.5 48000 50000.3"]);
}
