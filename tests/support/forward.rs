//! A client's tickers, of which none may be older than the one before.

use super::Client;
use serde_json::Value;
use std::collections::HashMap;

/// Epoch and sequence number.
pub type Stamp = (u64, u64);

/// A client whose every ticker is held against the newest of its topic.
#[derive(Debug)]
pub struct Forward {
    client: Client,
    newest: HashMap<String, Value>,
}

impl Forward {
    /// From now on.
    pub fn new(client: Client) -> Self {
        Self { client, newest: HashMap::new() }
    }

    /// The next ticker.
    ///
    /// # Panics
    /// When it is older than the one before, or none comes.
    pub async fn ticker(&mut self) -> Value {
        let ticker = self.client.next_of("ticker").await;
        let topic = ticker["topic"].as_str().expect("a topic").to_owned();
        let before = self.newest.insert(topic, ticker.clone());
        let (now, before) = (stamp(&ticker), before.map(|it| stamp(&it)));
        assert!(Some(now) >= before, "{now:?} after {before:?}: {ticker}");
        ticker
    }

    /// Reads on until a ticker is as wanted.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let ticker = self.ticker().await;
            if wanted(&ticker) {
                return ticker;
            }
        }
    }

    /// Reads on until the newest ticker of each of so many topics is as wanted.
    pub async fn until_all(&mut self, topics: usize, wanted: impl Fn(&Value) -> bool) {
        while self.newest.values().filter(|ticker| wanted(ticker)).count() < topics {
            self.ticker().await;
        }
    }

    /// The newest ticker of every topic.
    pub fn newest(&self) -> &HashMap<String, Value> {
        &self.newest
    }
}

/// A ticker's place in the order.
pub fn stamp(ticker: &Value) -> Stamp {
    (ticker["epoch"].as_u64().expect("an epoch"), ticker["seq"].as_u64().expect("a seq"))
}
