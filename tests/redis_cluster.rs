//! The bus on a cluster: prices flow, a slot moves under them, and a dead node's topics turn stale
//! while the others stay live.

use crate::support::{Forward, Market};
use serde_json::Value;
use tickcast_load::venue::Tick;
use tickcast_shared::{bus::ShardId, testing::Cluster};

/// Symbols whose topics are on several shards.
const SYMBOLS: [&str; 8] = [
    "BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "ADA-USDT", "DOT-USDT", "LTC-USDT", "TRX-USDT",
];

/// The key whose slot is that of a symbol's topic.
fn key(symbol: &str) -> String {
    let topic = format!("ticker:kucoin:{symbol}").parse().expect("a topic");
    format!("tc:{{{}}}:n", ShardId::of(&topic).index())
}

/// A symbol on a node without the leases, a symbol elsewhere, and that node.
async fn apart(cluster: &Cluster) -> (&'static str, &'static str, usize) {
    let control = cluster.owner("tc:{ctl}:epoch").await;
    let mut owners = Vec::new();
    for symbol in SYMBOLS {
        owners.push((symbol, cluster.owner(&key(symbol)).await));
    }
    let (here, node) = *owners.iter().find(|(_, node)| *node != control).expect("a symbol");
    let (there, _) = *owners.iter().find(|(_, other)| *other != node).expect("another");
    (here, there, node)
}

fn tick(symbol: &str, price: &str) -> Tick {
    Tick::quote(symbol, "101.0", "109.2").with_last(price)
}

#[tokio::test]
async fn prices_flow_while_a_slot_moves_and_a_dead_node_costs_its_own_topics_only() {
    let mut cluster = Cluster::start().await;
    let (here, there, node) = apart(&cluster).await;
    let market = Market::kucoin(&[here, there]).await.on(cluster.url());
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = Forward::new(gateway.client(&[here, there]).await);
    let control = &market.venue().control;
    control.until_subscribed(&[here, there]).await;
    let is = |symbol: &str, price: &str, state: &str| {
        let (topic, price) = (format!("ticker:kucoin:{symbol}"), price.to_owned());
        let state = state.to_owned();
        move |it: &Value| it["topic"] == topic && it["last_price"] == price && it["state"] == state
    };
    control.push_tick(tick(here, "101.1"));
    control.push_tick(tick(there, "101.1"));
    client.until(is(here, "101.1", "live")).await;

    let from = cluster.owner(&key(there)).await;
    let to = (0..3).find(|to| *to != node && *to != from).expect("the third node");
    cluster.move_slot(&key(there), to).await;
    control.push_tick(tick(there, "102.1"));
    client.until(is(there, "102.1", "live")).await;

    cluster.nodes[node].kill();
    client.until(is(here, "101.1", "stale")).await;
    control.push_tick(tick(there, "103.1"));
    client.until(is(there, "103.1", "live")).await;
    control.push_tick(tick(here, "103.1"));
    cluster.nodes[node].restart().await;
    client.until(is(here, "103.1", "live")).await;
    let price = gateway.get(&format!("/v1/price/{there}")).await.json();
    assert_eq!((&price["last_price"], &price["stale"]), (&"103.1".into(), &false.into()));
}
