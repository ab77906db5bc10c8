//! Intervals and change filters as a client sees them: which updates come, in which order. When
//! exactly they come is tested where the time can be set.

use crate::support::{Client, Stage};
use serde_json::{Value, json};
use tickcast_shared::market::State;

const BTC: &str = "ticker:kucoin:BTC-USDT";
const ETH: &str = "ticker:kucoin:ETH-USDT";
/// As good as never within a test.
const HOUR_MS: u32 = 3_600_000;

/// A gateway with two prices, and a client that has subscribed to nothing.
async fn stage() -> (Stage, Client) {
    let mut stage = Stage::start(|_| {}).await;
    stage.prices(&[BTC, ETH], "1000").await;
    let client = stage.client("").await;
    (stage, client)
}

async fn subscribe(client: &mut Client, message: Value) -> Value {
    client.send(&message.to_string()).await;
    let answer = client.next_of("subscribed").await;
    assert_eq!(answer["rejected"], json!([]));
    client.next_of("synced").await;
    answer
}

async fn list(client: &mut Client) -> Value {
    client.send(r#"{"op":"list"}"#).await;
    client.next_of("subscriptions").await
}

/// The line of a topic in a list of settings.
fn setting<'a>(list: &'a Value, topic: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|it| it["topic"] == topic).unwrap()
}

/// The next ticker's topic and last price.
async fn next(client: &mut Client) -> (String, String) {
    let ticker = client.next_of("ticker").await;
    let text = |key: &str| ticker[key].as_str().unwrap().to_owned();
    (text("topic"), text("last_price"))
}

/// Publishes a price of BTC-USDT; the last prices of it that come before a later one of ETH-USDT,
/// which the client gets unthrottled.
async fn btc(stage: &mut Stage, client: &mut Client, price: &str) -> Vec<String> {
    stage.price(BTC, price).await;
    stage.price(ETH, price).await;
    let mut prices = Vec::new();
    loop {
        match next(client).await {
            (topic, got) if topic == ETH && got == price => return prices,
            (_, got) => prices.push(got),
        }
    }
}

fn of(topic: &str, price: &str) -> (String, String) {
    (topic.to_owned(), price.to_owned())
}

#[tokio::test]
async fn settings_in_force_are_returned_by_subscribed_and_list() {
    let (stage, mut client) = stage().await;
    let wanted =
        json!({"topic": BTC, "interval_ms": 250, "min_change_bps": 5, "max_silence_ms": 900});
    let ask = json!({"op": "subscribe", "topics": ["BTC-USDT"], "interval_ms": 250,
        "min_change_bps": 5, "max_silence_ms": 900});
    assert_eq!(subscribe(&mut client, ask).await["topics"], json!([wanted]));
    assert_eq!(list(&mut client).await["topics"], json!([wanted]));
    let query = "?topics=BTC-USDT&interval_ms=250&min_change_bps=5&max_silence_ms=900";
    let mut by_url = stage.client(query).await;
    assert_eq!(by_url.next_of("subscribed").await["topics"], json!([wanted]));
    assert_eq!(list(&mut by_url).await["topics"], json!([wanted]));
    let plain =
        json!({"topic": ETH, "interval_ms": 0, "min_change_bps": 0, "max_silence_ms": 30_000});
    subscribe(&mut client, json!({"op": "subscribe", "topics": ["ETH-USDT"]})).await;
    let listed = list(&mut client).await["topics"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!((setting(&listed, BTC), setting(&listed, ETH)), (&wanted, &plain));
}

#[tokio::test]
async fn settings_out_of_range_are_refused_by_name() {
    let (_stage, mut client) = stage().await;
    for (field, value) in
        [("interval_ms", 3_600_001), ("min_change_bps", 10_001), ("max_silence_ms", 99)]
    {
        let message = json!({"op": "subscribe", "id": 1, "topics": ["BTC-USDT"], field: value});
        client.send(&message.to_string()).await;
        let error = client.next_of("error").await;
        assert_eq!((&error["code"], &error["field"]), (&json!("bad_field"), &json!(field)));
    }
    assert_eq!(list(&mut client).await["topics"], json!([]));
}

#[tokio::test]
async fn the_server_has_a_floor_and_a_default() {
    let mut stage = Stage::start(|config| {
        config.limits.min_interval_ms = 50;
        config.limits.default_interval_ms = 200;
    })
    .await;
    stage.price(BTC, "1").await;
    let mut client = stage.client("").await;
    for (asked, granted) in [(Value::Null, 200), (json!(0), 50), (json!(10), 50), (json!(300), 300)]
    {
        let ask = json!({"op": "subscribe", "topics": ["BTC-USDT"], "interval_ms": asked});
        let answer = subscribe(&mut client, ask).await;
        assert_eq!(answer["topics"][0]["interval_ms"], granted, "{asked}");
        assert_eq!(list(&mut client).await["topics"][0]["interval_ms"], granted, "{asked}");
    }
}

#[tokio::test]
async fn the_floor_holds_for_a_client_that_asks_for_every_update() {
    let mut stage = Stage::start(|config| config.limits.min_interval_ms = HOUR_MS).await;
    stage.price(BTC, "1000").await;
    let mut client = stage.client("?topics=BTC-USDT&interval_ms=0").await;
    client.next_of("synced").await;
    stage.price(BTC, "1001").await;
    assert_eq!(next(&mut client).await, of(BTC, "1001"), "the present value does not count");
    for price in ["1002", "1003"] {
        stage.price(BTC, price).await;
    }
    stage.publish(&[BTC], "1004", State::Halted).await;
    assert_eq!(next(&mut client).await, of(BTC, "1004"), "a change of state passes at once");
}

#[tokio::test]
async fn the_newest_value_always_arrives() {
    let (mut stage, mut client) = stage().await;
    let ask = json!({"op": "subscribe", "topics": ["BTC-USDT", "ETH-USDT"], "interval_ms": 300});
    subscribe(&mut client, ask).await;
    for price in 1001..=1020 {
        stage.prices(&[BTC, ETH], &price.to_string()).await;
    }
    let (mut seqs, mut last) = ([0, 0], [String::new(), String::new()]);
    let mut count = 0;
    while last.iter().any(|price| price != "1020") {
        let ticker = client.next_of("ticker").await;
        let at = usize::from(ticker["topic"] == ETH);
        let seq = ticker["seq"].as_u64().unwrap();
        assert!(seq > seqs[at], "{ticker}");
        (seqs[at], last[at]) = (seq, ticker["last_price"].as_str().unwrap().to_owned());
        count += 1;
    }
    assert!(count < 40, "nothing was held back");
}

#[tokio::test]
async fn small_moves_are_held_back_until_they_add_up() {
    let (mut stage, mut client) = stage().await;
    let ask = json!({"op": "subscribe", "topics": ["BTC-USDT"], "min_change_bps": 100,
        "max_silence_ms": HOUR_MS});
    subscribe(&mut client, ask).await;
    subscribe(&mut client, json!({"op": "subscribe", "topics": ["ETH-USDT"]})).await;
    for (price, passes) in [
        ("1005", false),
        ("1009.9", false),
        ("1010", true),
        ("1001", false),
        ("1020", false),
        ("1020.1", true),
        ("999", true),
    ] {
        let got = btc(&mut stage, &mut client, price).await;
        assert_eq!(got, if passes { vec![price] } else { vec![] }, "{price}");
    }
    stage.publish(&[BTC], "999.5", State::Halted).await;
    assert_eq!(next(&mut client).await, of(BTC, "999.5"), "a change of state passes every filter");
}

#[tokio::test]
async fn silence_has_an_end_in_spite_of_the_filter() {
    let (mut stage, mut client) = stage().await;
    let ask = json!({"op": "subscribe", "topics": ["BTC-USDT"], "min_change_bps": 10_000,
        "max_silence_ms": 200});
    subscribe(&mut client, ask).await;
    for price in ["1000.1", "1000.2"] {
        stage.price(BTC, price).await;
        while next(&mut client).await != of(BTC, price) {}
    }
}

#[tokio::test]
async fn topics_of_one_connection_have_settings_of_their_own() {
    let (mut stage, mut client) = stage().await;
    subscribe(&mut client, json!({"op": "subscribe", "topics": ["ETH-USDT"]})).await;
    let ask = json!({"op": "subscribe", "topics": ["BTC-USDT"], "interval_ms": HOUR_MS});
    subscribe(&mut client, ask).await;
    for (price, passes) in [("1001", true), ("1002", false), ("1003", false)] {
        let got = btc(&mut stage, &mut client, price).await;
        assert_eq!(got, if passes { vec![price] } else { vec![] }, "{price}");
    }
}

#[tokio::test]
async fn a_pattern_replaces_the_settings_of_topics_that_it_covers() {
    let (mut stage, mut client) = stage().await;
    let ask = json!({"op": "subscribe", "topics": ["BTC-USDT"], "interval_ms": HOUR_MS});
    subscribe(&mut client, ask).await;
    client.send(r#"{"op":"subscribe","id":2,"topics":["*-USDT"]}"#).await;
    client.next_of("subscribed").await;
    let mut again = [next(&mut client).await, next(&mut client).await];
    again.sort();
    assert_eq!(again, [of(BTC, "1000"), of(ETH, "1000")], "present values come again");
    assert_eq!(client.next().await, json!({"type": "synced", "id": 2}));
    for price in ["1001", "1002", "1003"] {
        stage.price(BTC, price).await;
        assert_eq!(next(&mut client).await, of(BTC, price));
    }
    let topics = list(&mut client).await["topics"].clone();
    assert_eq!(setting(&topics, BTC)["interval_ms"], 0);
}

#[tokio::test]
async fn a_topic_replaces_the_settings_of_the_pattern_that_covers_it() {
    let (mut stage, mut client) = stage().await;
    subscribe(&mut client, json!({"op": "subscribe", "topics": ["*-USDT"]})).await;
    let ask = json!({"op": "subscribe", "topics": ["BTC-USDT"], "interval_ms": HOUR_MS});
    subscribe(&mut client, ask).await;
    let topics = list(&mut client).await["topics"].clone();
    assert_eq!(setting(&topics, BTC)["interval_ms"], HOUR_MS);
    assert_eq!(setting(&topics, ETH)["interval_ms"], 0);
    for (price, passes) in [("1001", true), ("1002", false), ("1003", false)] {
        let got = btc(&mut stage, &mut client, price).await;
        assert_eq!(got, if passes { vec![price] } else { vec![] }, "{price}");
    }
    // Without its own subscription it follows the pattern again, and what was held back comes.
    client.send(r#"{"op":"unsubscribe","topics":["BTC-USDT"]}"#).await;
    client.next_of("unsubscribed").await;
    assert_eq!(next(&mut client).await, of(BTC, "1003"));
    for price in ["1004", "1005"] {
        stage.price(BTC, price).await;
        assert_eq!(next(&mut client).await, of(BTC, price));
    }
}
