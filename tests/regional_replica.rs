//! A region of its own: gateways that read from a replica of Redis, which gets each price once for all
//! of them. The feed writes to the master.

use crate::support::{Market, RedisServer, eventually, start};
use tickcast_load::venue::Tick;

const BTC: &str = "ticker:kucoin:BTC-USDT";

#[tokio::test]
async fn a_gateway_on_a_replica_shows_every_price_and_knows_when_its_region_is_cut_off() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let master = market.redis.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &master]).await;
    let feed = market.feed().await;
    let config = market.config().replace(&market.redis.url(), &replica.url());
    let gateway = start(&["gateway"]).config(&config).ready().await;
    let mut client = gateway.client(&[BTC]).await;
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    for last in ["100.1", "100.2", "100.3"] {
        control.push_tick(Tick::quote("BTC-USDT", "100", "100.4").with_last(last));
        let seen = client.ticker_where(BTC, |it| it["last_price"] == last).await;
        assert_eq!(seen["state"], "live");
    }

    // Its own Redis answers as before; what is missing are the feed's heartbeats.
    market.redis.freeze();
    client.ticker_where(BTC, |it| it["state"] == "stale").await;
    market.redis.thaw();
    eventually("it is live again", async || {
        control.push_tick(Tick::quote("BTC-USDT", "100", "100.4").with_last("100.2"));
        let price = gateway.get(&format!("/v1/price/{BTC}")).await.json();
        (price["state"] == "live").then_some(())
    })
    .await;
    drop(feed);
}
