//! What a server is like at present: its clock, its keys, what held it up.

use crate::bus::redis::checkup::{facts::Facts, finding::Finding};
use std::time::Duration;

/// Clocks further apart than this make ages of prices wrong by as much, where clients compute them.
const CLOCKS_APART: Duration = Duration::from_secs(1);
/// What holds a server up for longer than this, in milliseconds, is seen by clients. Feed and gateway
/// give up after 500.
const HELD_UP_MS: u64 = 100;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let all = [clock(facts), keys(facts), databases(facts), delays(facts)];
    all.into_iter().flatten().collect()
}

fn clock(facts: &Facts) -> Option<Finding> {
    let (ahead, within) = facts.clock?;
    let apart = Duration::from_micros(ahead.unsigned_abs());
    let by = format!("{:.1} ms", apart.as_secs_f64() * 1000.0);
    let by = if apart >= CLOCKS_APART { format!("{:.1} s", apart.as_secs_f64()) } else { by };
    let way = if ahead < 0 { "behind" } else { "ahead of" };
    let found = format!("{by} {way} this machine's");
    Some(if apart > CLOCKS_APART + within {
        let change =
            "let both follow NTP (chrony): nothing breaks, but epochs and logs are dated by it";
        Finding::warn("clock", found, change)
    } else {
        Finding::ok("clock", found)
    })
}

/// Keys of others are others' load, others' memory, and others' FLUSHALL.
fn keys(facts: &Facts) -> Option<Finding> {
    let sample = facts.keys.as_ref()?;
    let example = sample.example.as_deref().unwrap_or_default();
    Some(match sample.strange {
        0 if sample.keys == 0 => Finding::ok("keys", "none yet"),
        0 => Finding::ok("keys", format!("all of {} are Tickcast's", sample.keys)),
        strange => Finding::warn(
            "keys",
            format!("{strange} of {} are not Tickcast's, such as {example:?}", sample.keys),
            "give Tickcast a Redis of its own: the other's load and memory are its, too",
        ),
    })
}

fn databases(facts: &Facts) -> Option<Finding> {
    let is_database = |name: &str| {
        let number = name.strip_prefix("db").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    };
    let names = facts.info.0.keys().filter(|name| is_database(name));
    let count = names.count();
    (count > 1).then(|| {
        Finding::warn(
            "databases",
            format!("{count} are in use: channels and memory are the same for all"),
            "give Tickcast a Redis of its own",
        )
    })
}

fn delays(facts: &Facts) -> Option<Finding> {
    let delays = facts.delays.as_ref()?;
    let worst = delays.iter().max_by_key(|(_, most)| *most);
    Some(match worst {
        Some((what, most)) if *most > HELD_UP_MS => Finding::warn(
            "delays",
            format!("held up by {what} for {most} ms"),
            "redis-cli LATENCY DOCTOR; after a change LATENCY RESET",
        ),
        Some((what, most)) => Finding::ok("delays", format!("{most} ms at most, by {what}")),
        None => Finding::ok("delays", "none above latency-monitor-threshold"),
    })
}
