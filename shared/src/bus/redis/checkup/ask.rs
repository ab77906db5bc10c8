//! The questions to one server. None of them changes anything there.

use super::{
    Target,
    facts::{Facts, Part, Sample, Setting, Table},
    rights::{self, Right},
};
use crate::{
    bus::{
        Error, SHARDS, ShardId,
        redis::{
            fault,
            keys::{self, Place},
            link::{bounded, dial},
            scripts::SCRIPTS,
        },
    },
    clock::{Clock, Micros},
};
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, FromRedisValue, Pipeline, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    from_redis_value,
};
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

/// PINGs that are measured, unless they take longer than
const TRIPS: usize = 20;
/// this together.
const TRIPS_WITHIN: Duration = Duration::from_secs(1);
/// Keys looked at in one call, and how many calls: a sample, so that a large server is not held up.
const SCAN_COUNT: usize = 1000;
const SCANS: usize = 10;
/// The settings that matter.
const SETTINGS: [&str; 10] = [
    "client-output-buffer-limit",
    "maxmemory-clients",
    "save",
    "appendonly",
    "stop-writes-on-bgsave-error",
    "timeout",
    "tcp-keepalive",
    "min-replicas-to-write",
    "min-replicas-max-lag",
    "cluster-require-full-coverage",
];
/// No feed's group: names have no spaces.
const NO_GROUP: &str = "tickcast check";

/// What a server says.
///
/// # Errors
/// When it cannot be reached, or does not answer an `INFO`.
pub(super) async fn ask(target: &Target) -> Result<Facts, Error> {
    let mut connection = dial(target.info.clone(), AsyncConnectionConfig::new()).await?;
    let info: String = one(&mut connection, &["INFO"]).await?;
    let mut settings = vec!["CONFIG", "GET"];
    settings.extend(SETTINGS);
    let settings = one(&mut connection, &settings).await.ok().map(Table);
    let delays = one::<Vec<(String, u64, u64, u64)>>(&mut connection, &["LATENCY", "LATEST"]).await;
    let rights = rights(target).await?;
    let granted = |name: &str| rights.iter().any(|right| right.name == name && right.is_granted);
    let step = if granted("EVALSHA") && target.part == Part::Writable {
        Some(step(target, &mut connection).await)
    } else {
        None
    };
    Ok(Facts {
        setting: target.setting,
        part: target.part,
        has_tls: target.has_tls(),
        is_remote: is_remote(&target.info),
        trips: trips(&mut connection).await?,
        info: Table::of_info(&info),
        settings,
        user: one(&mut connection, &["ACL", "WHOAMI"]).await.ok(),
        clock: clock(&mut connection).await,
        cache: cache(target, &mut connection).await,
        keys: sample(&mut connection).await.ok(),
        delays: delays.ok().map(|all| all.into_iter().map(|it| (it.0, it.3)).collect()),
        rights,
        step,
    })
}

/// Whether others could listen on the way.
fn is_remote(info: &ConnectionInfo) -> bool {
    match info.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => {
            let ip = host.parse::<IpAddr>();
            !ip.map_or_else(|_| host == "localhost", |ip| ip.is_loopback())
        }
        _ => false,
    }
}

async fn trips(connection: &mut MultiplexedConnection) -> Result<Vec<Duration>, Error> {
    let (began, mut trips) = (Instant::now(), Vec::with_capacity(TRIPS));
    while trips.len() < TRIPS && (trips.is_empty() || began.elapsed() < TRIPS_WITHIN) {
        let sent = Instant::now();
        one::<String>(connection, &["PING"]).await?;
        trips.push(sent.elapsed());
    }
    Ok(trips)
}

/// How far the server's clock is ahead, and within what.
async fn clock(connection: &mut MultiplexedConnection) -> Option<(i64, Duration)> {
    let (clock, sent) = (Clock::start(), Instant::now());
    let (seconds, micros): (i64, i64) = one(connection, &["TIME"]).await.ok()?;
    let half = sent.elapsed() / 2;
    let ours = clock.at(sent + half);
    let theirs = Micros(seconds.checked_mul(1_000_000)?.checked_add(micros)?);
    Some((theirs.0 - ours.0, half))
}

/// Reads what gateways read when they join.
async fn cache(target: &Target, connection: &mut MultiplexedConnection) -> Option<(usize, usize)> {
    if target.part == Part::Replica && target.setting == Setting::Cluster {
        return None;
    }
    let (mut topics, mut bytes) = (0, 0);
    for shard in shards(target) {
        let values: Vec<(Vec<u8>, Vec<u8>)> =
            one(connection, &["HGETALL", &keys::last(shard)]).await.ok()?;
        topics += values.len();
        bytes += values.iter().map(|(topic, value)| topic.len() + value.len()).sum::<usize>();
    }
    Some((topics, bytes))
}

async fn sample(connection: &mut MultiplexedConnection) -> Result<Sample, Error> {
    let (mut sample, mut cursor, count) =
        (Sample::default(), "0".to_owned(), SCAN_COUNT.to_string());
    for _ in 0..SCANS {
        let (next, keys): (String, Vec<Vec<u8>>) =
            one(connection, &["SCAN", &cursor, "COUNT", &count]).await?;
        sample.keys += keys.len();
        let mut strange = keys.iter().filter(|key| !key.starts_with(b"tc:")).peekable();
        let example = strange.peek().map(|key| String::from_utf8_lossy(key).into_owned());
        sample.example = sample.example.or(example);
        sample.strange += strange.count();
        if next == "0" {
            break;
        }
        cursor = next;
    }
    Ok(sample)
}

/// What the user may do. The commands are queued on a connection of their own, which is closed
/// without having run any.
async fn rights(target: &Target) -> Result<Vec<Right>, Error> {
    let shard = shards(target).next().unwrap_or_default();
    let is_cluster = target.setting == Setting::Cluster;
    let mut apart = dial(target.info.clone(), AsyncConnectionConfig::new()).await?;
    let may_subscribe = may_subscribe(&mut apart, shard, is_cluster).await;
    // Nothing more is sent before it is certain that the server only queues.
    if !begins(&mut apart).await? {
        return Ok(Vec::new());
    }
    let may_exec = !matches!(one::<Value>(&mut apart, &["EXEC"]).await, Err(Error::Refused(_)));
    // Where EXEC is not granted, what MULTI began goes on.
    if may_exec && !begins(&mut apart).await? {
        return Ok(Vec::new());
    }
    let replies = each(&mut apart, &rights::questions(shard, is_cluster)).await?;
    let mut rights = rights::answers(shard, is_cluster, &replies);
    rights.push(rights::done("EXEC", may_exec));
    rights.push(rights::done("SUBSCRIBE to prices", may_subscribe));
    Ok(rights)
}

/// Begins a transaction; false when that is not granted.
async fn begins(connection: &mut MultiplexedConnection) -> Result<bool, Error> {
    match one::<Value>(connection, &["MULTI"]).await {
        Ok(reply) => Ok(reply == Value::Okay),
        Err(error @ Error::Link(_)) => Err(error),
        Err(_) => Ok(false),
    }
}

async fn may_subscribe(
    connection: &mut MultiplexedConnection,
    shard: ShardId,
    is_cluster: bool,
) -> bool {
    let channel = keys::channel(shard);
    let answer = if is_cluster {
        let subscribe = redis::cmd("SSUBSCRIBE").arg(channel).take();
        bounded(subscribe.query_async::<Value>(connection)).await.map(drop)
    } else {
        bounded(connection.subscribe(channel)).await
    };
    !matches!(answer, Err(Error::Refused(why)) if why.starts_with("NOPERM"))
}

/// Runs the script that writes prices, for a group that has no fence: a server that takes writes
/// answers that, any other refuses the script before its first step.
async fn step(target: &Target, connection: &mut MultiplexedConnection) -> Result<(), String> {
    let shard = shards(target).next().unwrap_or_default();
    let call = || {
        let all = [keys::fence(shard), keys::counter(shard), keys::last(shard)];
        let mut call = SCRIPTS.write.call(&all);
        call.arg("PUBLISH").arg(keys::channel(shard)).arg(NO_GROUP).arg(1).arg(1);
        call.arg(0).arg("").arg(0).arg(0);
        call
    };
    for _ in 0..2 {
        let mut calls = redis::pipe();
        calls.add_command(call());
        let replies = each(connection, &calls).await.map_err(|error| error.to_string())?;
        match replies.first() {
            Some(Value::ServerError(error)) if fault::is_unknown_script(error) => {
                let load = SCRIPTS.load();
                each(connection, &load).await.map_err(|error| error.to_string())?;
            }
            Some(Value::ServerError(error)) => {
                return match fault::of_reply(error) {
                    Error::Fenced => Ok(()),
                    Error::Refused(why) | Error::Unusable(why) | Error::Link(why) => Err(why),
                };
            }
            _ => return Err("the script ran without a fence".to_owned()),
        }
    }
    Err("it does not keep scripts".to_owned())
}

fn shards(target: &Target) -> impl Iterator<Item = ShardId> {
    let on_it = |shard: &ShardId| target.places.contains(&Place::Shard(*shard));
    (0..SHARDS).filter_map(ShardId::new).filter(on_it)
}

/// The answer to one command.
async fn one<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    words: &[&str],
) -> Result<T, Error> {
    let mut command = redis::Cmd::new();
    words.iter().for_each(|word| {
        command.arg(*word);
    });
    let reply: Value = bounded(command.query_async(connection)).await?;
    from_redis_value(reply).map_err(|error| Error::Unusable(error.to_string()))
}

/// The answers to several, errors among them.
async fn each(
    connection: &mut MultiplexedConnection,
    commands: &Pipeline,
) -> Result<Vec<Value>, Error> {
    bounded(connection.req_packed_commands(commands, 0, commands.len())).await
}
