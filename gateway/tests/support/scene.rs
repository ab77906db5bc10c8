//! Topics that move together, a client that gets every update, and beside them one that does not.

use super::{Client, RawClient, Seen, Stage, texts, topics};
use serde_json::Value;
use tickcast_gateway::GatewayConfig;

/// Topics of a usual scene: some 25 KB a round, which one write takes.
pub const TOPICS: usize = 50;
/// Rounds after which any client that does not read must have been noticed: 10 MB and more.
const MOST_ROUNDS: u32 = 400;

/// A gateway with a healthy reader.
pub struct Scene {
    pub stage: Stage,
    /// The last price of every topic.
    pub price: String,
    topics: Vec<String>,
    reader: Client,
    seen: Seen,
    rounds: u32,
}

impl Scene {
    pub async fn start(change: impl FnOnce(&mut GatewayConfig)) -> Self {
        Self::of(TOPICS, change).await
    }

    /// With so many topics.
    pub async fn of(count: usize, change: impl FnOnce(&mut GatewayConfig)) -> Self {
        let mut stage = Stage::start(change).await;
        let topics = topics(count);
        stage.prices(&texts(&topics), "1").await;
        let mut reader = stage.client("?topics=ticker:okx:*").await;
        let mut seen = Seen::default();
        seen.read_until(&mut reader, count, "1").await;
        Self { stage, price: "1".into(), topics, reader, seen, rounds: 1 }
    }

    /// Moves every topic once; the reader gets every update.
    pub async fn round(&mut self) {
        self.rounds += 1;
        self.price = self.rounds.to_string();
        self.stage.prices(&texts(&self.topics), &self.price).await;
        self.seen.read_until(&mut self.reader, self.topics.len(), &self.price).await;
    }

    /// The reader asks for a pong: what came to its shard before has been read.
    pub async fn ping(&mut self) {
        self.reader.send("ping").await;
        while self.reader.next().await != "pong" {}
    }

    /// A client of all topics that has its present values and reads no more.
    pub async fn stopped(&self, headers: &str) -> RawClient {
        let mut client = RawClient::dial(&self.stage, "?topics=ticker:okx:*", headers).await;
        client.until("synced").await;
        client
    }

    /// Goes on until the client skips updates; its line in `/connections`.
    pub async fn until_lagging(&mut self, client: &RawClient) -> Value {
        for _ in 0..MOST_ROUNDS {
            self.round().await;
            let found = slow(&self.stage.connections().await, client);
            if let Some(line) = found.filter(|it| it["skipped"].as_u64() > Some(0)) {
                return line;
            }
        }
        panic!("a client that does not read took everything");
    }

    /// Goes on until the only client besides the reader is being closed.
    pub async fn until_evicted(&mut self) {
        while self.stage.connections().await["closing"] != 1 {
            self.round().await;
        }
    }
}

/// The client's line in `/connections`, if its socket is full.
pub fn slow(connections: &Value, client: &RawClient) -> Option<Value> {
    let mut lines = connections["slowest"].as_array().unwrap().iter();
    lines.find(|line| line["connection_id"] == client.name.as_str()).cloned()
}
