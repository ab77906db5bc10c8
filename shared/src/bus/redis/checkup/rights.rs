//! What the user may do, found out without doing it: after `MULTI` a server says at once whether a
//! command is granted, and forgets what was queued when the connection goes. There is never an `EXEC`.

use super::finding::Role;
use crate::bus::{ShardId, redis::keys};
use redis::{Cmd, Pipeline, Value};

/// A command and whether it is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Right {
    /// What is done to what.
    pub name: &'static str,
    /// Who needs it.
    pub needed_by: &'static [Role],
    pub is_granted: bool,
}

/// A command to be queued.
struct Probe {
    name: &'static str,
    needed_by: &'static [Role],
    command: Cmd,
}

const FEED: &[Role] = &[Role::Feed];
const GATEWAY: &[Role] = &[Role::Gateway];
const BOTH: &[Role] = &[Role::Feed, Role::Gateway];
const NOBODY: &[Role] = &[];

/// All probes, to be sent after a `MULTI` that was answered.
pub(super) fn questions(shard: ShardId, is_cluster: bool) -> Pipeline {
    let mut pipeline = redis::pipe();
    for probe in probes(shard, is_cluster) {
        pipeline.add_command(probe.command);
    }
    pipeline
}

/// What the answers to [`questions`] mean.
pub(super) fn answers(shard: ShardId, is_cluster: bool, replies: &[Value]) -> Vec<Right> {
    let probes = probes(shard, is_cluster);
    let of = |(probe, reply): (Probe, &Value)| Right {
        name: probe.name,
        needed_by: probe.needed_by,
        is_granted: !is_denied(reply),
    };
    probes.into_iter().zip(replies).map(of).collect()
}

/// What is done for real, since it changes nothing: `EXEC` and `SUBSCRIBE`.
pub(super) fn done(name: &'static str, is_granted: bool) -> Right {
    Right { name, needed_by: GATEWAY, is_granted }
}

/// Whether that is the answer to a command, key or channel that is not granted.
fn is_denied(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if error.code() == "NOPERM")
}

fn probes(shard: ShardId, is_cluster: bool) -> Vec<Probe> {
    let topic = "tickcast-check";
    let (fence, counter, last) = (keys::fence(shard), keys::counter(shard), keys::last(shard));
    let bars = format!("tc:{{{}}}:bars:kline:{topic}:1m", shard.index());
    let (channel, lease) = (keys::channel(shard), "tc:{ctl}:lease:main");
    let publish = if is_cluster { "SPUBLISH" } else { "PUBLISH" };
    let (fence, counter, last, bars) = (&*fence, &*counter, &*last, &*bars);
    let all: &[(&'static str, &'static [Role], &[&str])] = &[
        ("PING", BOTH, &["PING"]),
        ("INFO", GATEWAY, &["INFO", "server"]),
        ("GET of counters", BOTH, &["GET", counter]),
        ("HGETALL of prices", BOTH, &["HGETALL", last]),
        ("LLEN of bars", GATEWAY, &["LLEN", bars]),
        ("LINDEX of bars", BOTH, &["LINDEX", bars, "0"]),
        ("LRANGE of bars", GATEWAY, &["LRANGE", bars, "0", "1"]),
        ("TIME", FEED, &["TIME"]),
        ("SCRIPT LOAD", FEED, &["SCRIPT", "LOAD", "return 1"]),
        ("EVALSHA", FEED, &["EVALSHA", NO_SCRIPT, "3", fence, counter, last]),
        ("GET of epochs", FEED, &["GET", keys::EPOCH]),
        ("SET of epochs", FEED, &["SET", keys::EPOCH, "0"]),
        ("SET of leases", FEED, &["SET", lease, "0"]),
        ("PTTL of leases", FEED, &["PTTL", lease]),
        ("PEXPIRE of leases", FEED, &["PEXPIRE", lease, "1"]),
        ("DEL of leases", FEED, &["DEL", lease]),
        ("HGET of fences", FEED, &["HGET", fence, topic]),
        ("HSET of fences", FEED, &["HSET", fence, topic, "0"]),
        ("HSET of prices", FEED, &["HSET", last, topic, "0"]),
        ("HDEL of prices", FEED, &["HDEL", last, topic]),
        ("INCR of counters", FEED, &["INCR", counter]),
        ("LPUSH of bars", FEED, &["LPUSH", bars, "0"]),
        ("RPUSH of bars", FEED, &["RPUSH", bars, "0"]),
        ("LSET of bars", FEED, &["LSET", bars, "0", "0"]),
        ("LINSERT of bars", FEED, &["LINSERT", bars, "AFTER", "0", "0"]),
        ("LPOP of bars", FEED, &["LPOP", bars]),
        ("XADD of dead letters", FEED, &["XADD", keys::DEAD_LETTERS, "*", "a", "b"]),
        ("PUBLISH of prices", FEED, &[publish, &channel, "0"]),
        ("SET of other keys", NOBODY, &["SET", "tickcast-check", "0"]),
        ("PUBLISH elsewhere", NOBODY, &[publish, "tickcast-check", "0"]),
        ("EVAL", NOBODY, &["EVAL", "return 1", "0"]),
        ("KEYS", NOBODY, &["KEYS", "tickcast-check"]),
        ("CONFIG SET", NOBODY, &["CONFIG", "SET", "loglevel", "notice"]),
    ];
    all.iter().map(|(name, needed_by, words)| probe(name, needed_by, words)).collect()
}

/// A digest that no script has.
const NO_SCRIPT: &str = "0000000000000000000000000000000000000000";

fn probe(name: &'static str, needed_by: &'static [Role], words: &[&str]) -> Probe {
    let mut command = Cmd::new();
    words.iter().for_each(|word| {
        command.arg(*word);
    });
    Probe { name, needed_by, command }
}
