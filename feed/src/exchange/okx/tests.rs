//! OKX's frames and answers, written after their documentation.

use crate::exchange::{
    DecodeError, Event, Exchange, Fault, Market, Part, RestFault, Update, okx::Okx, tests::decoded,
};
use tickcast_shared::clock::Micros;

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
