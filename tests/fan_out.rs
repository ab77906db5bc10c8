//! One update reaches every client of every gateway, and REST says the same.

use crate::support::{Market, eventually};
use serde_json::json;
use tickcast_load::venue::Tick;

const BTC: &str = "ticker:kucoin:BTC-USDT";
const ETH: &str = "ticker:kucoin:ETH-USDT";

#[tokio::test]
async fn an_update_reaches_the_clients_of_two_gateways_byte_for_byte() {
    let market = Market::kucoin(&["BTC-USDT", "ETH-USDT"]).await;
    let (_feed, left, right) = tokio::join!(market.feed(), market.gateway(), market.gateway());
    let mut clients = Vec::new();
    for gateway in [&left, &right] {
        clients.push(gateway.client(&["BTC-USDT"]).await);
        clients.push(gateway.client(&[BTC, ETH]).await);
        clients.push(gateway.client(&["*-USDT"]).await);
    }
    market.venue().control.until_subscribed(&["BTC-USDT", "ETH-USDT"]).await;
    market.venue().control.push_tick(Tick::quote("BTC-USDT", "100.5", "100.6").with_last("100.55"));
    let mut seen = Vec::new();
    for client in &mut clients {
        seen.push(client.ticker_where(BTC, |it| it["last_price"] == "100.55").await);
    }
    assert!(seen.iter().all(|ticker| *ticker == seen[0]), "{seen:#?}");
    assert_eq!((&seen[0]["bid_price"], &seen[0]["ask_price"]), (&json!("100.5"), &json!("100.6")));
    assert_eq!((&seen[0]["state"], &seen[0]["simulated"]), (&json!("live"), &json!(true)));
}

#[tokio::test]
async fn a_late_joiner_gets_the_present_value_first_and_rest_agrees() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let control = &market.venue().control;
    let mut early = gateway.client(&["BTC-USDT"]).await;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2").with_last("101.1"));
    let streamed = early.ticker_where(BTC, |it| it["last_price"] == "101.1").await;

    let mut late = gateway.client(&["BTC-USDT"]).await;
    assert_eq!(late.next_of("ticker").await, streamed, "the present value comes first");
    assert_eq!(late.next().await["type"], "synced");
    let rest = gateway.get("/v1/price/BTC-USDT").await.json();
    for (key, value) in streamed.as_object().expect("an object") {
        assert_eq!(&rest[key], value, "{key}");
    }
    assert_eq!(rest["stale"], false);

    control.push_tick(Tick::quote("BTC-USDT", "101.1", "101.3").with_last("101.2"));
    let next = late.ticker(BTC).await;
    assert_eq!(next["last_price"], "101.2");
    assert!(next["seq"].as_u64() > streamed["seq"].as_u64());
}

#[tokio::test]
async fn all_exchanges_flow_side_by_side_and_into_the_index() {
    use tickcast_load::venue::{Exchange, Source, VenueConfig};
    let configs = Exchange::ALL.map(|exchange| {
        let mut config = VenueConfig::new(exchange);
        config.symbols = vec!["BTC-USDT".into()];
        config.source = Source::Walk { rate: 20, seed: 1 };
        config
    });
    let market = Market::start(configs.into()).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let topics = Exchange::ALL.map(|it| format!("ticker:{it}:BTC-USDT"));
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let mut client = gateway.client(&topics).await;
    for topic in topics {
        let live = |it: &serde_json::Value| it["state"] == "live" && it["bid_price"].is_string();
        let first = client.ticker_where(topic, live).await;
        client.ticker_where(topic, |it| it["seq"].as_u64() > first["seq"].as_u64()).await;
    }
    eventually("all exchanges are live", async || {
        let rows = gateway.get("/v1/exchanges").await.json();
        let rows = rows["exchanges"].as_array().expect("a list").clone();
        (rows.len() == 6 && rows.iter().all(|row| row["state"] == "live")).then_some(())
    })
    .await;
    let mut index = gateway.client(&["ticker:index:BTC-USDT"]).await;
    let whole = |it: &serde_json::Value| {
        it["state"] == "live" && it["sources"].as_array().is_some_and(|sources| sources.len() == 6)
    };
    index.wait_for("an index of all", whole).await;
}
