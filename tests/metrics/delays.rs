//! Where the delay is: each stretch of a price's way is slow in its turn.

use super::{ONE, push};
use crate::support::{Market, Scrape, eventually};
use std::time::Duration;
use tickcast_load::venue::{Exchange, Tick, VenueConfig};

#[tokio::test]
async fn each_stretch_of_the_way_has_its_delay() {
    // KuCoin tells no time of its quotes.
    let mut okx = VenueConfig::new(Exchange::Okx);
    okx.symbols = vec!["BTC-USDT".to_owned()];
    let market = Market::start(vec![okx]).await;
    let (feed, gateway) = tokio::join!(market.feed(), market.gateway());
    market.venue().control.until_subscribed(&["BTC-USDT"]).await;
    let mut client = gateway.client(&["ticker:*:BTC-USDT"]).await;
    let told = Duration::from_secs(40);
    push(&market, 0, "100", "102", told);
    client.wait_for("the first price", |it| it["bid_price"] == "100").await;
    // From the exchange: the venue's own time lies back.
    push(&market, 0, "101", "102", told);
    client.wait_for("the second price", |it| it["bid_price"] == "101").await;
    let of_exchange = |part: &str| format!("tickcast_feed_exchange_delay_seconds_{part}");
    feed.until_metric(&of_exchange("count"), &["okx"], ONE).await;
    feed.until_metric(&of_exchange("sum"), &["okx"], |sum| sum >= 40.0).await;

    // To the bus: it takes nothing for a while.
    let sum = "tickcast_feed_bus_delay_seconds_sum";
    let before = feed.until_metric(sum, &[], |_| true).await;
    market.redis.command(&["CLIENT", "PAUSE", "60000", "WRITE"]).await;
    let received = ["okx", "received"];
    let messages = "tickcast_feed_messages_total";
    let so_far = feed.until_metric(messages, &received, |_| true).await;
    push(&market, 0, "101.5", "102", told);
    feed.until_metric(messages, &received, |count| count > so_far).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    market.redis.command(&["CLIENT", "UNPAUSE"]).await;
    feed.until_metric(sum, &[], |sum| sum >= before + 0.3).await;
    client.wait_for("what waited", |it| it["bid_price"] == "101.5").await;

    // To the gateway: it does not read for a while. Heartbeats alone tell.
    let sum = "tickcast_gateway_bus_delay_seconds_sum";
    let before = gateway.until_metric(sum, &[], |_| true).await;
    eventually("messages are seen to have waited", async || {
        gateway.process.freeze().await;
        tokio::time::sleep(Duration::from_millis(1200)).await;
        gateway.process.signal("CONT");
        let now = Scrape::of(&gateway).await.value(sum, &[])?;
        (now >= before + 0.3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_way_to_sockets_is_measured_once_a_pass() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(gateway.client(&["BTC-USDT"]).await);
    }
    control.push_tick(Tick::quote("BTC-USDT", "100", "102"));
    for client in &mut clients {
        client.wait_for("the price", |it| it["bid_price"] == "100").await;
    }
    let measured = "tickcast_gateway_hub_delay_seconds_count";
    gateway.until_metric(measured, &[], |count| count >= 1.0).await;
    gateway.until_metric("tickcast_gateway_deliveries_total", &[], |count| count >= 20.0).await;
    let scrape = Scrape::of(&gateway).await;
    let value = |name: &str| scrape.value(name, &[]).expect("it is shown");
    assert!(value(measured) <= value("tickcast_gateway_passes_total"), "{}", scrape.text);
    let sum = value("tickcast_gateway_hub_delay_seconds_sum");
    assert!(sum > 0.0 && sum < 60.0, "{sum}");
}
