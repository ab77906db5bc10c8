//! What a client may say to a gateway process, and what it hears.

use crate::support::{Client, Market, start};
use serde_json::json;

#[tokio::test]
async fn pings_are_answered_and_mistakes_named_while_the_connection_lives() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = gateway.client(&["BTC-USDT"]).await;
    client.next_of("synced").await;
    client.send_text("ping").await;
    client.wait_for("pong", |it| *it == "pong").await;
    client.send(&json!({"op": "ping", "id": 7})).await;
    assert_eq!(client.next_of("pong").await["id"], 7);
    for (message, code) in [
        ("what", "bad_json"),
        (r#"{"op":"buy"}"#, "unknown_op"),
        (r#"{"op":"subscribe","topics":["BTC-USDT"],"history":501}"#, "bad_field"),
    ] {
        client.send_text(message).await;
        assert_eq!(client.next_of("error").await["code"], code, "{message}");
    }
    let answer = client.subscribe(&["NOPE-USDT", "x:y"]).await;
    assert_eq!(answer["rejected"][0]["code"], "unknown_topic");
    assert_eq!(answer["rejected"][1]["code"], "bad_topic");
    client.send(&json!({"op": "topics", "id": 1})).await;
    assert_eq!(client.next_of("topics").await["topics"], json!(["ticker:kucoin:BTC-USDT"]));
}

#[tokio::test]
async fn a_gateway_without_a_bus_says_not_ready_and_lives() {
    let gateway = start(&["gateway", "--redis-url", "redis://127.0.0.1:1"]).listening().await;
    for path in ["/v1/price/BTC-USDT", "/ws"] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.json()["error"]["code"], "not_ready");
        assert_eq!(answer.headers["retry-after"], "1");
    }
    assert!(Client::dial(&gateway.ws()).await.is_err());
    assert_eq!(gateway.admin("/livez").await.status, 200);
    assert_eq!(gateway.admin("/readyz").await.status, 503);
    assert!(gateway.process.stderr.contain("127.0.0.1:1\""), "the log names the address");
}

#[tokio::test]
async fn the_demo_needs_nothing_and_everything_says_simulated() {
    let demo = start(&["demo"]).ready().await;
    let mut client =
        demo.client(&["BTC-USDT", "ticker:binance:BTC-USDT", "ticker:okx:BTC-USDT"]).await;
    for topic in ["kucoin", "binance", "okx"].map(|name| format!("ticker:{name}:BTC-USDT")) {
        let ticker = client.ticker_where(&topic, |it| it["state"] == "live").await;
        assert_eq!(ticker["simulated"], true, "{ticker}");
    }
    assert!(demo.process.stdout.contain("SIMULATED"));
}

#[tokio::test]
async fn a_gateway_that_stops_tells_its_clients_to_come_back() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, mut gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = gateway.client(&["BTC-USDT"]).await;
    gateway.process.signal("TERM");
    let closing = client.next_of("closing").await;
    assert_eq!((&closing["code"], &closing["reconnect"]), (&json!(1012), &json!(true)));
    assert_eq!(client.closed().await, Some((1012, "service restart".into())));
    drop(client);
    assert!(gateway.process.exit().await.success());
}
