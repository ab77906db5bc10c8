//! A panic in any task of a process: either the process is whole again, or it ends and says why.

use crate::support::{Market, Role, eventually};
use futures_util::future::join_all;
use tickcast_load::venue::Tick;

/// Asks a task to panic; the process may be gone before it has answered.
async fn break_task(role: &Role, task: &str) {
    let path = task.replace(' ', "%20");
    let _ = crate::support::get(&format!("http://{}/testing/panic/{path}", role.admin)).await;
}

/// Each essential task, and the name by which the process says that it is gone.
async fn assert_ends(mut role: Role, task: &str, named: &str) {
    break_task(&role, task).await;
    assert_eq!(role.process.exit().await.code(), Some(1), "{task}");
    let said = eventually("the last line is written", async || {
        role.process.stderr.find(|line| line.strip_prefix("tickcast: ").map(str::to_owned))
    })
    .await;
    assert!(said.starts_with(named), "{task}: {said}");
}

#[tokio::test]
async fn a_gateway_ends_with_any_of_its_essential_tasks() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let tasks = [
        ("ingest", "ingest"),
        ("accept", "accept"),
        ("readiness", "readiness"),
        ("freshness", "freshness"),
        ("memory", "memory"),
        ("door", "door"),
        ("drain", "drain"),
        ("admin", "admin"),
        ("signals", "signals"),
        ("reload", "reload"),
        ("key set", "key set"),
        ("shard", "shards"),
        ("passes", "shards"),
        ("sweep", "shards"),
    ];
    let _feed = market.feed().await;
    join_all(
        tasks.map(async |(task, named)| assert_ends(market.gateway().await, task, named).await),
    )
    .await;
}

#[tokio::test]
async fn a_feed_ends_with_any_of_its_essential_tasks() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    for task in ["publisher", "connector", "dead_letters", "reload", "vitals"] {
        assert_ends(market.feed().await, task, task).await;
    }
    // Each exchange has its own; all are tasks of the connector.
    assert_ends(market.feed().await, "backfill", "connector").await;
}

#[tokio::test]
async fn a_gateway_whose_bus_reader_breaks_reads_on() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = gateway.client(&["BTC-USDT"]).await;
    market.venue().control.until_subscribed(&["BTC-USDT"]).await;
    for (number, task) in ["bus channels", "bus snapshots"].into_iter().enumerate() {
        break_task(&gateway, task).await;
        eventually("the reader is started anew", async || {
            let broken = format!("{task} was asked to panic");
            gateway.process.stderr.find(|line| line.contains(&broken).then_some(()))
        })
        .await;
        let price = format!("10{number}");
        market.venue().control.push_tick(Tick::quote("BTC-USDT", &price, &price));
        while client.next_of("ticker").await["bid_price"] != price {}
    }
}
