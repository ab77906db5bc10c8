//! Who may connect, and what for.

use crate::bus::redis::checkup::{
    facts::{Facts, Part},
    finding::{Finding, Role},
    rights::Right,
};

/// Where the users stand: in the folder of examples, which packages install elsewhere than a checkout
/// has it.
const USERS: &str = "redis/users.acl (in /usr/share/tickcast or docker-less-deploy)";

pub(super) fn findings(facts: &Facts, role: Option<Role>) -> Vec<Finding> {
    let mut findings = vec![user(facts), transport(facts)];
    findings.push(match fit(facts, role) {
        _ if facts.rights.is_empty() => Finding::skip(
            "rights",
            "cannot be tried without the right to MULTI, which runs nothing by itself",
            "in users.acl: +multi",
        ),
        Some(role) => rights(facts, role),
        None => nothing(facts),
    });
    findings.extend(step(facts));
    findings
}

fn user(facts: &Facts) -> Finding {
    match facts.user.as_deref() {
        Some("default") => Finding::warn(
            "user",
            "\"default\": whoever can connect may do everything, unless it has a password",
            format!("aclfile with users of their own for feed and gateway: {USERS}"),
        ),
        Some(user) => Finding::ok("user", format!("{user:?}")),
        None => Finding::skip("user", "cannot be asked for", "in users.acl: +acl|whoami"),
    }
}

fn transport(facts: &Facts) -> Finding {
    match (facts.has_tls, facts.is_remote) {
        (true, _) => Finding::ok("transport", "TLS"),
        (false, false) => Finding::ok("transport", "within this machine"),
        (false, true) => Finding::warn(
            "transport",
            "without TLS: passwords and prices can be read and changed on the way",
            "redis/tls.conf (in /usr/share/tickcast or docker-less-deploy), and rediss:// in redis_url",
        ),
    }
}

/// The role to look at: the one that was asked for, or the larger one that the user can fill.
fn fit(facts: &Facts, asked: Option<Role>) -> Option<Role> {
    let can = |role: &Role| missing(&facts.rights, *role).is_empty();
    asked.or_else(|| [Role::Feed, Role::Gateway].into_iter().find(can))
}

/// A user that is neither: an operator looks, anybody else is of no use.
fn nothing(facts: &Facts) -> Finding {
    if facts.settings.is_some() {
        return Finding::ok("rights", "an operator's: neither a feed's nor a gateway's");
    }
    let missing = missing(&facts.rights, Role::Gateway).join(", ");
    Finding::fail(
        "rights",
        format!("neither a feed's nor a gateway's; a gateway lacks: {missing}"),
        format!("take the user's line of {USERS}"),
    )
}

fn rights(facts: &Facts, role: Role) -> Finding {
    let who = match role {
        Role::Feed => "feed",
        Role::Gateway => "gateway",
    };
    let missing = missing(&facts.rights, role);
    if !missing.is_empty() {
        return Finding::fail(
            "rights",
            format!("too few for a {who}: {}", missing.join(", ")),
            format!("take the line of user {who} of {USERS}, then ACL LOAD"),
        );
    }
    let excess = excess(&facts.rights, role);
    if excess.is_empty() {
        return Finding::ok("rights", format!("what a {who} needs, and no more"));
    }
    let more = match excess.len() {
        0..=4 => excess.join(", "),
        count => format!("{} and {} more", excess[..4].join(", "), count - 4),
    };
    Finding::warn(
        "rights",
        format!("more than a {who} needs: {more}"),
        format!("take the line of user {who} of {USERS}"),
    )
}

fn missing(rights: &[Right], role: Role) -> Vec<&'static str> {
    let missing = rights.iter().filter(|it| it.needed_by.contains(&role) && !it.is_granted);
    missing.map(|right| right.name).collect()
}

/// What a role can do beyond its work. A feed may read what gateways read.
fn excess(rights: &[Right], role: Role) -> Vec<&'static str> {
    let harmless = |right: &Right| {
        right.needed_by.contains(&role)
            || right.needed_by.contains(&Role::Gateway)
            || READING.contains(&right.name)
    };
    let excess = rights.iter().filter(|it| it.is_granted && !harmless(it));
    let excess = excess.filter(|it| role == Role::Gateway || it.needed_by.is_empty());
    excess.map(|right| right.name).collect()
}

/// What a feed needs and what changes nothing.
const READING: [&str; 4] = ["TIME", "GET of epochs", "PTTL of leases", "HGET of fences"];

fn step(facts: &Facts) -> Option<Finding> {
    if facts.part == Part::Replica {
        return None;
    }
    Some(match facts.step.as_ref()? {
        Ok(()) => Finding::ok("writing", "a write step runs as far as its fence"),
        Err(why) => {
            Finding::fail("writing", format!("a write step is refused: {why}"), remedy(why))
        }
    })
}

/// What to do about a refusal.
fn remedy(why: &str) -> &'static str {
    match why.split_ascii_whitespace().next().unwrap_or_default() {
        "OOM" => "a larger maxmemory, or fewer keys of others",
        "NOREPLICAS" => "start the replicas, or min-replicas-to-write 0",
        "READONLY" => "name the master, or its sentinels",
        "MISCONF" => "stop-writes-on-bgsave-error no, and save \"\"",
        "NOPERM" => {
            "take the line of user feed of redis/users.acl (in /usr/share/tickcast or docker-less-deploy)"
        }
        "BUSY" => "redis-cli SCRIPT KILL: somebody's script runs too long",
        "CLUSTERDOWN" => "redis-cli --cluster check HOST:PORT",
        _ => "see the server's log",
    }
}
