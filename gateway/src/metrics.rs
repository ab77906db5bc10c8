//! The gateway's counting: what hot paths keep, and what happens too seldom for that.

pub mod table;

use crate::hub::fan::Counts;
use tickcast_shared::{
    metric::{CounterSeries as Counter, GaugeSeries as Gauge, HistogramSeries as Histogram},
    protocol::{Close, ErrorCode},
};

/// Handles that hot paths keep.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that were let in.
    pub upgrades: Counter,
    /// Cohorts of all shards.
    pub cohorts: Gauge,
    /// Clients that are skipping updates now.
    pub lagging_now: Gauge,
    /// Clients whose socket is full now.
    pub blocked_now: Gauge,
    /// From the bus to this gateway, a message.
    pub bus_delay: Histogram,
    /// From the ingest to the end of a pass, a pass.
    pub hub_delay: Histogram,
    /// Values and states that came from the bus.
    pub updates: Counter,
    /// Updates given up for newer ones because a shard was busy.
    pub conflated: Counter,
    /// Passes over the cohorts.
    pub passes: Counter,
    /// Writes to sockets by passes.
    pub writes: Counter,
    /// Messages handed to sockets by passes.
    pub deliveries: Counter,
    /// Bytes handed to sockets by passes.
    pub bytes: Counter,
    /// Updates left out for newer ones because a pass or burst was too large.
    pub conflated_pass: Counter,
    /// Times that a client became slow.
    pub lagging: Counter,
    /// Updates that slow clients skipped.
    pub skipped: Counter,
    /// Closed bars handed to clients.
    pub bars: Counter,
    /// Commands of clients.
    pub commands: Counter,
    /// Certificates taken over from changed files.
    pub certificate_reloads: Counter,
}

impl Metrics {
    /// Those of the process's recorder.
    #[must_use]
    pub fn register() -> Self {
        Self {
            connections: table::CONNECTIONS.of([]),
            upgrades: table::UPGRADES.of([]),
            cohorts: table::COHORTS.of([]),
            lagging_now: table::LAGGING_NOW.of([]),
            blocked_now: table::BLOCKED_NOW.of([]),
            bus_delay: table::BUS_DELAY.of([]),
            hub_delay: table::HUB_DELAY.of([]),
            updates: table::UPDATES.of([]),
            conflated: table::CONFLATED_OVERLOAD.of([]),
            passes: table::PASSES.of([]),
            writes: table::WRITES.of([]),
            deliveries: table::DELIVERIES.of([]),
            bytes: table::SENT_BYTES.of([]),
            conflated_pass: table::CONFLATED_PASS.of([]),
            lagging: table::LAGGING.of([]),
            skipped: table::SKIPPED.of([]),
            bars: table::BARS_SENT.of([]),
            commands: table::COMMANDS.of([]),
            certificate_reloads: table::TLS_RELOADS.of([]),
        }
    }

    /// Counts what a shard's passes have done.
    pub fn count(&self, counts: Counts) {
        self.writes.increment(counts.writes);
        self.deliveries.increment(counts.deliveries);
        self.bytes.increment(counts.bytes);
        self.conflated_pass.increment(counts.conflated);
        self.lagging.increment(counts.lagging);
        self.skipped.increment(counts.skipped);
        self.bars.increment(counts.bars);
    }

    /// Counts a close by the server.
    pub fn closed(&self, close: Close) {
        table::CLOSED.of([close.label()]).increment(1);
    }

    /// Counts an upgrade, request or TLS handshake that was refused.
    pub fn refused(&self, reason: &'static str) {
        table::REFUSED.of([reason]).increment(1);
    }

    /// Counts commands and topics of clients that were answered with an error.
    pub fn rejected(&self, code: ErrorCode, count: u64) {
        table::REJECTED.of([code.as_str()]).increment(count);
    }

    /// Counts something that a limit did not let pass.
    pub fn limited(&self, limit: &'static str) {
        table::LIMITED.of([limit]).increment(1);
    }

    /// A certificate is in force, and good until then (seconds since the Unix epoch).
    pub fn certificate(&self, expires: i64) {
        table::TLS_EXPIRES.of([]).set(expires as f64);
        table::TLS_BROKEN.of([]).set(0.0);
    }

    /// The certificate's files cannot be used; the one in force stays.
    pub fn certificate_is_broken(&self) {
        table::TLS_BROKEN.of([]).set(1.0);
    }

    /// So much of the memory that may be used is in use; 1 is all of it.
    pub fn memory_used(&self, ratio: f64) {
        table::MEMORY_USED.of([]).set(ratio);
    }

    /// Counts a reading of a set of keys.
    pub fn key_set_read(&self, is_read: bool) {
        let result = if is_read { "ok" } else { "failed" };
        table::KEY_SET_READS.of([result]).increment(1);
    }

    /// Counts a shard of the bus that has to be joined again.
    pub fn rejoin(&self, cause: &'static str) {
        table::REJOINS.of([cause]).increment(1);
    }
}
