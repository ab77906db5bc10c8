//! What is shown of a shard's connections. The gauges are common to all shards, so each adds and
//! takes away what has changed of its own.

use crate::metrics::Metrics;
use tickcast_shared::metric::GaugeSeries;

/// How many there are on one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Sets of connections that want the same.
    pub cohorts: usize,
    /// Clients that are skipping updates.
    pub lagging: usize,
    /// Clients whose socket is full.
    pub blocked: usize,
}

impl Tally {
    /// Shows this from now on.
    pub fn becomes(&mut self, now: Self, metrics: &Metrics) {
        shift(&metrics.cohorts, self.cohorts, now.cohorts);
        shift(&metrics.lagging_now, self.lagging, now.lagging);
        shift(&metrics.blocked_now, self.blocked, now.blocked);
        *self = now;
    }
}

fn shift(gauge: &GaugeSeries, before: usize, now: usize) {
    if before != now {
        gauge.increment(now as f64 - before as f64);
    }
}
