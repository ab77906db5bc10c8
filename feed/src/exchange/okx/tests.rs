//! OKX's frames and answers, written after their documentation.

use crate::exchange::{
    DecodeError, Event, Exchange, Fault, Market, Part, RestFault, Update,
    okx::Okx,
    tests::{bars_of, decoded, polled},
};
use tickcast_shared::{clock::Micros, market::Interval};

fn push(kind: &str, symbol: &str) -> String {
    format!(
        r#"{{"arg":{{"channel":"tickers","instId":"{symbol}"}},"data":[{{"instType":"{kind}","instId":"{symbol}","last":"50000.3","lastSz":"0.1","askPx":"50000.2","askSz":"1.5","bidPx":"","bidSz":"","open24h":"49000","high24h":"51000","low24h":"48000","volCcy24h":"61725000","vol24h":"1234.5","ts":"1700000000123"}}]}}"#
    )
}

#[test]
fn reads_a_ticker_with_an_empty_side() {
    let expected = Update {
        last: Some("50000.3"),
        bid: Some(""),
        bid_qty: Some(""),
        ask: Some("50000.2"),
        ask_qty: Some("1.5"),
        open: Some("49000"),
        high: Some("51000"),
        low: Some("48000"),
        volume: Some("1234.5"),
        quote_volume: Some("61725000"),
        exchange_ts: Some(Micros(1_700_000_000_123_000)),
        ..Update::of("BTC-USDT", Part::Main)
    };
    decoded(&Okx, &push("SPOT", "BTC-USDT"), |it| assert_eq!(it, &Event::Update(expected)));
}

#[test]
fn anything_but_spot_is_another_market() {
    decoded(&Okx, &push("SWAP", "BTC-USDT-SWAP"), |event| {
        let Event::Update(update) = event else { panic!("{event:?}") };
        assert_eq!(update.market, Market::Other);
    });
}

#[test]
fn reads_control_frames() {
    decoded(&Okx, "pong", |it| assert_eq!(it, &Event::Alive));
    let ack = r#"{"id":"7","event":"subscribe","arg":{"channel":"tickers","instId":"BTC-USDT"},"connId":"a4"}"#;
    decoded(&Okx, ack, |it| {
        assert_eq!(it, &Event::Ack { request: Some(7), symbol: Some("BTC-USDT") });
    });
    let count =
        r#"{"event":"channel-conn-count","channel":"tickers","connCount":"1","connId":"a4"}"#;
    decoded(&Okx, count, |it| assert_eq!(it, &Event::Ignored));
    let notice = r#"{"event":"notice","code":"64008","msg":"closing soon","connId":"a4"}"#;
    decoded(&Okx, notice, |it| assert_eq!(it, &Event::Closing { message: "closing soon" }));
}

#[test]
fn a_refused_argument_is_an_error_of_its_request() {
    let frame = r#"{"id":"7","event":"error","code":"60018","msg":"Wrong URL or channel:tickers,instId:NOPE-USDT doesn't exist.","connId":"a4"}"#;
    decoded(&Okx, frame, |event| {
        let Event::Error { request: Some(7), code: "60018", message, fault: Fault::Request } =
            event
        else {
            panic!("{event:?}")
        };
        assert!(message.contains("NOPE-USDT"));
    });
}

#[test]
fn other_channels_are_unknown() {
    let frame =
        r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT"}]}"#;
    assert_eq!(Okx.decode(frame, &mut |_| {}), Err(DecodeError::UnknownType));
}

#[test]
fn lists_spot_instruments() {
    let answer = r#"{"code":"0","msg":"","data":[{"instType":"SPOT","instId":"BTC-USDT","baseCcy":"BTC","quoteCcy":"USDT","state":"live"},{"instType":"SPOT","instId":"NEW-USDT","baseCcy":"NEW","quoteCcy":"USDT","state":"preopen"}]}"#;
    let list = Okx.read_instruments(answer).unwrap();
    let rows: Vec<_> = list.iter().map(|it| (it.symbol.as_str(), it.trading)).collect();
    assert_eq!(rows, [("BTC-USDT", true), ("NEW-USDT", false)]);
    let refused = Okx.read_instruments(r#"{"code":"50011","msg":"Too Many Requests","data":[]}"#);
    assert!(matches!(refused, Err(RestFault::Venue { .. })));
}

#[test]
fn subscribes_with_one_argument_a_symbol() {
    assert_eq!(
        Okx.subscribe(Part::Main, &["BTC-USDT", "ETH-USDT"], 3),
        r#"{"id":"3","op":"subscribe","args":[{"channel":"tickers","instId":"BTC-USDT"},{"channel":"tickers","instId":"ETH-USDT"}]}"#
    );
}

#[test]
fn gives_up_one_argument_a_symbol() {
    assert_eq!(
        Okx.unsubscribe(Part::Main, &["BTC-USDT"], 4),
        r#"{"id":"4","op":"unsubscribe","args":[{"channel":"tickers","instId":"BTC-USDT"}]}"#
    );
}

#[test]
fn tickers_by_rest_are_those_of_the_channel() {
    let row = r#"{"instType":"SPOT","instId":"BTC-USDT","last":"50000.3","bidPx":"50000.1","bidSz":"1.25","askPx":"50000.2","askSz":"0.5","open24h":"49000","high24h":"51000","low24h":"48000","volCcy24h":"61725000","vol24h":"1234.5","ts":"1700000000123"}"#;
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
        exchange_ts: Some(Micros(1_700_000_000_123_000)),
        ..Update::of("BTC-USDT", Part::Main)
    };
    let answer = format!(
        r#"{{"code":"0","msg":"","data":[{{"instType":"SPOT","instId":"X-USDT"}},{row}]}}"#
    );
    let base = "https://www.okx.com/api/v5/market";
    let one = format!("{base}/ticker?instId=BTC-USDT");
    polled(&Okx, &["BTC-USDT"], &one, &answer, &[expected]);
    let all = format!("{base}/tickers?instType=SPOT");
    polled(&Okx, &["ETH-USDT", "BTC-USDT"], &all, &answer, &[expected]);
}

#[test]
fn days_are_days_of_utc_and_open_bars_are_left_out() {
    let answer = r#"{"code":"0","msg":"","data":[["1700092800000","49000","51000.5","48000","50000.3","1","1","1","0"],["1700006400000","48000","50000","47000","49000","1","1","1","1"]]}"#;
    let url = "https://www.okx.com/api/v5/market/history-candles?instId=BTC-USDT&bar=1Dutc&before=1700006399999&after=1700092800000&limit=100";
    bars_of(&Okx, ("BTC-USDT", Interval::D1, 1_700_006_400, 1_700_100_000), url, answer)
        .same(&["1700006400 48000 50000 47000 49000"]);
}
