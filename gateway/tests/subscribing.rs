//! Subscriptions: order of messages, patterns, large sets, leaving.

use crate::support::Stage;
use serde_json::{Value, json};
use std::collections::HashMap;
use tickcast_shared::bus::LinkState;

const BTC: &str = "ticker:kucoin:BTC-USDT";
const ETH: &str = "ticker:kucoin:ETH-USDT";

#[tokio::test]
async fn a_subscription_is_answered_then_valued_then_synced() {
    let mut stage = Stage::start(|_| {}).await;
    stage.prices(&[BTC, ETH], "100").await;
    let mut client = stage.client("").await;
    client.send(r#"{"op":"subscribe","id":7,"topics":["BTC-USDT","NOPE-USDT","b*d","x"]}"#).await;
    let answer = client.next().await;
    assert_eq!(answer["type"], "subscribed");
    assert_eq!(answer["id"], 7);
    assert_eq!(answer["topics"][0]["topic"], BTC);
    assert_eq!(answer["topics"][0]["interval_ms"], 0);
    assert_eq!(answer["aliases"], json!({"BTC-USDT": BTC}));
    let codes: Vec<&Value> =
        answer["rejected"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
    assert_eq!(codes, ["unknown_topic", "bad_topic", "bad_topic"]);
    let value = client.next().await;
    assert_eq!((&value["topic"], &value["last_price"]), (&json!(BTC), &json!("100")));
    assert_eq!(value["simulated"], true);
    assert_eq!(client.next().await, json!({"type": "synced", "id": 7}));
    stage.price(ETH, "3").await;
    stage.price(BTC, "101").await;
    assert_eq!(client.next().await["last_price"], "101", "and nothing of what was not asked for");
}

#[tokio::test]
async fn topics_of_the_url_are_subscribed_with_a_null_id() {
    let mut stage = Stage::start(|_| {}).await;
    stage.price(BTC, "100").await;
    let mut client = stage.client("?topics=BTC-USDT").await;
    let answer = client.next().await;
    assert_eq!((&answer["type"], &answer["id"]), (&json!("subscribed"), &Value::Null));
    assert_eq!(client.next().await["last_price"], "100");
    assert_eq!(client.next().await, json!({"type": "synced", "id": null}));
}

#[tokio::test]
async fn new_listings_join_a_pattern() {
    let mut stage = Stage::start(|config| config.limits.max_topics = 3).await;
    stage.price(BTC, "100").await;
    let mut client = stage.client("?topics=*-USDT").await;
    assert_eq!(client.next().await["patterns"], json!(["ticker:kucoin:*-USDT"]));
    client.next_of("synced").await;
    stage.price(ETH, "5").await;
    let added = client.next_of("topics_added").await;
    assert_eq!(added["pattern"], "ticker:kucoin:*-USDT");
    assert_eq!(added["topics"], json!([ETH]));
    assert_eq!(client.next().await["last_price"], "5");
    client.send(r#"{"op":"list"}"#).await;
    let list = client.next_of("subscriptions").await;
    assert_eq!(list["topics"].as_array().unwrap().len(), 2);
    assert_eq!(list["patterns"], json!(["ticker:kucoin:*-USDT"]));
    stage.prices(&["ticker:kucoin:A-USDT", "ticker:kucoin:B-USDT"], "1").await;
    let error = client.next_of("error").await;
    assert_eq!(error["code"], "too_many_topics");
}

#[tokio::test]
async fn a_pattern_leaves_only_as_itself() {
    let mut stage = Stage::start(|_| {}).await;
    stage.prices(&[BTC, ETH], "1").await;
    let mut client = stage.client("?topics=*-USDT,BTC-USDT").await;
    client.next_of("synced").await;
    client.send(r#"{"op":"unsubscribe","id":1,"topics":["ETH-USDT","*-USDT"]}"#).await;
    let left = client.next_of("unsubscribed").await;
    assert_eq!(left["topics"], json!(["ticker:kucoin:*-USDT"]));
    stage.price(ETH, "2").await;
    stage.price(BTC, "3").await;
    assert_eq!(client.next().await["topic"], BTC);
    client.send(r#"{"op":"unsubscribe","topics":["*"]}"#).await;
    assert_eq!(client.next().await["topics"], json!([BTC]));
}

#[tokio::test]
async fn a_thousand_present_values_arrive_while_they_move() {
    let mut stage = Stage::start(|_| {}).await;
    let topics: Vec<String> = (0..1000).map(|n| format!("ticker:okx:C{n}-USDT")).collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    stage.prices(&topics, "1").await;
    let mut client = stage.client("").await;
    client.send(r#"{"op":"subscribe","id":1,"topics":["ticker:okx:*"]}"#).await;
    assert_eq!(client.next().await["topics"].as_array().unwrap().len(), 1000);
    // More than the socket takes at once; meanwhile every value moves on.
    stage.prices(&topics, "2").await;
    let mut seen: HashMap<String, (u64, String)> = HashMap::new();
    while seen.len() < 1000 || seen.values().any(|(_, price)| price != "2") {
        let message = client.next().await;
        if message["type"] != "ticker" {
            continue;
        }
        let topic = message["topic"].as_str().unwrap().to_owned();
        let now =
            (message["seq"].as_u64().unwrap(), message["last_price"].as_str().unwrap().into());
        let before = seen.insert(topic, now.clone());
        assert!(before.is_none_or(|before| before.0 <= now.0), "ran backwards");
    }
}

#[tokio::test]
async fn a_state_that_is_not_well_is_told_with_its_reason() {
    // One shard: what one client was told is known where the next one comes.
    let mut stage = Stage::start(|config| config.shards = 1).await;
    stage.price(BTC, "1").await;
    stage.heartbeat("kucoin", LinkState::Live).await;
    let mut client = stage.client("?topics=BTC-USDT").await;
    client.next_of("synced").await;
    stage.heartbeat("kucoin", LinkState::Stale).await;
    let status = client.next_of("status").await;
    assert_eq!((&status["scope"], &status["name"]), (&json!("exchange"), &json!("kucoin")));
    assert_eq!((&status["state"], &status["reason"]), (&json!("stale"), &json!("link_lost")));
    let mut late = stage.client("?topics=BTC-USDT").await;
    late.next_of("subscribed").await;
    let told = late.next().await;
    assert_eq!((&told["type"], &told["scope"]), (&json!("status"), &json!("exchange")), "{told}");
    assert_eq!((&told["name"], &told["state"]), (&json!("kucoin"), &json!("stale")), "{told}");
    stage.remove(BTC).await;
    let status = client.next_of("status").await;
    assert_eq!((&status["scope"], &status["state"]), (&json!("topic"), &json!("halted")));
    client.send(r#"{"op":"subscribe","topics":["BTC-USDT"]}"#).await;
    let answer = client.next_of("subscribed").await;
    assert_eq!(answer["rejected"][0]["code"], "unknown_topic");
}

#[tokio::test]
async fn a_feed_that_falls_silent_makes_its_prices_stale() {
    let mut stage = Stage::start(|_| {}).await;
    stage.price(BTC, "1").await;
    stage.heartbeat("kucoin", LinkState::Live).await;
    let mut client = stage.client("?topics=BTC-USDT").await;
    let live = client.next_of("ticker").await;
    assert_eq!(live["state"], "live");
    let stale = client.next_of("ticker").await;
    assert_eq!(stale["state"], "stale");
    assert_eq!((&stale["epoch"], &stale["seq"]), (&live["epoch"], &live["seq"]));
    stage.take_over().await;
    stage.price(BTC, "2").await;
    let back = client.next_of("ticker").await;
    assert_eq!(back["state"], "live");
    assert!(back["epoch"].as_u64() > live["epoch"].as_u64());
}

#[tokio::test]
async fn a_gateway_that_starts_on_a_filled_bus_has_nothing_bad_to_say() {
    let mut stage = Stage::start(|_| {}).await;
    stage.price(BTC, "1").await;
    let late = stage.another_gateway().await;
    let mut early = stage.client_of(late, "?topics=BTC-USDT").await;
    early.next_of("synced").await;
    // Its feed is heard only now; before that the value was not to be called live.
    stage.heartbeat("kucoin", LinkState::Live).await;
    stage.price(BTC, "2").await;
    while early.next_of("ticker").await["last_price"] != "2" {}
    let mut later = stage.client_of(late, "?topics=BTC-USDT").await;
    later.next_of("subscribed").await;
    let value = later.next().await;
    assert_eq!((&value["type"], &value["state"]), (&json!("ticker"), &json!("live")), "{value}");
}

#[tokio::test]
async fn a_removed_topic_that_comes_back_says_so() {
    let mut stage = Stage::start(|_| {}).await;
    stage.price(BTC, "1").await;
    let mut client = stage.client("?topics=BTC-USDT").await;
    client.next_of("synced").await;
    stage.remove(BTC).await;
    assert_eq!(client.next_of("status").await["state"], "halted");
    stage.price(BTC, "2").await;
    assert_eq!(client.next_of("status").await["state"], "live");
    assert_eq!(client.next_of("ticker").await["last_price"], "2");
}

#[tokio::test]
async fn patterns_and_long_lists_have_a_limit() {
    let stage = Stage::start(|config| {
        config.limits.max_topics = 3;
        config.limits.max_patterns = 3;
    })
    .await;
    let mut client = stage.client("?topics=A*,B*,C*,D*").await;
    let error = client.next_of("error").await;
    assert_eq!((&error["code"], &error["field"]), (&json!("too_many_topics"), &json!("topics")));
    client.send(r#"{"op":"subscribe","topics":["A-*","B-*","C-*"]}"#).await;
    assert_eq!(client.next_of("subscribed").await["rejected"], json!([]));
    client.send(r#"{"op":"subscribe","topics":["D-*"]}"#).await;
    let answer = client.next_of("subscribed").await;
    assert_eq!(answer["rejected"][0]["code"], "too_many_topics");
}
