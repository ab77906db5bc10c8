//! The master of the bus dies, freezes, or is cut off with the active feed: the sentinels name
//! another, a feed takes over there, and nothing older is ever delivered again.

use crate::support::{Forward, Market};
use std::{net::SocketAddr, time::Instant};
use tickcast_load::{
    proxy::{Fault, Proxy},
    venue::Tick,
};
use tickcast_shared::testing::Sentinels;

/// Until the client is told this live price; the epoch it comes with.
async fn live(client: &mut Forward, price: &str) -> u64 {
    let ticker = client.until(|it| it["last_price"] == price && it["state"] == "live").await;
    ticker["epoch"].as_u64().expect("an epoch")
}

async fn stale(client: &mut Forward) {
    client.until(|it| it["state"] == "stale").await;
}

#[tokio::test]
async fn prices_go_on_at_the_replica_when_the_master_dies() {
    let mut sentinels = Sentinels::trio().await;
    let market = Market::kucoin(&["BTC-USDT"]).await.on(sentinels.url());
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = Forward::new(gateway.client(&["BTC-USDT"]).await);
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2").with_last("101.1"));
    let before = live(&mut client, "101.1").await;

    sentinels.servers[0].kill();
    stale(&mut client).await;
    control.push_tick(Tick::quote("BTC-USDT", "102.0", "102.2").with_last("102.1"));
    let after = live(&mut client, "102.1").await;
    assert!(after >= before);
}

#[tokio::test]
async fn a_feed_that_is_cut_off_with_the_old_master_is_not_heard_again() {
    let mut proxy = None;
    let through_proxy = async |port: u16| {
        let target = SocketAddr::from(([127, 0, 0, 1], port));
        let it = proxy.insert(Proxy::start(target).await.expect("a proxy"));
        it.address.port()
    };
    let sentinels = Sentinels::start(1, 3, through_proxy).await;
    let proxy = proxy.expect("it was started");
    let market = Market::kucoin(&["BTC-USDT"]).await;
    // The active feed is where the old master is; everything else sees that through the proxy.
    let market = market.on(sentinels.servers[0].url());
    let _cut_off = market.feed().await;
    let market = market.on(sentinels.url());
    let (_standby, gateway) = tokio::join!(market.standby(), market.gateway());
    let mut client = Forward::new(gateway.client(&["BTC-USDT"]).await);
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2").with_last("101.1"));
    let before = live(&mut client, "101.1").await;

    let cut = Instant::now();
    proxy.set(Fault::Reset);
    stale(&mut client).await;
    let prices = ["102.1", "103.1", "104.1"];
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "109.2").with_last(prices[0]));
    let after = live(&mut client, prices[0]).await;
    println!("live again {:?} after the cut", cut.elapsed());
    assert!(after > before, "the standby's epoch");
    // The old master goes on with the old feed until it is reached.
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "109.2").with_last(prices[1]));
    assert_eq!(live(&mut client, prices[1]).await, after);
    // It takes the sentinels some seconds more to make it a replica.
    proxy.set(Fault::None);
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "109.2").with_last(prices[2]));
    assert_eq!(live(&mut client, prices[2]).await, after);
}

#[tokio::test]
async fn what_a_frozen_master_still_holds_is_not_heard_when_it_thaws() {
    let sentinels = Sentinels::trio().await;
    let market = Market::kucoin(&["BTC-USDT"]).await.on(sentinels.url());
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = Forward::new(gateway.client(&["BTC-USDT"]).await);
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2").with_last("101.1"));
    live(&mut client, "101.1").await;

    sentinels.servers[0].freeze();
    control.push_tick(Tick::quote("BTC-USDT", "102.0", "102.2").with_last("102.1"));
    stale(&mut client).await;
    live(&mut client, "102.1").await;
    sentinels.servers[0].thaw();
    control.push_tick(Tick::quote("BTC-USDT", "103.0", "103.2").with_last("103.1"));
    live(&mut client, "103.1").await;
    let price = gateway.get("/v1/price/BTC-USDT").await.json();
    assert_eq!((&price["last_price"], &price["stale"]), (&"103.1".into(), &false.into()));
}
