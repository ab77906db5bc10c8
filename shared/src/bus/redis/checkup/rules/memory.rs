//! Memory: what is kept, and what a gateway that does not read may take.

use super::size;
use crate::bus::redis::checkup::{facts::Facts, finding::Finding};

/// Part of the limit, in percent, above which it is nearly full.
const NEARLY_FULL: u64 = 75;
/// Least that a subscriber's buffer must hold, whatever is in the cache.
const LEAST_BUFFER: u64 = 8 << 20;
/// How often a feed that takes over publishes everything: as stale, live again, and once more for what
/// moves meanwhile and for the packing.
const BURST: u64 = 4;
/// A soft limit that lasts at least so many seconds never strikes a gateway that is alive: it leaves a
/// link by itself that is silent for two.
const PATIENT: u64 = 5;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![policy(facts), room(facts)];
    findings.extend(cached(facts));
    findings.extend(buffers(facts));
    findings.extend(clients(facts));
    findings
}

fn policy(facts: &Facts) -> Finding {
    let evicted = facts.info.number::<u64>("evicted_keys").unwrap_or(0);
    match facts.info.text("maxmemory_policy") {
        "noeviction" => Finding::ok("eviction", "noeviction"),
        policy => Finding::fail(
            "eviction",
            format!("{policy}: prices vanish from the cache without a word; {evicted} keys so far"),
            "maxmemory-policy noeviction",
        ),
    }
}

fn room(facts: &Facts) -> Finding {
    let number = |name| facts.info.number::<u64>(name).unwrap_or(0);
    let (used, most) = (number("used_memory"), number("maxmemory"));
    if most == 0 {
        return Finding::warn(
            "memory",
            format!("{} in use, no limit: the system kills what takes too much", size(used)),
            "maxmemory 1gb",
        );
    }
    let percent = used.saturating_mul(100) / most;
    let found = format!("{} of {} in use ({percent} %)", size(used), size(most));
    match percent {
        100.. => Finding::fail("memory", format!("{found}: writes are refused"), larger(most)),
        NEARLY_FULL..100 => Finding::warn("memory", found, larger(most)),
        _ => Finding::ok("memory", found),
    }
}

fn larger(most: u64) -> String {
    format!("maxmemory {}mb", (most >> 20).max(1) * 2)
}

fn cached(facts: &Facts) -> Option<Finding> {
    let (topics, bytes) = facts.cache?;
    let keys = facts.info.text("db0");
    let keys = keys.strip_prefix("keys=").and_then(|it| it.split(',').next()).unwrap_or("0");
    let found = format!("{topics} topics, {}; {keys} keys", size(bytes as u64));
    Some(Finding::ok("cache", found))
}

/// The limits of one class of clients.
struct Limits {
    hard: u64,
    soft: u64,
    seconds: u64,
}

impl Limits {
    /// From `normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60`.
    fn of_subscribers(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace().skip_while(|word| *word != "pubsub").skip(1);
        let mut number = || words.next()?.parse().ok();
        Some(Self { hard: number()?, soft: number()?, seconds: number()? })
    }

    /// What a subscriber may fall behind by; 0 is without a limit.
    fn effective(&self) -> u64 {
        match (self.hard, self.soft) {
            (hard, soft) if soft == 0 || self.seconds >= PATIENT => hard,
            (0, soft) => soft,
            (hard, soft) => hard.min(soft),
        }
    }
}

fn buffers(facts: &Facts) -> Option<Finding> {
    let limits = Limits::of_subscribers(facts.setting("client-output-buffer-limit")?)?;
    let burst = facts.cache.map_or(0, |(_, bytes)| BURST * bytes as u64);
    let wanted = burst.max(LEAST_BUFFER);
    let change =
        format!("client-output-buffer-limit pubsub {0}mb {1}mb 10", mib(wanted), mib(wanted) / 2);
    Some(match limits.effective() {
        0 => Finding::warn(
            "subscribers",
            "no limit to what is kept for a gateway that does not read",
            change,
        ),
        has if has < wanted => Finding::fail(
            "subscribers",
            format!(
                "cut off when {} behind; a feed that takes over sends up to {} at once",
                size(has),
                size(wanted)
            ),
            change,
        ),
        has => Finding::ok("subscribers", format!("cut off when {} behind", size(has))),
    })
}

/// A size for a configuration, never below what is shipped.
fn mib(bytes: u64) -> u64 {
    const SHIPPED: u64 = 32;
    (bytes >> 20).next_power_of_two().max(SHIPPED)
}

fn clients(facts: &Facts) -> Option<Finding> {
    let all = facts.setting("maxmemory-clients")?;
    let number = |name| facts.info.number::<u64>(name).unwrap_or(0);
    let (most, connected) = (number("maxclients"), number("connected_clients"));
    let found = format!("{connected} of at most {most}");
    Some(if most > 0 && connected * 100 > most * NEARLY_FULL {
        Finding::warn("clients", found, format!("maxclients {}", most * 2))
    } else if all == "0" && number("maxmemory") > 0 {
        Finding::warn(
            "clients",
            format!("{found}; buffers of many frozen ones may fill the memory that prices need"),
            "maxmemory-clients 40%",
        )
    } else {
        Finding::ok("clients", found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effective(limits: &str) -> Option<u64> {
        let text = format!("normal 0 0 0 slave 268435456 67108864 60 {limits}");
        Limits::of_subscribers(&text).map(|limits| limits.effective())
    }

    #[test]
    fn a_soft_limit_counts_unless_it_is_patient() {
        assert_eq!(effective("pubsub 33554432 8388608 60"), Some(33_554_432));
        assert_eq!(effective("pubsub 33554432 8388608 1"), Some(8_388_608));
        assert_eq!(effective("pubsub 0 8388608 1"), Some(8_388_608));
        assert_eq!(effective("pubsub 0 0 0"), Some(0));
        assert_eq!(effective("pubsub 33554432"), None);
    }

    #[test]
    fn what_is_advised_is_never_less_than_what_is_shipped() {
        assert_eq!(mib(1), 32);
        assert_eq!(mib(40 << 20), 64);
    }
}
