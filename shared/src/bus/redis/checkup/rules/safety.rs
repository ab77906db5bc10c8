//! What happens when a server restarts, loses its replicas, or a connection dies.

use super::counted;
use crate::bus::redis::checkup::{
    facts::{Facts, Part, Setting},
    finding::Finding,
};

/// Longest silence after which a dead peer may be looked for, in seconds.
const KEEPALIVE: u32 = 300;
/// For how long a master that was cut off may accept writes, in seconds: twice a feed's lease.
const LAG: u32 = 6;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let all =
        [persistence(facts), replicas(facts), coverage(facts), idle(facts), dead_peers(facts)];
    all.into_iter().flatten().collect()
}

fn persistence(facts: &Facts) -> Option<Finding> {
    if facts.info.text("rdb_last_bgsave_status") == "err"
        && facts.setting("stop-writes-on-bgsave-error") != Some("no")
    {
        return Some(Finding::fail(
            "disk",
            "the last snapshot failed, so writes are refused",
            "save \"\"  and  stop-writes-on-bgsave-error no",
        ));
    }
    let (save, log) = (facts.setting("save")?, facts.setting("appendonly")? == "yes");
    Some(match (save, log) {
        ("", false) => Finding::ok("disk", "nothing is written to it"),
        (_, true) => Finding::warn(
            "disk",
            "every price is written to a file that nobody needs",
            "appendonly no",
        ),
        (save, false) => Finding::warn(
            "disk",
            format!("snapshots (save {save}): each forks, and may take as much memory again"),
            "save \"\"",
        ),
    })
}

/// What a master may accept without its replicas.
fn replicas(facts: &Facts) -> Option<Finding> {
    let needed = facts.setting("min-replicas-to-write")?.parse::<u32>().unwrap_or(0);
    let connected = facts.info.number::<u32>("connected_slaves").unwrap_or(0);
    let good = facts.info.number::<u32>("min_slaves_good_slaves").unwrap_or(connected);
    let lag = facts.setting("min-replicas-max-lag").and_then(|lag| lag.parse().ok()).unwrap_or(0);
    let is_master = facts.part == Part::Writable && facts.info.text("role") == "master";
    if is_master && needed > good {
        return Some(Finding::fail(
            "replicas",
            format!("writes need {}, {good} keep up: they are refused", counted(needed, "replica")),
            "start the replicas, or min-replicas-to-write 0",
        ));
    }
    if facts.setting != Setting::Sentinels {
        return None;
    }
    Some(if needed == 0 {
        Finding::warn(
            "replicas",
            "a master that is cut off goes on accepting what a failover will throw away",
            "min-replicas-to-write 1  and  min-replicas-max-lag 3",
        )
    } else if lag == 0 || lag > LAG {
        Finding::warn(
            "replicas",
            format!("a master that is cut off accepts writes for {lag} s"),
            "min-replicas-max-lag 3",
        )
    } else if is_master && connected <= needed {
        Finding::warn(
            "replicas",
            format!(
                "writes need {}, there are no more: losing one stops the prices",
                counted(needed, "replica")
            ),
            "start another replica",
        )
    } else {
        Finding::ok(
            "replicas",
            format!("writes need {} within {lag} s", counted(needed, "replica")),
        )
    })
}

fn coverage(facts: &Facts) -> Option<Finding> {
    if facts.setting != Setting::Cluster {
        return None;
    }
    Some(match facts.setting("cluster-require-full-coverage")? {
        "no" => Finding::ok("lost slots", "cost their own topics only"),
        _ => Finding::warn(
            "lost slots",
            "a slot that is lost stops the whole cluster",
            "cluster-require-full-coverage no",
        ),
    })
}

fn idle(facts: &Facts) -> Option<Finding> {
    let seconds = facts.setting("timeout")?;
    Some(match seconds {
        "0" => Finding::ok("idle", "connections are kept"),
        _ => Finding::warn(
            "idle",
            format!("connections are closed after {seconds} s; reading bars dials anew each time"),
            "timeout 0",
        ),
    })
}

fn dead_peers(facts: &Facts) -> Option<Finding> {
    let seconds: u32 = facts.setting("tcp-keepalive")?.parse().ok()?;
    (seconds == 0 || seconds > KEEPALIVE).then(|| {
        Finding::warn(
            "dead peers",
            "a gateway that vanished is held until its buffer is full",
            "tcp-keepalive 60",
        )
    })
}
