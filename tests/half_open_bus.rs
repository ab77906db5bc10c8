//! The link between Redis and a gateway dies without a word while prices move.

use crate::support::{Forward, Market, eventually, start};
use std::net::{Ipv4Addr, SocketAddr};
use tickcast_load::{
    proxy::{Fault, Proxy},
    venue::{Source, VenueConfig},
};

/// Enough to be on most of the bus's shards.
const TOPICS: usize = 40;

#[tokio::test]
async fn a_silent_link_is_noticed_and_every_topic_equals_the_cache_again() {
    let mut config = VenueConfig::new(tickcast_load::venue::Exchange::Kucoin);
    config.symbols = (0..TOPICS).map(|n| format!("C{n}-USDT")).collect();
    config.source = Source::Walk { rate: 5, seed: 1 };
    let market = Market::start(vec![config]).await;
    let redis = SocketAddr::from((Ipv4Addr::LOCALHOST, market.redis.port()));
    let proxy = Proxy::start(redis).await.expect("a port");
    let behind = start(&["gateway"]).config(&market.config_at(proxy.address));
    let (_feed, direct, behind) = tokio::join!(market.feed(), market.gateway(), behind.ready());
    let mut client = Forward::new(behind.client(&["*-USDT"]).await);
    let is_live = |it: &serde_json::Value| it["state"] == "live";
    client.until_all(TOPICS, is_live).await;

    proxy.set(Fault::HalfOpen);
    client.until_all(TOPICS, |it| it["state"] == "stale").await;
    assert_eq!(direct.get("/v1/price/C0-USDT").await.json()["stale"], false, "it is this link");
    // What comes from now on gets through; the dead connections stay dead.
    proxy.set(Fault::None);
    client.until_all(TOPICS, is_live).await;

    market.venue().control.mute(true);
    for symbol in market.symbols() {
        let path = format!("/v1/price/{symbol}");
        eventually("both gateways have the same value", async || {
            let (here, there) = (behind.get(&path).await.json(), direct.get(&path).await.json());
            let stamp = |it: &serde_json::Value| (it["epoch"].clone(), it["seq"].clone());
            (stamp(&here) == stamp(&there) && here["last_price"] == there["last_price"])
                .then_some(())
        })
        .await;
    }
}
