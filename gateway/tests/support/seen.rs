//! What a client has seen of its topics, held against what it may see.

use super::Client;
use serde_json::Value;
use std::collections::HashMap;

/// The newest of every topic.
#[derive(Default)]
pub struct Seen {
    newest: HashMap<String, Value>,
}

fn stamp(ticker: &Value) -> (u64, u64) {
    (ticker["epoch"].as_u64().unwrap(), ticker["seq"].as_u64().unwrap())
}

impl Seen {
    /// Notes a ticker, which must not be older than the last of its topic.
    pub fn note(&mut self, ticker: &Value) {
        self.replace(ticker);
    }

    /// Notes a ticker, which must be the one after the last of its topic, or the same with another
    /// state.
    pub fn note_next(&mut self, ticker: &Value) {
        if let Some(before) = self.replace(ticker) {
            let ((_, old), (_, new)) = (stamp(&before), stamp(ticker));
            let is_same_again = new == old && before["state"] != ticker["state"];
            assert!(new == old + 1 || is_same_again, "{ticker} after {before}");
        }
    }

    fn replace(&mut self, ticker: &Value) -> Option<Value> {
        if ticker["type"] == "status" {
            // On a slow machine the feed seems to fall silent.
            return None;
        }
        assert_eq!(ticker["type"], "ticker", "{ticker}");
        let topic = ticker["topic"].as_str().unwrap().to_owned();
        let before = self.newest.insert(topic, ticker.clone());
        if let Some(before) = &before {
            assert!(stamp(ticker) >= stamp(before), "{ticker} after {before}");
        }
        before
    }

    /// Whether the newest of so many topics have this last price.
    pub fn has(&self, topics: usize, price: &str) -> bool {
        self.newest.len() == topics && self.newest.values().all(|it| it["last_price"] == price)
    }

    /// Reads until so many topics have this last price, missing no update on the way.
    pub async fn read_until(&mut self, client: &mut Client, topics: usize, price: &str) {
        while !self.has(topics, price) {
            let message = client.next().await;
            if message["type"] == "ticker" {
                self.note_next(&message);
            }
        }
    }
}
