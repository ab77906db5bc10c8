//! `since`: a client that comes back says what it has, and is spared what has not moved.

use crate::support::{Client, Stage};
use serde_json::{Value, json};
use tickcast_shared::bus::LinkState;

const BTC: &str = "ticker:kucoin:BTC-USDT";
const ETH: &str = "ticker:kucoin:ETH-USDT";

/// A gateway with two prices, and their tickers.
async fn stage() -> (Stage, Value, Value) {
    let mut stage = Stage::start(|_| {}).await;
    stage.prices(&[BTC, ETH], "1").await;
    stage.heartbeat("kucoin", LinkState::Live).await;
    let mut client = stage.client("?topics=BTC-USDT").await;
    let btc = client.next_of("ticker").await;
    client.send(r#"{"op":"subscribe","topics":["ETH-USDT"]}"#).await;
    let eth = client.next_of("ticker").await;
    assert_eq!((&btc["state"], &eth["state"]), (&json!("live"), &json!("live")));
    (stage, btc, eth)
}

fn stamp(ticker: &Value) -> Value {
    json!({"epoch": ticker["epoch"], "seq": ticker["seq"]})
}

/// Subscribes and returns what comes between `subscribed` and `synced`.
async fn resume(client: &mut Client, topics: Value, since: Value) -> Vec<Value> {
    let message = json!({"op": "subscribe", "id": 9, "topics": topics, "since": since});
    client.send(&message.to_string()).await;
    let answer = client.next().await;
    assert_eq!((&answer["type"], &answer["rejected"]), (&json!("subscribed"), &json!([])));
    let mut values = Vec::new();
    loop {
        let message = client.next().await;
        if message["type"] == "synced" {
            assert_eq!(message["id"], 9);
            return values;
        }
        values.push(message);
    }
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let (mut stage, btc, eth) = stage().await;
    let mut client = stage.client("").await;
    let since = json!({BTC: stamp(&btc), ETH: stamp(&eth)});
    assert_eq!(resume(&mut client, json!([BTC, ETH]), since.clone()).await, Vec::<Value>::new());
    stage.price(BTC, "2").await;
    let moved = client.next_of("ticker").await;
    assert_eq!(moved["last_price"], "2", "updates follow");
    let mut client = stage.client("").await;
    let values = resume(&mut client, json!(["*-USDT"]), since).await;
    assert_eq!(values, [moved], "only what has moved");
}

#[tokio::test]
async fn any_other_stamp_gets_the_value() {
    let (stage, btc, eth) = stage().await;
    let (epoch, seq) = (btc["epoch"].as_u64().unwrap(), btc["seq"].as_u64().unwrap());
    for (epoch, seq) in [(epoch, seq - 1), (epoch - 1, seq), (epoch, seq + 1), (0, 0)] {
        let mut client = stage.client("").await;
        let since = json!({BTC: {"epoch": epoch, "seq": seq}, ETH: stamp(&eth)});
        let values = resume(&mut client, json!([BTC, ETH]), since).await;
        assert_eq!(values, std::slice::from_ref(&btc));
    }
}

#[tokio::test]
async fn a_topic_may_be_named_as_in_a_subscription() {
    let (stage, btc, eth) = stage().await;
    let mut client = stage.client("").await;
    let since = json!({"BTC-USDT": stamp(&btc)});
    assert_eq!(resume(&mut client, json!(["BTC-USDT", "ETH-USDT"]), since).await, [eth]);
}

#[tokio::test]
async fn what_is_unknown_or_not_subscribed_is_ignored() {
    let (stage, btc, eth) = stage().await;
    let mut client = stage.client("").await;
    let since = json!({"NOPE-USDT": stamp(&btc), "a:b:c:d:e": stamp(&btc), "*-USDT": stamp(&btc),
        ETH: stamp(&eth)});
    assert_eq!(resume(&mut client, json!([BTC]), since).await, [btc]);
}

#[tokio::test]
async fn a_stale_topic_is_sent_although_its_stamp_is_the_same() {
    let (stage, btc, _) = stage().await;
    // Nothing more is heard of its feed.
    let mut watching = stage.client("?topics=BTC-USDT").await;
    let mut stale = btc.clone();
    while stale["state"] != "stale" {
        stale = watching.next_of("ticker").await;
    }
    assert_eq!(stamp(&stale), stamp(&btc));
    let mut client = stage.client("").await;
    let values = resume(&mut client, json!([BTC]), json!({BTC: stamp(&btc)})).await;
    let tickers: Vec<&Value> = values.iter().filter(|it| it["type"] == "ticker").collect();
    assert_eq!(tickers, [&stale]);
}

#[tokio::test]
async fn too_many_entries_are_refused() {
    let mut stage = Stage::start(|config| config.limits.max_topics = 2).await;
    stage.price(BTC, "1").await;
    let mut client = stage.client("").await;
    let since = json!({"epoch": 1, "seq": 1});
    let message = json!({"op": "subscribe", "id": 1, "topics": [BTC],
        "since": {"A-B": since, "C-D": since, "E-F": since}});
    client.send(&message.to_string()).await;
    let error = client.next().await;
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!(1)));
    assert_eq!((&error["code"], &error["field"]), (&json!("too_many_topics"), &json!("since")));
    client.send(r#"{"op":"subscribe","topics":["BTC-USDT"],"since":{"BTC-USDT":{"seq":1}}}"#).await;
    let error = client.next_of("error").await;
    assert_eq!((&error["code"], &error["field"]), (&json!("bad_field"), &json!("since")));
    client.send(r#"{"op":"list"}"#).await;
    assert_eq!(client.next_of("subscriptions").await["topics"], json!([]));
}
