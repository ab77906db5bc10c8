//! A gateway that joins in the middle of a burst misses nothing.

use crate::support::Market;
use std::collections::HashMap;
use tickcast_load::venue::{Exchange, Source, VenueConfig};

/// Updates per second and symbol: some thousand a second altogether.
const RATE: u32 = 200;
/// How many consecutive updates of each topic are looked at.
const RUN: usize = 100;
/// By then every topic has moved often enough.
const MOST: usize = 20_000;

#[tokio::test]
async fn a_gateway_joins_in_the_middle_of_a_burst_without_a_hole() {
    let mut config = VenueConfig::new(Exchange::Kucoin);
    config.source = Source::Walk { rate: RATE, seed: 7 };
    let market = Market::start(vec![config]).await;
    let (_feed, early) = tokio::join!(market.feed(), market.gateway());
    let mut before = early.client(&["ticker:kucoin:*"]).await;
    let live = |it: &serde_json::Value| it["state"] == "live";
    before.ticker_where("ticker:kucoin:BTC-USDT", live).await;

    let late = market.gateway().await;
    let mut clients = [before, late.client(&["ticker:kucoin:*"]).await];
    let mut runs = [HashMap::new(), HashMap::new()];
    for (client, run) in clients.iter_mut().zip(&mut runs) {
        let full = |run: &HashMap<String, Vec<u64>>| {
            run.len() >= market.venue().symbols().len()
                && run.values().all(|seqs| seqs.len() >= RUN)
        };
        for looked_at in 0.. {
            if full(run) {
                break;
            }
            assert!(looked_at < MOST, "some topics hardly move: {run:?}");
            let ticker = client.next_of("ticker").await;
            let topic = ticker["topic"].as_str().expect("a topic").to_owned();
            run.entry(topic).or_default().push(ticker["seq"].as_u64().expect("a seq"));
        }
    }
    for (topic, seqs) in &runs[1] {
        // Every update is told to a client that keeps up: no seq is missing, none comes twice.
        let holes: Vec<_> = seqs.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
        assert!(holes.is_empty(), "{topic}: {holes:?}");
    }
    for name in ["tickcast_gateway_rejoins_total", "tickcast_gateway_conflated_overload_total"] {
        assert_eq!(late.metric(name).await, 0.0, "{name}");
    }
}
