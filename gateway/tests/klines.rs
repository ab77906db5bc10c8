//! Bars from the bus to clients: how a subscription begins, and that each closed bar comes once.

use crate::support::{Client, RawClient, Stage, number_of, numbers_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

const M1: &str = "kline:kucoin:BTC-USDT:1m";
const M5: &str = "kline:kucoin:BTC-USDT:5m";

/// A gateway, ten bars that have closed and one in progress.
async fn stage() -> Stage {
    let mut stage = Stage::start(|_| {}).await;
    stage.keep_bars(M1, 0..9).await;
    stage.close_bar(M1, 9).await;
    stage.open_bar(M1, 10).await;
    stage
}

/// Subscribes, with these settings besides; `subscribed` and what comes before `synced`.
async fn subscribe(client: &mut Client, topics: Value, settings: Value) -> (Value, Vec<Value>) {
    let mut message = json!({"op": "subscribe", "id": 1, "topics": topics});
    message.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    client.send(&message.to_string()).await;
    let (answer, mut values) = (client.next_of("subscribed").await, Vec::new());
    loop {
        let message = client.next().await;
        if message["type"] == "synced" {
            return (answer, values);
        }
        values.push(message);
    }
}

#[tokio::test]
async fn a_subscription_begins_with_history_and_the_bar_in_progress() {
    let mut stage = stage().await;
    let mut client = stage.client("").await;
    let (answer, values) = subscribe(&mut client, json!([M1]), json!({"history": 3})).await;
    assert_eq!(answer["rejected"], json!([]));
    let [klines, kline] = &values[..] else { panic!("{values:?}") };
    assert_eq!((&klines["type"], &klines["topic"]), (&json!("klines"), &json!(M1)));
    assert_eq!(numbers_of(klines), [7, 8, 9]);
    let bar = json!({
        "open_time": 1_767_226_200_000_000_u64, "close_time": 1_767_226_260_000_000_u64,
        "open": "100", "high": "210", "low": "50", "close": "110", "ticks": 3,
        "closed": false, "complete": true, "source": "ticker",
    });
    let stamp = (kline["epoch"].clone(), kline["seq"].clone());
    let wanted = json!({
        "type": "kline", "topic": M1, "bar": bar, "epoch": stamp.0, "seq": stamp.1,
    });
    assert_eq!(kline, &wanted);
    stage.close_bar(M1, 10).await;
    let closed = client.next_of("kline").await;
    assert_eq!((&closed["bar"]["closed"], number_of(M1, &closed["bar"])), (&json!(true), 10));
    // Between two bars there is none in progress.
    let (_, values) = subscribe(&mut client, json!([M1]), json!({})).await;
    assert_eq!(values.len(), 1);
    assert_eq!(numbers_of(&values[0]), (0..=10).collect::<Vec<_>>());
    let (_, values) = subscribe(&mut client, json!([M1]), json!({"history": 0})).await;
    assert_eq!(values, [json!({"type": "klines", "topic": M1, "bars": []})]);
}

#[tokio::test]
async fn the_url_and_patterns_subscribe_to_bars_too() {
    let mut stage = stage().await;
    stage.open_bar(M5, 2).await;
    stage.price("ticker:kucoin:BTC-USDT", "1").await;
    let mut client = stage.client("?topics=BTC-USDT,kline:*:BTC-USDT:*&history=1").await;
    let answer = client.next_of("subscribed").await;
    let topics: BTreeSet<&str> = answer["topics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["topic"].as_str().unwrap())
        .collect();
    assert_eq!(topics, BTreeSet::from(["ticker:kucoin:BTC-USDT", M1, M5]));
    let mut begun = BTreeSet::new();
    loop {
        let message = client.next().await;
        match message["type"].as_str().unwrap() {
            "synced" => break,
            "klines" => {
                let topic = message["topic"].as_str().unwrap().to_owned();
                assert_eq!(numbers_of(&message), if topic == M1 { vec![9] } else { vec![] });
                begun.insert(topic);
            }
            "kline" => assert!(begun.contains(message["topic"].as_str().unwrap()), "{message}"),
            _ => {}
        }
    }
    assert_eq!(begun.len(), 2);
    // A listing that joins the pattern.
    stage.open_bar("kline:okx:BTC-USDT:1m", 3).await;
    assert_eq!(client.next_of("topics_added").await["topics"], json!(["kline:okx:BTC-USDT:1m"]));
    stage.close_bar("kline:okx:BTC-USDT:1m", 3).await;
    loop {
        let message = client.next_of("kline").await;
        if message["bar"]["closed"] == true {
            break assert_eq!(message["topic"], "kline:okx:BTC-USDT:1m");
        }
    }
}

#[tokio::test]
async fn settings_that_bars_do_not_have_are_refused_by_name() {
    let mut stage = stage().await;
    stage.price("ticker:kucoin:BTC-USDT", "1").await;
    let mut client = stage.client("").await;
    let topics = json!(["BTC-USDT", M1, "kline:*:*:1m", "*:kucoin:*"]);
    let (answer, _) =
        subscribe(&mut client, topics, json!({"min_change_bps": 5, "history": 7})).await;
    let rejected: Vec<_> = answer["rejected"].as_array().unwrap().iter().collect();
    assert_eq!(rejected.len(), 2, "{answer}");
    for (rejected, topic) in rejected.iter().zip([M1, "kline:*:*:1m"]) {
        assert_eq!((&rejected["topic"], &rejected["code"]), (&json!(topic), &json!("bad_field")));
        assert!(rejected["message"].as_str().unwrap().contains("min_change_bps"));
    }
    for history in [json!(501), json!(-1), json!("5")] {
        let message = json!({"op": "subscribe", "topics": [M1], "history": history});
        client.send(&message.to_string()).await;
        let error = client.next_of("error").await;
        assert_eq!((&error["code"], &error["field"]), (&json!("bad_field"), &json!("history")));
    }
}

#[tokio::test]
async fn a_client_that_comes_back_in_time_is_spared_the_history() {
    let mut stage = stage().await;
    let mut client = stage.client("").await;
    let (_, values) = subscribe(&mut client, json!([M1]), json!({})).await;
    let at = json!({"epoch": values[1]["epoch"], "seq": values[1]["seq"]});
    let mut client = stage.client("").await;
    let since = json!({"since": {M1: at}});
    let (_, values) = subscribe(&mut client, json!([M1]), since.clone()).await;
    assert_eq!(values, Vec::<Value>::new());
    stage.close_bar(M1, 10).await;
    assert_eq!(number_of(M1, &client.next_of("kline").await["bar"]), 10);
    let mut client = stage.client("").await;
    let (_, values) = subscribe(&mut client, json!([M1]), since).await;
    assert_eq!(numbers_of(&values[0]), (0..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_interval_conflates_bars_in_progress_and_no_closed_one() {
    let mut stage = stage().await;
    let mut client = stage.client("").await;
    subscribe(&mut client, json!([M1]), json!({"interval_ms": 3_600_000})).await;
    for number in 10..20 {
        stage.open_bar(M1, number).await;
        stage.close_bar(M1, number).await;
    }
    let mut open = 0;
    for number in 10..20 {
        loop {
            let kline = client.next_of("kline").await;
            assert_eq!(number_of(M1, &kline["bar"]), number);
            if kline["bar"]["closed"] == true {
                break;
            }
            open += 1;
        }
    }
    assert!(open <= 1, "{open} within an hour");
}

#[tokio::test]
async fn a_bar_that_a_new_feed_closes_again_comes_once() {
    let mut stage = stage().await;
    let mut client = stage.client("").await;
    subscribe(&mut client, json!([M1]), json!({})).await;
    stage.close_bar(M1, 10).await;
    stage.take_over().await;
    stage.close_bar(M1, 10).await;
    stage.open_bar(M1, 10).await;
    // What the feed filled in while there was none.
    stage.keep_bars(M1, 11..14).await;
    stage.close_bar(M1, 14).await;
    stage.open_bar(M1, 15).await;
    let mut seen = Vec::new();
    while seen.last() != Some(&14) {
        let message = client.next().await;
        match message["type"].as_str().unwrap() {
            "klines" => seen.extend(numbers_of(&message)),
            "kline" if message["bar"]["closed"] == true => {
                seen.push(number_of(M1, &message["bar"]));
            }
            "kline" => assert_eq!(number_of(M1, &message["bar"]), 15),
            _ => {}
        }
    }
    assert_eq!(seen, [10, 11, 12, 13, 14]);
}

/// What a client is told of a topic's closed bars, each of which must be the next one.
#[derive(Default)]
struct Told {
    last: Option<i64>,
}

impl Told {
    fn note(&mut self, message: &Value) {
        match message["type"].as_str() {
            Some("klines") => numbers_of(message).into_iter().for_each(|it| self.closed(it)),
            Some("kline") => {
                let number = number_of(M1, &message["bar"]);
                if message["bar"]["closed"] == true {
                    self.closed(number);
                } else {
                    assert!(self.last < Some(number), "{number} is over");
                }
            }
            _ => {}
        }
    }

    fn closed(&mut self, number: i64) {
        assert!(self.last.is_none_or(|last| number == last + 1), "{number} after {:?}", self.last);
        self.last = Some(number);
    }
}

#[tokio::test]
async fn a_slow_client_gets_each_bar_that_closed_meanwhile_once() {
    let mut stage = stage().await;
    let others = crate::support::topics(60);
    let query = format!("?topics={M1},ticker:okx:*");
    for headers in ["", "Sec-WebSocket-Protocol: tickcast.v1.msgpack\r\n"] {
        let mut slow = RawClient::dial(&stage, &query, headers).await;
        let (values, _) = slow.until("synced").await;
        let (mut told, mut number) = (Told::default(), 9);
        values.iter().for_each(|it| told.note(it));
        number = told.last.unwrap_or(number);
        let lags = |it: &Value| it["lagging"] == 1;
        let mut closed = 0;
        // A few of the bars close while it lags: more than are kept for a topic that nobody reads.
        while closed < 12 {
            stage.prices(&crate::support::texts(&others), &(number + 1).to_string()).await;
            if lags(&stage.connections().await) || number < 15 {
                number += 1;
                closed += i64::from(lags(&stage.connections().await));
                stage.close_bar(M1, number).await;
                stage.open_bar(M1, number + 1).await;
            }
        }
        while told.last != Some(number) {
            told.note(&slow.message().await);
        }
        drop(slow);
        stage.until_connections("it is gone", |it| it["open"] == 0 && it["lagging"] == 0).await;
    }
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn what_closes_while_the_bus_is_away_comes_once_when_it_is_back() {
    use tickcast_shared::{
        bus::{Bus, redis::Redis},
        testing::RedisServer,
    };
    let server = RedisServer::start().await;
    let bus = Bus::Redis(Redis::open(&server.url()).unwrap());
    let mut stage = Stage::start_on(bus, |_| {}, []).await;
    stage.keep_bars(M1, 0..10).await;
    stage.open_bar(M1, 10).await;
    // The gateway has heard of it.
    stage.client("?topics=kline:*:*:*").await.next_of("kline").await;
    let (mut client, mut told) = (stage.client("").await, Told::default());
    let (_, values) = subscribe(&mut client, json!([M1]), json!({"history": 4})).await;
    values.iter().for_each(|it| told.note(it));
    assert_eq!(told.last, Some(9));
    for round in 0..3 {
        server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        // Some of these may still reach the gateway as messages.
        for number in 10 + 5 * round..15 + 5 * round {
            stage.close_bar(M1, number).await;
        }
        stage.open_bar(M1, 15 + 5 * round).await;
        while told.last != Some(14 + 5 * round) {
            told.note(&client.next().await);
        }
    }
}

#[tokio::test]
async fn every_encoding_says_the_same() {
    let mut stage = Stage::start(|config| config.deflate = true).await;
    stage.keep_bars(M1, 0..300).await;
    stage.open_bar(M1, 300).await;
    let query = format!("?topics={M1}&history=300");
    let mut told: Vec<Vec<Value>> = Vec::new();
    for headers in [
        "",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        "Sec-WebSocket-Protocol: tickcast.v1.msgpack\r\n",
        "Sec-WebSocket-Protocol: tickcast.v1.msgpack\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
    ] {
        let mut client = RawClient::dial(&stage, &query, headers).await;
        let (values, _) = client.until("synced").await;
        told.push(values.into_iter().filter(|it| it["type"] != "subscribed").collect());
    }
    assert_eq!(numbers_of(&told[0][0]).len(), 300);
    assert!(told.iter().all(|it| *it == told[0]));
}

#[tokio::test]
async fn clients_that_come_while_bars_close_get_each_once() {
    const CLIENTS: usize = 60;
    const BARS: i64 = 60;
    let mut stage = stage().await;
    let address = stage.address;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(async move {
            let interval = number % 3 * 500;
            let history = number % 4;
            let url =
                format!("ws://{address}/ws?topics={M1}&history={history}&interval_ms={interval}");
            tokio::time::sleep(std::time::Duration::from_millis(number as u64 * 5)).await;
            let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
            let (mut client, mut told, mut begun) = (Client { socket }, Told::default(), false);
            // The last bar is in progress at the end.
            loop {
                let message = client.next().await;
                begun |= message["type"] == "klines";
                assert!(begun || message["type"] != "kline", "{message}");
                told.note(&message);
                let is_last = message["type"] == "kline"
                    && number_of(M1, &message["bar"]) == 10 + BARS
                    && message["bar"]["closed"] == false;
                if is_last && told.last.is_none_or(|it| it == 9 + BARS) {
                    return told.last;
                }
            }
        });
    }
    for number in 10..10 + BARS {
        stage.close_bar(M1, number).await;
        stage.open_bar(M1, number + 1).await;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    while let Some(told) = clients.join_next().await {
        told.unwrap();
    }
}
