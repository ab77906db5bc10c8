//! `tickcast price` prints one price; its exit code says whether it may be believed.

use crate::support::{Ended, Market, Role, eventually, start};
use tickcast_load::venue::Tick;

async fn price(gateway: &Role, args: &[&str]) -> Ended {
    start(&["price", "--url", &gateway.ws()]).args(args).ended().await
}

#[tokio::test]
async fn a_live_price_exits_with_0_and_one_that_is_not_with_3() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = gateway.client(&["BTC-USDT"]).await;
    let pending = price(&gateway, &["BTC-USDT"]).await;
    assert_eq!(pending.code, 3, "{pending:?}");
    assert!(pending.stdout.contains("pending"), "{pending:?}");

    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "1.0", "1.2").with_last("1.10"));
    client.ticker_where("ticker:kucoin:BTC-USDT", |it| it["last_price"] == "1.10").await;
    let live = price(&gateway, &["BTC-USDT"]).await;
    assert_eq!(live.code, 0, "{live:?}");
    assert!(live.stdout.starts_with("ticker:kucoin:BTC-USDT 1.10 bid 1.0 ask 1.2 "), "{live:?}");
    assert!(live.stdout.ends_with(" live SIMULATED"), "{live:?}");
    let json = price(&gateway, &["BTC-USDT", "--exchange", "kucoin", "--json"]).await.stdout;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["last_price"], "1.10");
}

#[tokio::test]
async fn an_unknown_symbol_and_an_absent_gateway_exit_with_1() {
    let demo = start(&["demo"]).ready().await;
    eventually("a first topic", async || {
        (demo.get("/v1/price/BTC-USDT").await.status == 200).then_some(())
    })
    .await;
    let unknown = price(&demo, &["NOPE-USDT"]).await;
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.stderr.starts_with("tickcast: NOPE-USDT: 404"), "{unknown:?}");
    let absent = start(&["price", "BTC-USDT", "--url", "ws://127.0.0.1:1/ws"]).ended().await;
    assert_eq!(absent.code, 1, "{absent:?}");
    assert_eq!(absent.stderr.lines().count(), 1, "{absent:?}");
}
