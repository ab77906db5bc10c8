//! What a back-fill tells of itself: start, now and then, end.

use super::{Extent, Failure};
use crate::metrics;
use std::time::{Duration, Instant};
use tickcast_shared::market::{ExchangeId, Interval, Topic};
use tracing::{info, warn};

/// How often a long back-fill says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// The counts of one venue's back-fill.
#[derive(Debug)]
pub(super) struct Progress {
    exchange: ExchangeId,
    began: Instant,
    said: Instant,
    /// Kline topics in all, and those that are done.
    topics: usize,
    done: usize,
    requests: u64,
    bars: usize,
    failed: usize,
}

impl Progress {
    pub(super) fn of(exchange: &ExchangeId) -> Self {
        let now = Instant::now();
        let (topics, done, requests, bars, failed) = (0, 0, 0, 0, 0);
        Self {
            exchange: exchange.clone(),
            began: now,
            said: now,
            topics,
            done,
            requests,
            bars,
            failed,
        }
    }

    pub(super) fn begins(&mut self, instruments: usize, extent: &Extent) {
        self.topics = instruments * extent.intervals.len();
        self.began = Instant::now();
        self.said = self.began;
        info!(
            exchange = %self.exchange, topics = self.topics, bars_each = extent.bars,
            "asking the venue for bars from before; prices go first"
        );
    }

    pub(super) fn asked(&mut self) {
        self.requests += 1;
        metrics::BACKFILL_REQUESTS.of([&self.exchange.to_string()]).increment(1);
    }

    pub(super) fn had(&mut self, interval: Interval, bars: usize) {
        self.bars += bars;
        metrics::BACKFILL_BARS
            .of([&self.exchange.to_string(), interval.as_str()])
            .increment(bars as u64);
    }

    pub(super) fn failed(&mut self, topic: &Topic, failure: &Failure) {
        self.failed += 1;
        metrics::BACKFILL_FAILURES.of([&self.exchange.to_string()]).increment(1);
        // The first one tells what is wrong; the end tells how many there were.
        if self.failed == 1 {
            warn!(
                exchange = %self.exchange, %topic, error = %failure,
                action = "nothing to do: the next start tries again",
                "bars from before cannot be had"
            );
        }
    }

    pub(super) fn topic_done(&mut self) {
        self.done += 1;
        if self.said.elapsed() >= SAY_EVERY {
            self.said = Instant::now();
            info!(
                exchange = %self.exchange, done = self.done, topics = self.topics,
                bars = self.bars, requests = self.requests, "back-fill under way"
            );
        }
    }

    pub(super) fn ends(&self) {
        info!(
            exchange = %self.exchange, topics = self.topics, bars = self.bars,
            requests = self.requests, failed = self.failed,
            took_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "back-fill done"
        );
    }
}
