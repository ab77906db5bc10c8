//! Redis dies and comes back, empty: clients stay, prices turn stale and live, nothing runs back.

use crate::support::{Client, Forward, Market, eventually};
use serde_json::Value;
use std::collections::HashSet;
use tickcast_load::venue::Tick;

const BTC: &str = "ticker:kucoin:BTC-USDT";

#[tokio::test]
async fn nobody_is_disconnected_and_nothing_runs_backwards() {
    let mut market = Market::kucoin(&["BTC-USDT", "ETH-USDT"]).await;
    let (_feed, left, right) = tokio::join!(market.feed(), market.gateway(), market.gateway());
    let clients = [left.client(&["BTC-USDT"]).await, right.client(&["*-USDT"]).await];
    let mut clients = clients.map(Forward::new);
    let control = market.venue().control.clone();
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2").with_last("101.1"));
    for client in &mut clients {
        client.until(|it| it["last_price"] == "101.1" && it["state"] == "live").await;
    }

    market.redis.kill();
    for client in &mut clients {
        let is_stale = |it: &Value| it["topic"] == BTC && it["state"] == "stale";
        let stale = client.until(is_stale).await;
        assert_eq!(stale["last_price"], "101.1");
    }
    let price = left.get("/v1/price/BTC-USDT").await;
    assert_eq!(price.status, 200);
    assert_eq!(price.json()["stale"], true);
    assert_eq!(left.admin("/readyz").await.status, 200, "the first snapshot was had");
    // What happens meanwhile is not lost.
    control.push_tick(Tick::quote("BTC-USDT", "103.0", "103.2").with_last("103.1"));
    let mut late = left.client(&["BTC-USDT"]).await;
    let is_bus = |it: &Value| it["type"] == "status" && it["scope"] == "bus";
    assert_eq!(late.wait_for("status of the bus", is_bus).await["reason"], "bus_lost");
    assert_eq!(late.next_of("ticker").await["state"], "stale");

    market.redis.restart().await;
    for client in &mut clients {
        let is_back = |it: &Value| it["last_price"] == "103.1" && it["state"] == "live";
        client.until(is_back).await;
    }
    eventually("the cache has what the clients have", async || {
        let price = right.get("/v1/price/BTC-USDT").await.json();
        (price["last_price"] == "103.1" && price["stale"] == false).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_frozen_redis_turns_prices_stale_and_thaws_without_a_step_back() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = Forward::new(gateway.client(&["BTC-USDT"]).await);
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2").with_last("101.1"));
    client.until(|it| it["state"] == "live").await;

    market.redis.freeze();
    for price in ["105.1", "106.1", "107.1"] {
        control.push_tick(Tick::quote("BTC-USDT", "105.0", "107.2").with_last(price));
    }
    client.until(|it| it["state"] == "stale").await;
    eventually("commands time out, one after the other", async || {
        (feed.metric("tickcast_feed_bus_errors_total").await >= 2.0).then_some(())
    })
    .await;
    // Whoever asks is answered, from what was known.
    let mut late = gateway.client(&["BTC-USDT"]).await;
    late.send_text("ping").await;
    late.wait_for("pong", |it| it == "pong").await;
    assert_eq!(gateway.get("/v1/price/BTC-USDT").await.json()["stale"], true);
    market.redis.thaw();
    let is_newest = |it: &Value| it["last_price"] == "107.1" && it["state"] == "live";
    client.until(is_newest).await;
}

/// All of them at once are more than a socket takes.
const MANY: usize = 300;

/// Reads on until the newest ticker of every one of the many topics is as wanted.
async fn all(client: &mut Client, wanted: impl Fn(&Value) -> bool) {
    let mut well = HashSet::new();
    while well.len() < MANY {
        let ticker = client.next_of("ticker").await;
        let topic = ticker["topic"].as_str().expect("a topic").to_owned();
        if wanted(&ticker) {
            well.insert(topic);
        } else {
            well.remove(&topic);
        }
    }
}

#[tokio::test]
async fn a_burst_of_stale_topics_closes_nobody() {
    let symbols: Vec<String> = (0..MANY).map(|n| format!("C{n}-USDT")).collect();
    let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let mut market = Market::kucoin(&symbols).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let control = market.venue().control.clone();
    control.until_subscribed(&symbols).await;
    for symbol in &symbols {
        control.push_tick(Tick::quote(symbol, "101.0", "101.2").with_last("101.1"));
    }
    let mut client = gateway.client(&["*-USDT"]).await;
    all(&mut client, |it| it["last_price"] == "101.1" && it["state"] == "live").await;
    market.redis.kill();
    all(&mut client, |it| it["last_price"] == "101.1" && it["state"] == "stale").await;
    market.redis.restart().await;
    for symbol in &symbols {
        control.push_tick(Tick::quote(symbol, "102.0", "102.2").with_last("102.1"));
    }
    all(&mut client, |it| it["last_price"] == "102.1" && it["state"] == "live").await;
    assert!(gateway.metric("tickcast_gateway_closed_total").await < 1.0, "somebody was closed");
}
