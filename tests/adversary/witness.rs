//! A client that reads everything, checks what must always hold, and comes back when it is cut off.

use super::model;
use crate::support::Client;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::task::JoinHandle;

/// What a client holds of a topic.
#[derive(Debug, Clone, Default)]
pub struct Held {
    stamp: (u64, u64),
    /// `live`, `stale` ...
    pub state: String,
    /// Which pushes its last price, bid and ask are.
    numbers: [u64; 3],
}

impl Held {
    /// Which push its last price is.
    pub fn last(&self) -> u64 {
        self.numbers[0]
    }
}

/// What the witness knows, and what it has to complain of.
#[derive(Debug, Default)]
pub struct Notes {
    /// By topic.
    pub held: HashMap<String, Held>,
    /// What must not be.
    pub faults: Vec<String>,
    /// Tickers read.
    pub messages: u64,
}

/// A running witness. It ends when this is dropped.
#[derive(Debug)]
pub struct Witness {
    notes: Arc<Mutex<Notes>>,
    task: JoinHandle<()>,
}

impl Witness {
    /// Connects to one of these addresses, each time another one.
    pub fn start(addresses: Arc<Mutex<Vec<String>>>, first: usize) -> Self {
        let notes: Arc<Mutex<Notes>> = Arc::default();
        let task = tokio::spawn(watch(addresses, first, notes.clone()));
        Self { notes, task }
    }

    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(addresses: Arc<Mutex<Vec<String>>>, first: usize, notes: Arc<Mutex<Notes>>) {
    for turn in first.. {
        let url = {
            let all = addresses.lock().unwrap_or_else(PoisonError::into_inner);
            all[turn % all.len()].clone()
        };
        let Ok(mut client) = Client::dial(&url).await else {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        let mut connection = HashMap::new();
        client
            .send(&serde_json::json!({"op": "subscribe", "id": 1, "topics": ["ticker:*:*"]}))
            .await;
        while let Ok(message) = client.next_or_close().await {
            if message["type"] == "ticker" {
                let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
                notes.read(&message, &mut connection);
            }
        }
    }
}

impl Notes {
    fn read(&mut self, ticker: &Value, connection: &mut HashMap<String, (u64, u64)>) {
        let topic = ticker["topic"].as_str().unwrap_or_default().to_owned();
        if topic.starts_with("ticker:index:") {
            return;
        }
        self.messages += 1;
        let number = |key: &str| ticker[key].as_u64().unwrap_or_default();
        let stamp = (number("epoch"), number("seq"));
        let before = connection.insert(topic.clone(), stamp).unwrap_or_default();
        if stamp < before {
            self.faults.push(format!("{stamp:?} after {before:?} on one connection: {ticker}"));
        }
        let held = self.held.get(&topic).cloned().unwrap_or_default();
        if stamp < held.stamp {
            return; // another gateway was ahead: a client drops this
        }
        let state = ticker["state"].as_str().unwrap_or_default().to_owned();
        let numbers = ["last_price", "bid_price", "ask_price"]
            .map(|key| ticker[key].as_str().map(model::number_of));
        if state == "live" && numbers.contains(&Some(None)) {
            self.faults.push(format!("a price that nobody said: {ticker}"));
        }
        let numbers = numbers.map(|number| number.flatten().unwrap_or_default());
        let back = numbers.iter().zip(held.numbers).any(|(new, old)| *new != 0 && *new < old);
        if state == "live" && back {
            self.faults.push(format!("back from {:?} to {numbers:?}: {ticker}", held.numbers));
        }
        if state == "live" && numbers == [0; 3] {
            self.faults.push(format!("live without a price: {ticker}"));
        }
        let mut kept = held.numbers;
        kept.iter_mut().zip(numbers).for_each(|(kept, new)| *kept = (*kept).max(new));
        let numbers = if state == "live" { kept } else { held.numbers };
        self.held.insert(topic, Held { stamp, state, numbers });
    }
}
