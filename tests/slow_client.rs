//! A client that stops reading is evicted, operators see it, and the others go on.

use crate::support::{Market, eventually};
use serde_json::json;

#[tokio::test]
async fn an_eviction_is_counted_and_others_are_served_on() {
    let market = Market::busy().await;
    let limits = "slow_client_timeout_ms = 500\n";
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway_with(limits));
    let mut stopped = gateway.client(&["*-USDT"]).await;
    let mut reader = gateway.client(&["*-USDT"]).await;
    // It panics, and so ends, when it is closed or gets nothing more.
    let reading = tokio::spawn(async move {
        loop {
            reader.next_of("ticker").await;
        }
    });
    eventually("it is being closed", async || {
        let connections = gateway.admin("/connections").await.json();
        (connections["closing"] == 1).then_some(())
    })
    .await;
    // Within the two seconds that it is granted.
    let closed = stopped.closed().await;
    assert_eq!(closed, Some((4000, "slow_consumer".into())));
    drop(stopped);
    let metrics = gateway.admin("/metrics").await.body;
    let line = r#"tickcast_gateway_closed_total{reason="slow_consumer"} 1"#;
    assert!(metrics.lines().any(|it| it == line), "{metrics}");
    assert!(gateway.metric("tickcast_gateway_lagging_total").await >= 1.0);
    assert!(gateway.metric("tickcast_gateway_skipped_total").await >= 1.0);
    eventually("only the reader is left", async || {
        let connections = gateway.admin("/connections").await.json();
        let left = (&connections["open"], &connections["lagging"], &connections["closing"]);
        (left == (&json!(1), &json!(0), &json!(0))).then_some(())
    })
    .await;
    assert!((gateway.metric("tickcast_gateway_connections").await - 1.0).abs() < f64::EPSILON);
    assert!(!reading.is_finished(), "the other one was served on");
    reading.abort();
}
