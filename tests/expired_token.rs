//! KuCoin's tokens expire; every dial asks for a new one.

use crate::support::{Market, eventually};
use tickcast_load::venue::Tick;

const BTC: &str = "ticker:kucoin:BTC-USDT";

#[tokio::test]
async fn an_expired_token_costs_one_dial_and_prices_go_on() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let control = &market.venue().control;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = gateway.client(&["BTC-USDT"]).await;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2").with_last("101.1"));
    client.ticker_where(BTC, |it| it["state"] == "live").await;
    let tokens = control.counts().tokens;

    control.expire_tokens();
    let stale = client.ticker_where(BTC, |it| it["state"] == "stale").await;
    assert_eq!(stale["last_price"], "101.1");
    eventually("a new token is asked for", async || {
        (control.counts().tokens > tokens && control.counts().open == 1).then_some(())
    })
    .await;
    control.until_subscribed(&["BTC-USDT"]).await;
    eventually("the price is live again", async || {
        control.push_tick(Tick::quote("BTC-USDT", "102.0", "102.2").with_last("102.1"));
        let price = gateway.get("/v1/price/BTC-USDT").await.json();
        (price["last_price"] == "102.1" && price["stale"] == false).then_some(())
    })
    .await;
}
