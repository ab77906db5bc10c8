//! An exchange says that it trades nothing: its prices are halted, and live again when it goes on.

use crate::support::{Market, eventually};
use tickcast_load::venue::{Exchange, Tick, VenueConfig};

const BTC: &str = "ticker:kraken:BTC-USD";
/// What Kraken sends when its system changes.
const MAINTENANCE: &str = r#"{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"maintenance","api_version":"v2","connection_id":1}]}"#;

#[tokio::test]
async fn an_exchange_under_maintenance_is_halted_and_comes_back() {
    let mut config = VenueConfig::new(Exchange::Kraken);
    config.symbols = vec!["BTC-USD".into()];
    let market = Market::start(vec![config]).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let control = &market.venue().control;
    let mut client = gateway.client(&[BTC]).await;
    control.until_subscribed(&["BTC-USD"]).await;
    control.push_tick(Tick::quote("BTC-USD", "100.1", "100.3").with_last("100.2"));
    client.ticker_where(BTC, |it| it["state"] == "live").await;

    control.push_frame(MAINTENANCE);
    let halted = client.ticker_where(BTC, |it| it["state"] != "live").await;
    assert_eq!((&halted["state"], &halted["last_price"]), (&"halted".into(), &"100.2".into()));
    eventually("it is dialled again", async || (control.counts().dials > 1).then_some(())).await;
    eventually("it is live again", async || {
        control.push_tick(Tick::quote("BTC-USD", "100.2", "100.4").with_last("100.3"));
        let price = gateway.get(&format!("/v1/price/{BTC}")).await.json();
        (price["state"] == "live" && price["last_price"] == "100.3").then_some(())
    })
    .await;
}
