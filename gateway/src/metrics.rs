//! The gateway's metrics: the one place for their names.

use crate::hub::fan::Counts;
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use tickcast_shared::protocol::Close;

/// Handles that hot paths keep.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Connections that are open.
    pub connections: Gauge,
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
    /// Names and describes them all with the process's recorder.
    #[must_use]
    pub fn register() -> Self {
        describe_gauge!("tickcast_gateway_connections", "Open connections");
        describe_counter!("tickcast_gateway_updates_total", "Values and states from the bus");
        describe_counter!(
            "tickcast_gateway_conflated_overload_total",
            "Updates that gave way to newer ones because a shard was busy"
        );
        describe_counter!("tickcast_gateway_passes_total", "Passes over the cohorts");
        describe_counter!("tickcast_gateway_writes_total", "Write calls of passes");
        describe_counter!("tickcast_gateway_deliveries_total", "Messages written by passes");
        describe_counter!("tickcast_gateway_sent_bytes_total", "Bytes written by passes");
        describe_counter!(
            "tickcast_gateway_conflated_pass_total",
            "Messages left out for newer ones because a pass had grown too large"
        );
        describe_counter!("tickcast_gateway_lagging_total", "Times that a client became slow");
        describe_counter!(
            "tickcast_gateway_skipped_total",
            "Updates that slow clients skipped for newer ones"
        );
        describe_counter!("tickcast_gateway_bars_sent_total", "Closed bars handed to clients");
        describe_counter!("tickcast_gateway_bar_reads_total", "Reads of bars, by result");
        describe_gauge!("tickcast_gateway_bars", "Closed bars kept of topics that were asked for");
        describe_counter!("tickcast_gateway_commands_total", "Commands received from clients");
        describe_counter!("tickcast_gateway_closed_total", "Closes by the server, by reason");
        describe_counter!(
            "tickcast_gateway_refused_total",
            "Upgrades, requests and TLS handshakes refused, by reason"
        );
        describe_counter!(
            "tickcast_gateway_limited_total",
            "Connections, requests and messages that a limit did not let pass, by limit"
        );
        describe_gauge!(
            "tickcast_gateway_tls_certificate_expires_seconds",
            "When the certificate in force ceases to be good, since the Unix epoch"
        );
        describe_gauge!(
            "tickcast_gateway_tls_certificate_broken",
            "1 while the files hold a certificate that cannot be used"
        );
        describe_counter!("tickcast_gateway_tls_reloads_total", "Certificates taken over");
        describe_counter!("tickcast_gateway_rejoins_total", "Bus shards joined again, by cause");
        describe_gauge!(
            "tickcast_gateway_memory_used_ratio",
            "Memory in use, as a part of what may be used"
        );
        describe_gauge!("tickcast_gateway_topics", "Topics announced by feeds");
        describe_gauge!("tickcast_gateway_bus_up", "1 while the bus is reachable");
        describe_counter!("tickcast_gateway_key_set_reads_total", "Readings of JWKS, by result");
        Self {
            connections: gauge!("tickcast_gateway_connections"),
            updates: counter!("tickcast_gateway_updates_total"),
            conflated: counter!("tickcast_gateway_conflated_overload_total"),
            passes: counter!("tickcast_gateway_passes_total"),
            writes: counter!("tickcast_gateway_writes_total"),
            deliveries: counter!("tickcast_gateway_deliveries_total"),
            bytes: counter!("tickcast_gateway_sent_bytes_total"),
            conflated_pass: counter!("tickcast_gateway_conflated_pass_total"),
            lagging: counter!("tickcast_gateway_lagging_total"),
            skipped: counter!("tickcast_gateway_skipped_total"),
            bars: counter!("tickcast_gateway_bars_sent_total"),
            commands: counter!("tickcast_gateway_commands_total"),
            certificate_reloads: counter!("tickcast_gateway_tls_reloads_total"),
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
        counter!("tickcast_gateway_closed_total", "reason" => close.label()).increment(1);
    }

    /// Counts an upgrade, request or TLS handshake that was refused.
    pub fn refused(&self, reason: &'static str) {
        counter!("tickcast_gateway_refused_total", "reason" => reason).increment(1);
    }

    /// Counts something that a limit did not let pass.
    pub fn limited(&self, limit: &'static str) {
        counter!("tickcast_gateway_limited_total", "limit" => limit).increment(1);
    }

    /// A certificate is in force, and good until then (seconds since the Unix epoch).
    pub fn certificate(&self, expires: i64) {
        gauge!("tickcast_gateway_tls_certificate_expires_seconds").set(expires as f64);
        gauge!("tickcast_gateway_tls_certificate_broken").set(0.0);
    }

    /// The certificate's files cannot be used; the one in force stays.
    pub fn certificate_is_broken(&self) {
        gauge!("tickcast_gateway_tls_certificate_broken").set(1.0);
    }

    /// So much of the memory that may be used is in use; 1 is all of it.
    pub fn memory_used(&self, ratio: f64) {
        gauge!("tickcast_gateway_memory_used_ratio").set(ratio);
    }

    /// Counts a reading of a set of keys.
    pub fn key_set_read(&self, is_read: bool) {
        let result = if is_read { "ok" } else { "failed" };
        counter!("tickcast_gateway_key_set_reads_total", "result" => result).increment(1);
    }

    /// Counts a shard of the bus that has to be joined again.
    pub fn rejoin(&self, cause: &'static str) {
        counter!("tickcast_gateway_rejoins_total", "cause" => cause).increment(1);
    }
}
