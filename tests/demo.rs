//! `tickcast demo` needs nothing, says where to look, and never passes for a market.

use crate::support::{Client, get, start};
use std::time::{Duration, Instant};

/// A demo that is told to stop keeps nobody waiting.
const STOPS_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn every_price_of_every_exchange_says_simulated() {
    let demo = start(&["demo"]).ready().await;
    let mut client = Client::connect(&demo.ws()).await;
    client.subscribe(&["ticker:*:*"]).await;
    for exchange in ["kucoin", "binance", "okx", "coinbase", "kraken", "bybit", "index"] {
        let topic = format!("ticker:{exchange}:BTC-USDT");
        let priced = |it: &serde_json::Value| it["last_price"].is_string();
        let ticker = client.ticker_where(&topic, priced).await;
        assert_eq!(ticker["simulated"], true, "{ticker}");
        assert_eq!(ticker["state"], "live", "{ticker}");
    }
}

#[tokio::test]
async fn the_screen_names_addresses_that_answer() {
    let demo = start(&["demo"]).ready().await;
    let screen = demo.process.stdout.text();
    assert!(screen.contains("SIMULATED prices"), "{screen}");
    assert!(screen.contains(&demo.ws()), "{screen}");
    assert!(screen.contains(&format!("watch BTC-USDT --url {}", demo.ws())), "{screen}");
    let mut urls = 0;
    for word in screen.split_whitespace().filter(|word| word.starts_with("http://")) {
        let answer = get(word).await.unwrap_or_else(|| panic!("{word} does not answer"));
        assert_eq!(answer.status, 200, "{word}: {}", answer.body);
        urls += 1;
    }
    assert_eq!(urls, 3, "{screen}");
}

#[tokio::test]
async fn it_stops_quickly_with_a_client_connected() {
    let mut demo = start(&["demo"]).ready().await;
    let mut client = Client::connect(&demo.ws()).await;
    let began = Instant::now();
    assert_eq!(demo.stop().await.code(), Some(0));
    assert!(began.elapsed() < STOPS_WITHIN, "{:?}", began.elapsed());
    let closed = client.closed().await.expect("a close frame");
    assert!(matches!(closed.0, 1001 | 1012), "{closed:?}");
}

#[tokio::test]
async fn operators_can_look_at_both_halves() {
    let demo = start(&["demo"]).ready().await;
    let health = demo.admin("/health").await.json();
    assert_eq!((&health["status"], &health["role"]), (&"ok".into(), &"demo".into()));
    assert_eq!(demo.admin("/livez").await.status, 200);
    assert!(demo.admin("/dlq").await.json().is_object());
    assert!(demo.admin("/connections").await.json().is_object());
    let queues = demo.admin("/queues").await.json();
    assert!(queues.as_array().is_some_and(|queues| !queues.is_empty()), "{queues}");
    let missing = demo.admin("/nothing").await;
    assert_eq!(
        (missing.status, missing.json()["error"]["code"].as_str()),
        (404, Some("not_found"))
    );
}
