//! Past bars by REST, bars among the topics, and what an index says of its sources.

use crate::support::{Stage, numbers_of};
use serde_json::{Value, json};

const M1: &str = "kline:kucoin:BTC-USDT:1m";

#[tokio::test]
async fn an_index_names_its_sources() {
    let mut stage = Stage::start(|_| {}).await;
    stage.index("ticker:index:BTC-USDT", "100").await;
    stage.price("ticker:kucoin:BTC-USDT", "99").await;
    let mut client = stage.client("?topics=ticker:index:BTC-USDT").await;
    let ticker = client.next_of("ticker").await;
    assert_eq!((&ticker["last_price"], &ticker["bid_price"]), (&json!("100"), &Value::Null));
    let received = &ticker["received_ts"];
    assert_eq!(
        ticker["sources"],
        json!([
            {"exchange": "binance", "price": "100", "received_ts": received},
            {"exchange": "okx", "price": "100", "received_ts": received},
        ])
    );
    assert_eq!(ticker["excluded"], json!([{"exchange": "kraken", "reason": "crossed"}]));
    let (status, price) = get(&stage, "/v1/price/BTC-USDT?exchange=index").await;
    assert_eq!((status, &price["sources"]), (200, &ticker["sources"]));
    assert_eq!(price["excluded"], ticker["excluded"]);
    let mut client = stage.client("?topics=BTC-USDT").await;
    let plain = client.next_of("ticker").await;
    assert!(plain.get("sources").is_none() && plain.get("excluded").is_none(), "{plain}");
}

async fn get(stage: &Stage, path: &str) -> (u16, Value) {
    let socket = crate::support::Answer::dial(stage.address, [127, 0, 0, 1]).await;
    let answer = crate::support::Answer::get(socket, path, "").await;
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn past_bars_are_asked_for_by_rest() {
    let mut stage = Stage::start(|_| {}).await;
    stage.keep_bars(M1, 0..10).await;
    stage.open_bar(M1, 10).await;
    stage.close_bar("kline:index:BTC-USDT:1h", 3).await;
    stage.client(&format!("?topics={M1}")).await.next_of("synced").await;
    let (status, answer) = get(&stage, "/v1/klines/BTC-USDT").await;
    assert_eq!((status, &answer["topic"]), (200, &json!(M1)));
    assert_eq!(numbers_of(&answer), (0..=10).collect::<Vec<_>>());
    assert_eq!(
        (&answer["bars"][9]["closed"], &answer["bars"][10]["closed"]),
        (&json!(true), &json!(false))
    );
    let (_, answer) = get(&stage, "/v1/klines/BTC-USDT?exchange=kucoin&interval=1m&limit=2").await;
    assert_eq!(numbers_of(&answer), [9, 10]);
    let end = crate::support::START + 5 * 60_000_000;
    let (_, answer) = get(&stage, &format!("/v1/klines/{M1}?limit=3&end={end}")).await;
    assert_eq!(numbers_of(&answer), [2, 3, 4]);
    let (_, answer) = get(&stage, "/v1/klines/BTC-USDT?exchange=index&interval=1h").await;
    assert_eq!(numbers_of(&answer), [3]);
    for (path, status, code, hint) in [
        ("/v1/klines/NOPE-USDT", 404, "unknown_topic", "NOPE-USDT"),
        ("/v1/klines/BTC-USDT?interval=2m", 400, "bad_field", "1m, 5m, 15m, 1h, 4h, 1d"),
        ("/v1/klines/BTC-USDT?limit=1001", 400, "bad_field", "1 to 1000"),
        ("/v1/klines/BTC-USDT?limit=0", 400, "bad_field", "1 to 1000"),
        ("/v1/klines/BTC-USDT?end=soon", 400, "bad_field", "microseconds"),
        ("/v1/klines/BTC-USDT?from=1", 400, "unknown_field", "from"),
        ("/v1/klines/ticker:kucoin:BTC-USDT", 400, "bad_topic", "no kline"),
        ("/v1/klines/btc", 400, "bad_topic", "btc"),
    ] {
        let (got, answer) = get(&stage, path).await;
        assert_eq!((got, &answer["error"]["code"]), (status, &json!(code)), "{path}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(hint), "{path}: {answer}");
    }
}

#[tokio::test]
async fn bars_are_topics_and_no_symbols() {
    let mut stage = Stage::start(|_| {}).await;
    stage.keep_bars(M1, 0..10).await;
    stage.open_bar(M1, 10).await;
    stage.price("ticker:kucoin:BTC-USDT", "1").await;
    stage.client("?topics=BTC-USDT").await.next_of("synced").await;
    let (_, topics) = get(&stage, "/v1/topics").await;
    assert_eq!(topics["topics"], json!([M1, "ticker:kucoin:BTC-USDT"]));
    let (_, symbols) = get(&stage, "/v1/symbols").await;
    assert_eq!(symbols["symbols"].as_array().unwrap().len(), 1);
    let (status, _) = get(&stage, &format!("/v1/price/{M1}")).await;
    assert_eq!(status, 400);
}
