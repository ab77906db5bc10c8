//! A report as a table for people.

use super::{
    latencies::Latency,
    part::Found,
    report::{Report, ServerUse},
};
use std::{collections::BTreeMap, fmt};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_second = |count: u64| count as f64 / self.seconds.max(f64::MIN_POSITIVE);
        writeln!(
            f,
            "clients      {} of {} connected in {:.2} s",
            self.connected, self.clients, self.connect_seconds
        )?;
        writeln!(
            f,
            "deliveries   {} in {:.1} s ({:.0}/s), {} topics, per client {}..{}",
            self.window.deliveries,
            self.seconds,
            per_second(self.window.deliveries),
            self.topics,
            self.client_min,
            self.client_max
        )?;
        writeln!(
            f,
            "traffic      {} frames in {} reads, {:.1} MB ({:.1} MB/s)",
            self.window.frames,
            self.window.reads,
            self.window.bytes as f64 / 1e6,
            per_second(self.window.bytes) / 1e6
        )?;
        writeln!(
            f,
            "updates      {} skipped (conflated), {} replaced, last client {} behind",
            self.window.skipped, self.window.replaced, self.behind
        )?;
        latency(
            f,
            "since due    ",
            self.from_due.as_ref(),
            "no time stamps in bid_qty (venue --stamp)",
        )?;
        latency(f, "since publish", self.from_published.as_ref(), "no published_ts")?;
        if let Some(server) = &self.server {
            writeln!(f, "{server}")?;
        }
        writeln!(f, "swarm        {:.0} % of its threads", self.own_cpu_share * 100.0)?;
        reasons(f, "not connected", &self.failures)?;
        reasons(f, "cut off      ", &self.disconnects)?;
        found(f, "violations   ", &self.violations)?;
        found(f, "refused      ", &self.rejected)?;
        found(f, "errors       ", &self.errors)
    }
}

fn latency(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    latency: Option<&Latency>,
    missing: &str,
) -> fmt::Result {
    let ms = |micros: u64| micros as f64 / 1000.0;
    match latency {
        None => writeln!(f, "{name} {missing}"),
        Some(Latency { count, p50, p90, p99, p999, max }) => writeln!(
            f,
            "{name} p50 {:.2}  p90 {:.2}  p99 {:.2}  p99.9 {:.2}  max {:.2} ms ({count})",
            ms(*p50),
            ms(*p90),
            ms(*p99),
            ms(*p999),
            ms(*max)
        ),
    }
}

impl fmt::Display for ServerUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server       {:.2} CPU s", self.cpu_seconds)?;
        if let Some(each) = self.cpu_us_per_delivery {
            write!(f, ", {each:.2} us a delivery")?;
        }
        let [before, connected, after] =
            [self.rss_before_kib, self.rss_connected_kib, self.rss_after_kib]
                .map(|kib| kib as f64 / 1024.0);
        write!(f, "; RSS {before:.1} -> {connected:.1} -> {after:.1} MiB")?;
        match (self.kib_per_connection, self.kib_per_connection_after) {
            (Some(idle), Some(after)) => write!(f, ", {idle:.2} -> {after:.2} KiB a connection"),
            _ => Ok(()),
        }
    }
}

fn reasons(f: &mut fmt::Formatter<'_>, name: &str, all: &BTreeMap<String, u64>) -> fmt::Result {
    all.iter().try_for_each(|(reason, count)| writeln!(f, "{name} {count} x {reason}"))
}

fn found(f: &mut fmt::Formatter<'_>, name: &str, found: &Found) -> fmt::Result {
    if found.count == 0 {
        return Ok(());
    }
    writeln!(f, "{name} {}", found.count)?;
    found.examples.iter().try_for_each(|example| writeln!(f, "  {example}"))
}
