//! What a server must be. Each rule looks at one thing and says what to change.

mod access;
mod memory;
mod safety;
mod state;

use super::{
    facts::{Facts, Part, Setting},
    finding::{Finding, Role},
};
use crate::bus::redis::COMMAND_TIMEOUT;
use std::time::Duration;

/// Sharded channels and scripts without flags came with it.
const OLDEST_MAJOR: u32 = 7;
/// A way there and back that takes longer costs every price that much, twice.
const FAR: Duration = Duration::from_millis(5);

/// All findings on a server, in the order in which they are to be read.
pub(super) fn judge(facts: &Facts, role: Option<Role>) -> Vec<Finding> {
    let mut findings = vec![trips(&facts.trips), version(facts), part(facts)];
    findings.extend(access::findings(facts, role));
    findings.extend(memory::findings(facts));
    findings.extend(safety::findings(facts));
    findings.extend(state::findings(facts));
    findings.extend(unasked(facts));
    findings
}

fn trips(trips: &[Duration]) -> Finding {
    // The shortest is the network's; the others are whoever was busy.
    let shortest = trips.iter().min().copied().unwrap_or_default();
    let longest = trips.iter().max().copied().unwrap_or_default();
    let found = format!("{} to {} there and back", millis(shortest), millis(longest));
    if shortest > FAR {
        let limit = COMMAND_TIMEOUT.as_millis();
        let change = format!(
            "put Redis near feed and gateways, in one network: after {limit} ms they give up"
        );
        return Finding::warn("reached", found, change);
    }
    Finding::ok("reached", found)
}

fn millis(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1000.0)
}

fn version(facts: &Facts) -> Finding {
    let valkey = facts.info.text("valkey_version");
    let (name, version) = match valkey {
        "" => ("Redis", facts.info.text("redis_version")),
        version => ("Valkey", version),
    };
    let found = format!("{name} {version}");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= OLDEST_MAJOR => Finding::ok("version", found),
        _ => Finding::fail("version", found, "install Redis 7.0 or later, or Valkey"),
    }
}

fn part(facts: &Facts) -> Finding {
    let info = &facts.info;
    let master = format!("{}:{}", info.text("master_host"), info.text("master_port"));
    match (facts.part, info.text("role")) {
        (Part::Writable, "master") => {
            let replicas = info.number::<u32>("connected_slaves").unwrap_or(0);
            Finding::ok("part", format!("master, {}", counted(replicas, "replica")))
        }
        (Part::Writable, _) => Finding::fail(
            "part",
            format!("a replica of {master}: nothing can be written here"),
            match facts.setting {
                Setting::Alone => {
                    "name the master, or its sentinels: redis+sentinel://host,host/name; or make it one: redis-cli REPLICAOF NO ONE"
                }
                _ => "wait for the failover to end, and look again",
            },
        ),
        (Part::Replica, "master") => Finding::fail(
            "part",
            "a master, where a replica should be",
            "redis-cli REPLICAOF MASTER-HOST PORT on it; its log says why it is not one",
        ),
        (Part::Replica, _) if info.text("master_link_status") == "up" => {
            Finding::ok("part", format!("replica of {master}, connected"))
        }
        (Part::Replica, _) => Finding::fail(
            "part",
            format!("replica of {master} without a connection to it"),
            "masteruser and masterauth must fit users.acl; its log says more",
        ),
    }
}

/// What was not looked at, and how to have it looked at.
fn unasked(facts: &Facts) -> Option<Finding> {
    let user = facts.user.as_deref().unwrap_or("this user");
    facts.settings.is_none().then(|| {
        Finding::skip(
            "settings",
            format!(
                "buffers, persistence, time-outs{}: {user:?} may not read them (CONFIG GET)",
                if facts.keys.is_none() { ", strange keys, delays" } else { "" }
            ),
            "look at them as somebody who may: tickcast check --redis --redis-url redis://operator:...",
        )
    })
}

/// `1 replica`, `2 replicas`.
pub(super) fn counted(count: u32, what: &str) -> String {
    match count {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// Bytes as people write them.
fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..MIB => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
