//! A gateway that joins in the middle of a burst misses nothing.

use crate::support::{Client, Market};
use std::collections::HashMap;
use tickcast_load::venue::{Exchange, Source, VenueConfig};

/// Updates per second and symbol: some five hundred a second altogether, which a build for tests keeps up
/// with on a busy machine.
const RATE: u32 = 60;
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
    let mut joined = late.client(&["ticker:kucoin:*"]).await;
    let topics = market.venue().symbols().len();
    // Both read all the time, as clients do that keep up.
    let (_, seqs) = tokio::join!(run(&mut before, topics), run(&mut joined, topics));
    for (topic, seqs) in &seqs {
        // Every update is told to a client that keeps up: no seq is missing, none comes twice.
        let holes: Vec<_> = seqs.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
        assert!(holes.is_empty(), "{topic}: {holes:?}");
    }
    for name in ["tickcast_gateway_rejoins_total", "tickcast_gateway_conflated_overload_total"] {
        assert_eq!(late.metric(name).await, 0.0, "{name}");
    }
}

/// The consecutive seqs of every topic, as many as it takes for each to have its run.
async fn run(client: &mut Client, topics: usize) -> HashMap<String, Vec<u64>> {
    let mut seqs: HashMap<String, Vec<u64>> = HashMap::new();
    for _ in 0..MOST {
        let ticker = client.next_of("ticker").await;
        let topic = ticker["topic"].as_str().expect("a topic").to_owned();
        seqs.entry(topic).or_default().push(ticker["seq"].as_u64().expect("a seq"));
        if seqs.len() == topics && seqs.values().all(|seqs| seqs.len() >= RUN) {
            return seqs;
        }
    }
    panic!("some topics hardly move: {seqs:?}");
}
