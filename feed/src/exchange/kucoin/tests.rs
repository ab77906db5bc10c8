//! KuCoin's frames and answers, written after their documentation.

use crate::exchange::{
    DecodeError, Endpoint, Event, Exchange, Fault, Part, Probe, RestFault, Update,
    kucoin::KuCoin,
    tests::{bars_of, decoded, polled},
};
use std::time::Duration;
use tickcast_shared::{clock::Micros, market::Interval};

const TICKER: &str = r#"{"topic":"/market/ticker:BTC-USDT","type":"message","subject":"trade.ticker","data":{"bestAsk":"50000.2","bestAskSize":"0.5","bestBid":"50000.1","bestBidSize":"1.25","price":"50000.3","sequence":"901","size":"0.01","time":1700000000123}}"#;

#[test]
fn reads_a_ticker() {
    let expected = Update {
        sequence: Some(901),
        last: Some("50000.3"),
        bid: Some("50000.1"),
        bid_qty: Some("1.25"),
        ask: Some("50000.2"),
        ask_qty: Some("0.5"),
        trade_ts: Some(Micros(1_700_000_000_123_000)),
        ..Update::of("BTC-USDT", Part::Main)
    };
    decoded(&KuCoin, TICKER, |event| assert_eq!(event, &Event::Update(expected)));
}

#[test]
fn the_topic_of_all_symbols_names_the_symbol_in_its_subject() {
    let frame = r#"{"topic":"/market/ticker:all","type":"message","subject":"ETH-BTC","data":{"price":0.05,"sequence":7}}"#;
    decoded(&KuCoin, frame, |event| {
        let Event::Update(update) = event else { panic!("{event:?}") };
        assert_eq!((update.symbol, update.last, update.bid), ("ETH-BTC", Some("0.05"), Some("")));
    });
}

#[test]
fn reads_control_frames() {
    decoded(&KuCoin, r#"{"id":"x","type":"welcome"}"#, |it| assert_eq!(it, &Event::Welcome));
    decoded(&KuCoin, r#"{"id":"3","type":"pong"}"#, |it| assert_eq!(it, &Event::Alive));
    decoded(&KuCoin, r#"{"id":"3","type":"ack"}"#, |it| {
        assert_eq!(it, &Event::Ack { request: Some(3), symbol: None });
    });
}

#[test]
fn errors_say_how_far_they_reach() {
    for (code, text, fault) in [
        (401, "token is expired", Fault::Token),
        (404, "topic /market/ticker:NOPE-USDT is not found", Fault::Request),
        (400, "topic is invalid", Fault::Request),
        (400, "ping timeout", Fault::Session),
        (509, "exceed max subscription count", Fault::Limit),
    ] {
        let frame = format!(r#"{{"id":"5","type":"error","code":{code},"data":"{text}"}}"#);
        decoded(&KuCoin, &frame, |event| {
            let Event::Error { request, fault: given, message, .. } = event else {
                panic!("{event:?}")
            };
            assert_eq!((*request, *given, *message), (Some(5), fault, text));
        });
    }
}

#[test]
fn asks_for_a_token_before_each_dial() {
    let Endpoint::Token { url } = KuCoin.endpoint(&KuCoin.addresses()) else { panic!() };
    assert_eq!(url, "https://api.kucoin.com/api/v1/bullet-public");
}

#[test]
fn a_token_answer_names_socket_and_ping_interval() {
    let answer = r#"{"code":"200000","data":{"token":"a b&c","instanceServers":[{"endpoint":"wss://ws.example/","encrypt":true,"protocol":"websocket","pingInterval":5000,"pingTimeout":3000},{"endpoint":"wss://other.example/endpoint"}]}}"#;
    let socket = KuCoin.socket(answer, 4).unwrap();
    assert_eq!(socket.url, "wss://ws.example/?token=a+b%26c&connectId=4");
    assert_eq!(socket.keepalive.probe, Probe::Text);
    assert_eq!(socket.keepalive.demanded, Some(Duration::from_secs(4)));
    assert_eq!(socket.keepalive.proof, Duration::from_secs(7));
    assert!(!format!("{socket:?}").contains("a+b"), "a token never reaches the log");
    let other = KuCoin.socket(answer, 5).unwrap();
    assert!(other.url.starts_with("wss://other.example/endpoint?token="));
}

#[test]
fn refusals_are_errors_even_with_http_200() {
    let region = KuCoin.socket(r#"{"code":"400302","msg":"not available here"}"#, 1).unwrap_err();
    assert_eq!(region, RestFault::Region { message: "not available here (code 400302)".into() });
    let busy = KuCoin.socket(r#"{"code":"500000","msg":"busy"}"#, 1).unwrap_err();
    assert_eq!(busy, RestFault::Venue { code: "500000".into(), message: "busy".into() });
    let none = r#"{"code":"200000","data":{"token":"t","instanceServers":[]}}"#;
    assert_eq!(KuCoin.socket(none, 1), Err(RestFault::Garbage));
}

#[test]
fn lists_symbols_by_base_and_quote() {
    let answer = r#"{"code":"200000","data":[{"symbol":"BTC-USDT","name":"BTC-USDT","baseCurrency":"BTC","quoteCurrency":"USDT","enableTrading":true},{"symbol":"GONE-BTC","baseCurrency":"GONE","quoteCurrency":"BTC","enableTrading":false}]}"#;
    let list = KuCoin.read_instruments(answer).unwrap();
    let rows: Vec<_> = list.iter().map(|it| (it.venue_symbol.as_str(), it.trading)).collect();
    assert_eq!(rows, [("BTC-USDT", true), ("GONE-BTC", false)]);
}

#[test]
fn a_snapshot_owns_the_figures_of_24_hours() {
    let snapshot = |figures: &str| {
        format!(
            r#"{{"type":"message","topic":"/market/snapshot:BTC-USDT","subject":"trade.snapshot","data":{{"sequence":"901","data":{{"trading":true,"symbol":"BTC-USDT","buy":1,"sell":2,"lastTradedPrice":3{figures}}}}}}}"#
        )
    };
    let all = r#","open":49000,"high":5.1e4,"low":48000.00000000000000000000,"vol":1234.5,"volValue":61725000.1"#;
    let expected = Update {
        open: Some("49000"),
        high: Some("5.1e4"),
        low: Some("48000.00000000000000000000"),
        volume: Some("1234.5"),
        quote_volume: Some("61725000.1"),
        ..Update::of("BTC-USDT", Part::Statistics)
    };
    decoded(&KuCoin, &snapshot(all), |it| assert_eq!(it, &Event::Update(expected)));
    let some = Update { volume: Some("1234.5"), ..Update::of("BTC-USDT", Part::Statistics) };
    decoded(&KuCoin, &snapshot(r#","vol":1234.5"#), |it| {
        assert_eq!(it, &Event::Update(some), "what is not told is not owned");
    });
}

#[test]
fn fields_may_come_in_any_order() {
    let frame = r#"{"data":{"price":"50000.3","sequence":"901"},"subject":"trade.ticker","topic":"/market/ticker:BTC-USDT","type":"message"}"#;
    decoded(&KuCoin, frame, |event| {
        let Event::Update(update) = event else { panic!("{event:?}") };
        assert_eq!((update.symbol, update.last), ("BTC-USDT", Some("50000.3")));
    });
}

#[test]
fn other_messages_are_refused() {
    let refused = |frame| KuCoin.decode(frame, &mut |event| panic!("{event:?}"));
    let other = r#"{"type":"message","topic":"/market/match:BTC-USDT","data":{"price":"1"}}"#;
    assert_eq!(refused(other), Err(DecodeError::UnknownType));
    for garbage in [
        r#"{"type":"message","topic":"/market/ticker:BTC-USDT"}"#,
        r#"{"type":"message","topic":"/market/ticker:BTC-USDT","data":"words"}"#,
        r#"{"type":"message","topic":"/market/snapshot:BTC-USDT","data":{"sequence":"1"}}"#,
    ] {
        assert_eq!(refused(garbage), Err(DecodeError::Garbage), "{garbage}");
    }
}

#[test]
fn subscribes_to_many_symbols_in_one_topic() {
    assert_eq!(
        KuCoin.subscribe(Part::Main, &["BTC-USDT", "ETH-USDT"], 12),
        r#"{"id":"12","type":"subscribe","topic":"/market/ticker:BTC-USDT,ETH-USDT","response":true}"#
    );
}

#[test]
fn prices_and_figures_are_channels_of_their_own() {
    assert_eq!(KuCoin.channels(), [Part::Main, Part::Statistics]);
    assert_eq!(
        KuCoin.subscribe(Part::Statistics, &["BTC-USDT"], 12),
        r#"{"id":"12","type":"subscribe","topic":"/market/snapshot:BTC-USDT","response":true}"#
    );
    assert_eq!(
        KuCoin.unsubscribe(Part::Main, &["BTC-USDT", "ETH-USDT"], 13),
        r#"{"id":"13","type":"unsubscribe","topic":"/market/ticker:BTC-USDT,ETH-USDT","response":true}"#
    );
}

#[test]
fn one_ticker_by_rest_is_the_top_of_the_book() {
    let answer = r#"{"code":"200000","data":{"time":1700000000123,"sequence":"901","price":"50000.3","size":"0.01","bestBid":"50000.1","bestBidSize":"1.25","bestAsk":"50000.2","bestAskSize":"0.5"}}"#;
    let url = "https://api.kucoin.com/api/v1/market/orderbook/level1?symbol=BTC-USDT";
    let expected = Update {
        last: Some("50000.3"),
        bid: Some("50000.1"),
        bid_qty: Some("1.25"),
        ask: Some("50000.2"),
        ask_qty: Some("0.5"),
        ..Update::of("BTC-USDT", Part::Main)
    };
    polled(&KuCoin, &["BTC-USDT"], url, answer, &[expected]);
    let unknown = KuCoin.read_tickers(r#"{"code":"200000","data":null}"#, &[], &mut |_| {});
    assert_eq!(unknown, Err(RestFault::Garbage));
}

#[test]
fn many_tickers_by_rest_are_one_request() {
    let answer = r#"{"code":"200000","data":{"time":1,"ticker":[{"symbol":"X-USDT","last":"1"},{"symbol":"BTC-USDT","symbolName":"BTC-USDT","buy":"50000.1","bestBidSize":"1.25","sell":"50000.2","bestAskSize":"0.5","changeRate":"0.02","high":"51000","low":"48000","vol":"1234.5","volValue":"61725000.1","last":"50000.3"}]}}"#;
    let url = "https://api.kucoin.com/api/v1/market/allTickers";
    let expected = Update {
        last: Some("50000.3"),
        bid: Some("50000.1"),
        bid_qty: Some("1.25"),
        ask: Some("50000.2"),
        ask_qty: Some("0.5"),
        high: Some("51000"),
        low: Some("48000"),
        volume: Some("1234.5"),
        quote_volume: Some("61725000.1"),
        ..Update::of("BTC-USDT", Part::Main)
    };
    polled(&KuCoin, &["ETH-USDT", "BTC-USDT"], url, answer, &[expected]);
}

#[test]
fn bars_are_written_open_close_high_low() {
    let answer = r#"{"code":"200000","data":[["1700006400","49000","50000.3","51000.5","48000","12.5","1"],["1700002800","48000","49000","50000","47000","1","1"]]}"#;
    let url = "https://api.kucoin.com/api/v1/market/candles?type=1hour&symbol=BTC-USDT&startAt=1700002800&endAt=1700009999";
    bars_of(&KuCoin, ("BTC-USDT", Interval::H1, 1_700_002_800, 1_700_010_000), url, answer)
        .same(&["1700002800 48000 50000 47000 49000", "1700006400 49000 51000.5 48000 50000.3"]);
}
