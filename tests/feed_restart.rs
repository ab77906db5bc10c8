//! A feed dies and another takes over: the epoch steps, nothing old looks live.

use crate::support::{Market, eventually, start};
use serde_json::Value;
use tickcast_load::venue::Tick;

const BTC: &str = "ticker:kucoin:BTC-USDT";

fn stamp(ticker: &Value) -> (u64, u64) {
    (ticker["epoch"].as_u64().expect("an epoch"), ticker["seq"].as_u64().expect("a seq"))
}

#[tokio::test]
async fn a_killed_feed_leaves_stale_prices_and_its_successor_a_new_epoch() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let control = &market.venue().control;
    let (mut feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = gateway.client(&["BTC-USDT"]).await;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2").with_last("101.1"));
    let live = client.ticker_where(BTC, |it| it["state"] == "live").await;

    feed.process.kill();
    let stale = client.ticker_where(BTC, |it| it["state"] == "stale").await;
    assert_eq!((&stale["last_price"], stamp(&stale)), (&live["last_price"], stamp(&live)));

    let _feed = market.feed().await;
    let restarted = client.ticker_where(BTC, |it| stamp(it).0 > stamp(&live).0).await;
    assert_eq!(restarted["state"], "stale", "the successor has not heard of it yet: {restarted}");
    eventually("the exchange is dialled again", async || {
        (control.counts().open == 1).then_some(())
    })
    .await;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "102.0", "102.2").with_last("102.1"));
    let again = client.ticker_where(BTC, |it| it["state"] == "live").await;
    assert_eq!(again["last_price"], "102.1");
    assert!(stamp(&again) > stamp(&restarted));
}

#[tokio::test]
async fn a_second_feed_waits_and_says_so() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let mut first = market.feed().await;
    let config = format!(
        "redis_url = {:?}\n[[feed.exchange]]\nname = \"kucoin\"\nsymbols = [\"BTC-USDT\"]\nrest_url = {:?}\n",
        market.redis.url(),
        market.venue().rest_url()
    );
    let second = start(&["feed"]).config(&config).listening().await;
    eventually("it says that it waits", async || {
        second.process.stderr.contain("another").then_some(())
    })
    .await;
    assert_eq!(second.admin("/readyz").await.status, 503);
    assert!(first.stop().await.success());
    second.wait_ready().await;
}
