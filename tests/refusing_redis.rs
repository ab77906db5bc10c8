//! Redis lives and does not take values: what it does not keep, nobody gets.

use crate::support::{Forward, Market, Role, eventually};
use serde_json::Value;
use tickcast_load::venue::Tick;
use tickcast_shared::bus::ShardId;

const TOPIC: &str = "ticker:kucoin:BTC-USDT";

/// The shard's counter of messages and the topic's value.
async fn kept(market: &Market) -> (String, String) {
    let shard = ShardId::of(&TOPIC.parse().expect("a topic")).index();
    let (n, last) = (format!("tc:{{{shard}}}:n"), format!("tc:{{{shard}}}:last"));
    (market.redis.command(&["GET", &n]).await, market.redis.command(&["HGET", &last, TOPIC]).await)
}

async fn refusals(feed: &Role) -> f64 {
    let text = feed.admin("/metrics").await.body;
    let refused = |line: &&str| {
        line.starts_with("tickcast_feed_bus_errors_total") && line.contains(r#""refused""#)
    };
    let count = text.lines().find(refused).and_then(|line| line.rsplit_once(' ')?.1.parse().ok());
    count.unwrap_or(0.0)
}

/// Makes Redis refuse, pushes a price, makes it take values again.
async fn refusing(refuse: &[&str], accept: &[&str]) {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = Forward::new(gateway.client(&["BTC-USDT"]).await);
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2").with_last("101.1"));
    client.until(|it| it["last_price"] == "101.1" && it["state"] == "live").await;

    market.redis.command(refuse).await;
    let before = kept(&market).await;
    control.push_tick(Tick::quote("BTC-USDT", "105.0", "105.2").with_last("105.1"));
    eventually("the refusal is counted", async || (refusals(&feed).await >= 2.0).then_some(()))
        .await;
    eventually("an operator is told", async || {
        feed.process.stderr.contain("check Redis: memory, replicas").then_some(())
    })
    .await;
    // Nobody got what was refused: the last price stands, and turns stale as its feed falls silent.
    let stale = client.until(|it| it["state"] == "stale").await;
    assert_eq!(stale["last_price"], "101.1");
    let shown = |it: &Value| it["last_price"].clone();
    assert!(client.newest().values().all(|it| shown(it) == "101.1"));
    assert_eq!(kept(&market).await, before, "nothing kept, nothing counted, nothing sent");

    market.redis.command(accept).await;
    client.until(|it| it["last_price"] == "105.1" && it["state"] == "live").await;
    assert_ne!(kept(&market).await.1, before.1);
    assert!(gateway.metric("tickcast_gateway_closed_total").await < 1.0, "somebody was closed");
}

#[tokio::test]
async fn out_of_memory_nothing_is_sent_that_is_not_kept() {
    let accept = ["CONFIG", "SET", "maxmemory", "0"];
    refusing(&["CONFIG", "SET", "maxmemory", "1"], &accept).await;
}

#[tokio::test]
async fn read_only_nothing_is_sent_that_is_not_kept() {
    // A replica of nobody that answers: it keeps what it has, and takes nothing.
    refusing(&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]).await;
}

#[tokio::test]
async fn short_of_replicas_nothing_is_sent_that_is_not_kept() {
    let accept = ["CONFIG", "SET", "min-replicas-to-write", "0"];
    refusing(&["CONFIG", "SET", "min-replicas-to-write", "1"], &accept).await;
}
