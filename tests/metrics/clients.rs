//! Who is slow, and what clients cost the process.

use super::{ONE, ZERO};
use crate::support::{Client, Market, Scrape};
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

#[tokio::test]
async fn clients_that_are_behind_are_counted_while_they_are() {
    let market = Market::busy().await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let stopped = gateway.client(&["*-USDT"]).await;
    gateway.until_metric("tickcast_gateway_lagging_clients", &[], ONE).await;
    gateway.until_metric("tickcast_gateway_blocked_clients", &[], ONE).await;
    gateway.until_metric("tickcast_gateway_cohorts", &[], ONE).await;
    let behind = gateway.admin("/connections").await.json();
    assert_eq!(behind["lagging"], json!(1), "the same as /connections tells");
    drop(stopped);
    for gauge in ["lagging_clients", "blocked_clients", "cohorts", "connections"] {
        gateway.until_metric(&format!("tickcast_gateway_{gauge}"), &[], ZERO).await;
    }
}

#[tokio::test]
async fn the_process_is_measured() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let open = gateway.until_metric("process_open_fds", &[], |open| open > 3.0).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(Client::connect(&gateway.ws()).await);
    }
    gateway.until_metric("process_open_fds", &[], |now| now >= open + 15.0).await;
    let scrape = Scrape::of(&gateway).await;
    let value = |name: &str| scrape.value(name, &[]).expect("it is shown");
    assert!(value("process_max_fds") >= value("process_open_fds"));
    assert!(value("process_resident_memory_bytes") > 1e6);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let age = now.as_secs_f64() - value("process_start_time_seconds");
    assert!((-2.0..300.0).contains(&age), "started {age} s ago");
}
