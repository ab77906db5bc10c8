//! A client that hears everything, and what it remembers.

use super::until;
use crate::faults::FaultsError;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a dial may take.
const DIAL: Duration = Duration::from_secs(5);
/// Between two questions for a sign of life: a loop that stalls for 50 ms is seen.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A connected client. Dropped, it goes.
pub(in crate::faults) struct Witness {
    heard: Arc<Mutex<Heard>>,
    _stop: DropGuard,
}

/// What a client has heard.
#[derive(Debug, Default)]
pub(in crate::faults) struct Heard {
    /// Each topic's newest ticker.
    pub(in crate::faults) newest: HashMap<String, Ticker>,
    /// Epochs of tickers.
    pub(in crate::faults) epochs: BTreeSet<u64>,
    /// When the first live value of each epoch came.
    pub(in crate::faults) first_live: HashMap<u64, Instant>,
    /// Tickers that were older than the one before.
    pub(in crate::faults) steps_back: u64,
    /// Tickers that were not live.
    pub(in crate::faults) not_live: u64,
    /// The longest answer to a ping.
    pub(in crate::faults) slowest_pong: Duration,
    /// How the connection has ended.
    pub(in crate::faults) closed: Option<String>,
    asked: Option<Instant>,
}

/// What a ticker says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::faults) struct Ticker {
    topic: String,
    pub(in crate::faults) state: String,
    pub(in crate::faults) last_price: Option<String>,
    pub(in crate::faults) epoch: u64,
    pub(in crate::faults) seq: u64,
}

impl Heard {
    /// Topics whose newest ticker is live.
    pub(in crate::faults) fn live(&self) -> usize {
        self.newest.values().filter(|it| it.state == "live").count()
    }

    /// The newest epoch.
    pub(in crate::faults) fn epoch(&self) -> u64 {
        self.epochs.last().copied().unwrap_or(0)
    }

    fn text(&mut self, text: &str) {
        if text == "pong" {
            let took = self.asked.take().map_or(Duration::ZERO, |asked| asked.elapsed());
            self.slowest_pong = self.slowest_pong.max(took);
            return;
        }
        // Other messages have other keys.
        if !text.starts_with(r#"{"type":"ticker""#) {
            return;
        }
        let Ok(ticker) = serde_json::from_str::<Ticker>(text) else { return };
        let stamp = (ticker.epoch, ticker.seq);
        self.epochs.insert(ticker.epoch);
        match ticker.state == "live" {
            true => _ = self.first_live.entry(ticker.epoch).or_insert_with(Instant::now),
            false => self.not_live += 1,
        }
        let before = self.newest.insert(ticker.topic.clone(), ticker);
        self.steps_back += u64::from(before.is_some_and(|it| (it.epoch, it.seq) > stamp));
    }

    /// Forgets what was counted.
    pub(in crate::faults) fn reset(&mut self) {
        (self.steps_back, self.not_live, self.slowest_pong) = (0, 0, Duration::ZERO);
    }
}

impl Witness {
    pub(super) async fn connect(url: &str) -> Result<Self, FaultsError> {
        let failed = |why: String| FaultsError::Attack(format!("{url}: {why}"));
        let dialled = timeout(DIAL, connect_async(url)).await;
        let dialled = dialled.map_err(|_| failed("no answer".to_owned()))?;
        let (socket, _) = dialled.map_err(|error| failed(error.to_string()))?;
        let (heard, stop) = (Arc::<Mutex<Heard>>::default(), CancellationToken::new());
        let (mut writer, mut reader) = socket.split();
        let theirs = heard.clone();
        let listening = async move {
            let mut asks = interval(ASK_EVERY);
            asks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    message = reader.next() => match message {
                        Some(Ok(Message::Text(text))) => lock(&theirs).text(text.as_str()),
                        Some(Ok(Message::Close(frame))) => {
                            lock(&theirs).closed = Some(format!("{frame:?}"));
                        }
                        Some(Ok(_)) => {}
                        Some(Err(error)) => {
                            lock(&theirs).closed.get_or_insert(error.to_string());
                            return;
                        }
                        None => return,
                    },
                    _ = asks.tick() => {
                        lock(&theirs).asked.get_or_insert_with(Instant::now);
                        // A connection that is gone is seen above.
                        let _ = writer.send(Message::text("ping")).await;
                    }
                }
            }
        };
        tokio::spawn(stop.clone().run_until_cancelled_owned(listening));
        Ok(Self { heard, _stop: stop.drop_guard() })
    }

    /// What it has heard so far.
    pub(in crate::faults) fn heard(&self) -> MutexGuard<'_, Heard> {
        lock(&self.heard)
    }

    /// Waits until it has heard that; how long that took, or nothing if it does not come.
    pub(in crate::faults) async fn until(
        &self,
        most: Duration,
        wanted: impl Fn(&Heard) -> bool,
    ) -> Option<Duration> {
        until(most, async || wanted(&self.heard())).await
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticker(epoch: u64, seq: u64, state: &str) -> String {
        format!(
            r#"{{"type":"ticker","topic":"a","state":"{state}","last_price":"1","epoch":{epoch},"seq":{seq}}}"#
        )
    }

    #[test]
    fn it_remembers_what_matters() {
        let mut heard = Heard::default();
        for (epoch, seq, state) in [(5, 1, "live"), (5, 1, "stale"), (7, 1, "live"), (5, 9, "live")]
        {
            heard.text(&ticker(epoch, seq, state));
        }
        heard.text(r#"{"type":"status","scope":"bus"}"#);
        assert_eq!((heard.steps_back, heard.not_live, heard.epoch()), (1, 1, 7));
        assert_eq!((heard.live(), heard.first_live.len()), (1, 2));
        heard.asked = Instant::now().checked_sub(Duration::from_millis(70));
        heard.text("pong");
        assert!(heard.slowest_pong >= Duration::from_millis(70));
    }
}
