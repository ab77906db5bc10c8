//! Kraken's frames and answers, written after their documentation.

use crate::exchange::{
    DecodeError, Event, Exchange, Fault, Part, RestFault, Update,
    kraken::Kraken,
    tests::{bars_of, decoded, events_of, listed, polled},
};
use tickcast_shared::{clock::Micros, market::Interval};

const AT: Option<Micros> = Some(Micros(1_700_000_000_123_456));

#[test]
fn reads_bare_numbers_from_their_text() {
    let frame = r#"{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":50000.10,"bid_qty":1.25,"ask":50000.20,"ask_qty":5.0e-1,"last":50000.3,"volume":1234.50000001,"vwap":50001.0,"low":48000.0,"high":51000.0,"change":1.0,"change_pct":0.1,"timestamp":"2023-11-14T22:13:20.123456Z"}]}"#;
    let expected = Update {
        last: Some("50000.3"),
        bid: Some("50000.10"),
        bid_qty: Some("1.25"),
        ask: Some("50000.20"),
        ask_qty: Some("5.0e-1"),
        high: Some("51000.0"),
        low: Some("48000.0"),
        volume: Some("1234.50000001"),
        exchange_ts: AT,
        ..Update::of("BTC/USD", Part::Main)
    };
    decoded(&Kraken, frame, |it| assert_eq!(it, &Event::Update(expected)));
}

#[test]
fn a_listing_that_was_never_quoted_has_no_time() {
    let frame = r#"{"channel":"ticker","type":"snapshot","data":[{"symbol":"NEWx/USD","bid":0,"bid_qty":0,"ask":0,"ask_qty":0,"timestamp":"1970-01-01T00:00:00.000000Z"}]}"#;
    decoded(&Kraken, frame, |event| {
        let Event::Update(update) = event else { panic!("{event:?}") };
        assert_eq!((update.symbol, update.exchange_ts), ("NEWx/USD", None));
        assert_eq!((update.bid, update.last), (Some("0"), Some("")));
    });
}

#[test]
fn each_trade_owns_the_last_price_only() {
    let frame = r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":50000.3,"qty":0.1,"ord_type":"market","trade_id":41,"timestamp":"2023-11-14T22:13:20.123456Z"},{"symbol":"BTC/USD","side":"sell","price":50000.4,"qty":0.1,"ord_type":"limit","trade_id":42,"timestamp":"2023-11-14T22:13:20.123456Z"}]}"#;
    let trade = |id, price| Update {
        sequence: Some(id),
        last: Some(price),
        trade_ts: AT,
        ..Update::of("BTC/USD", Part::Trades)
    };
    let expected = [trade(41, "50000.3"), trade(42, "50000.4")];
    assert_eq!(
        events_of(&Kraken, frame),
        expected.map(|update| format!("{:?}", Event::Update(update)))
    );
}

#[test]
fn heartbeat_pong_and_a_system_online_are_signs_of_life() {
    for frame in [
        r#"{"channel":"heartbeat"}"#,
        r#"{"method":"pong","req_id":3,"time_in":"","time_out":""}"#,
        r#"{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2","connection_id":1}]}"#,
    ] {
        decoded(&Kraken, frame, |it| assert_eq!(it, &Event::Alive));
    }
}

#[test]
fn a_system_that_matches_no_orders_is_under_maintenance() {
    for system in ["maintenance", "cancel_only", "post_only"] {
        let frame = format!(
            r#"{{"channel":"status","type":"update","data":[{{"system":"{system}","api_version":"v2"}}]}}"#
        );
        decoded(&Kraken, &frame, |it| assert_eq!(it, &Event::Maintenance { message: system }));
    }
}

#[test]
fn each_symbol_is_answered_apart() {
    let ack = r#"{"method":"subscribe","req_id":7,"result":{"channel":"ticker","event_trigger":"bbo","snapshot":true,"symbol":"BTC/USD"},"success":true,"time_in":"","time_out":""}"#;
    decoded(&Kraken, ack, |it| {
        assert_eq!(it, &Event::Ack { request: Some(7), symbol: Some("BTC/USD") });
    });
    let refused = r#"{"error":"Currency pair not supported NOPE/USD","method":"subscribe","success":false,"symbol":"NOPE/USD","req_id":7}"#;
    let message = "Currency pair not supported NOPE/USD";
    decoded(&Kraken, refused, |it| {
        let expected =
            Event::Error { request: Some(7), code: "subscribe", message, fault: Fault::Request };
        assert_eq!(it, &expected);
    });
    let ended = r#"{"method":"unsubscribe","success":false,"error":"Subscription Not Found"}"#;
    decoded(&Kraken, ended, |it| assert_eq!(it, &Event::Ignored));
    let many = r#"{"error":"EAPI:Rate limit exceeded","method":"subscribe","success":false}"#;
    decoded(&Kraken, many, |it| {
        assert!(matches!(it, Event::Error { fault: Fault::Limit, .. }), "{it:?}");
    });
}

#[test]
fn version_1_is_not_spoken() {
    for frame in [
        r#"[340,{"a":["5.1",1,"1.0"],"b":["5.0",1,"1.0"]},"ticker","XBT/USD"]"#,
        r#"{"event":"heartbeat"}"#,
        r#"{"connectionID":1,"event":"systemStatus","status":"online","version":"1.9.1"}"#,
    ] {
        let read = Kraken.decode(frame, &mut |event| panic!("{event:?}"));
        assert_eq!(read, Err(DecodeError::UnsupportedProtocol));
    }
}

#[test]
fn other_frames_are_refused() {
    let refused = |frame| Kraken.decode(frame, &mut |event| panic!("{event:?}"));
    assert_eq!(refused(r#"{"channel":"book","data":[]}"#), Err(DecodeError::UnknownType));
    assert_eq!(refused(r#"{"channel":"ticker","data":[]}"#), Err(DecodeError::Garbage));
    assert_eq!(refused(r#"{"channel":"ticker","data":[{"bid":1}]}"#), Err(DecodeError::Garbage));
    assert_eq!(refused("["), Err(DecodeError::Garbage));
}

#[test]
fn subscribes_to_quotes_and_trades_apart() {
    assert_eq!(Kraken.channels(), [Part::Main, Part::Trades]);
    assert_eq!(
        Kraken.subscribe(Part::Main, &["BTC/USD", "ETH/USD"], 3),
        r#"{"method":"subscribe","params":{"channel":"ticker","event_trigger":"bbo","symbol":["BTC/USD","ETH/USD"]},"req_id":3}"#
    );
    assert_eq!(
        Kraken.unsubscribe(Part::Trades, &["BTC/USD"], 4),
        r#"{"method":"unsubscribe","params":{"channel":"trade","snapshot":false,"symbol":["BTC/USD"]},"req_id":4}"#
    );
}

const PAIRS: &str = r#"{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT","quote":"ZUSD","status":"online"},"XDGUSDT":{"altname":"XDGUSDT","wsname":"XDG/USDT","base":"XXDG","quote":"USDT","status":"online"},"ETHXBT.d":{"altname":"ETHXBT.d","base":"XETH","quote":"XXBT","status":"online"},"OLDUSD":{"altname":"OLDUSD","wsname":"OLD/USD","status":"cancel_only"}}}"#;

#[test]
fn lists_pairs_by_the_names_of_the_world() {
    assert_eq!(
        listed(&Kraken, PAIRS),
        [
            ("OLD-USD", "OLD/USD", false),
            ("DOGE-USDT", "DOGE/USDT", true),
            ("BTC-USD", "BTC/USD", true)
        ]
        .map(|(symbol, name, trading)| (symbol.to_owned(), name.to_owned(), trading))
    );
    let refused = Kraken.read_instruments(r#"{"error":["EAPI:Rate limit exceeded"]}"#);
    let (code, message) = ("EAPI".to_owned(), "Rate limit exceeded".to_owned());
    assert_eq!(refused, Err(RestFault::Venue { code, message }));
}

#[test]
fn tickers_by_rest_stand_under_the_names_of_the_list() {
    let list = Kraken.read_instruments(PAIRS).unwrap();
    let asked: Vec<_> = list.iter().filter(|it| it.trading).collect();
    let url = Kraken.tickers_url(&Kraken.addresses(), &asked);
    assert_eq!(url, "https://api.kraken.com/0/public/Ticker?pair=XDGUSDT,XXBTZUSD");
    let row = r#"{"a":["50000.2","1","0.5"],"b":["50000.1","1","1.25"],"c":["50000.3","0.1"],"v":["1","1234.5"],"p":["1","2"],"t":[1,2],"l":["49000","48000"],"h":["50500","51000"],"o":"49500"}"#;
    let answer = format!(r#"{{"error":[],"result":{{"XXBTZUSD":{row}}}}}"#);
    let mut told = Vec::new();
    let read = Kraken.read_tickers(&answer, &asked, &mut |it| told.push(format!("{it:?}")));
    assert_eq!((read, told), (Ok(()), vec![format!("{:?}", polled_ticker())]));
}

fn polled_ticker() -> Update<'static> {
    Update {
        last: Some("50000.3"),
        bid: Some("50000.1"),
        bid_qty: Some("1.25"),
        ask: Some("50000.2"),
        ask_qty: Some("0.5"),
        high: Some("51000"),
        low: Some("48000"),
        volume: Some("1234.5"),
        ..Update::of("BTC/USD", Part::Main)
    }
}

#[test]
fn without_a_list_the_answer_for_one_pair_is_its_own() {
    let answer = r#"{"error":[],"result":{"XXBTZUSD":{"a":["50000.2","1","0.5"],"b":["50000.1","1","1.25"],"c":["50000.3","0.1"],"v":["1","1234.5"],"l":["49000","48000"],"h":["50500","51000"],"o":"49500"}}}"#;
    let url = "https://api.kraken.com/0/public/Ticker?pair=XBTUSD";
    polled(&Kraken, &["BTC-USD"], url, answer, &[polled_ticker()]);
}

#[test]
fn the_bar_that_is_still_open_is_left_out() {
    let answer = r#"{"error":[],"result":{"XXBTZUSD":[[1700002800,"48000.0","50000.0","47000.0","49000.0","48500.0","1.5",23],[1700006400,"49000.0","51000.5","48000.0","50000.3","49500.0","12.5",9]],"last":1700002800}}"#;
    let url = "https://api.kraken.com/0/public/OHLC?pair=XBTUSD&interval=60&since=1700002799";
    bars_of(&Kraken, ("BTC-USD", Interval::H1, 1_700_002_800, 1_700_006_500), url, answer)
        .same(&["1700002800 48000.0 50000.0 47000.0 49000.0"]);
}
