//! The writing half of the bus on Redis.

use super::{
    Redis, bars,
    keys::{self, Place},
    lost::LostShards,
    nodes::{Call, Nodes},
    scripts::SCRIPTS,
};
use crate::{
    bus::{
        Acquired, Error, Group, Heartbeat, LEASE_TTL, MAX_EPOCH, Record, ShardBatch, ShardId, wire,
        wire::pack_heartbeat,
    },
    market::{Interval, Topic},
};
use redis::{Cmd, Value, from_redis_value};
use std::{fmt, sync::Arc, time::Duration};

/// A group's writer on Redis; the calls are those of [`crate::bus::Publisher`].
pub struct RedisPublisher {
    bus: Redis,
    nodes: Nodes,
    /// On a cluster, what cannot be written at present.
    lost: LostShards,
    /// Whether a shard was lost and is not, since that was last asked.
    regained: bool,
    group: Group,
    /// Random, so that no other process can renew or release this one's lease.
    owner: String,
    epoch: u64,
    /// Number of the newest batch sent under this epoch.
    batch: u64,
}

impl RedisPublisher {
    pub(super) fn new(bus: Redis, group: Group) -> Self {
        let owner = format!("{:032x}", rand::random::<u128>());
        let (nodes, lost) = (Nodes::new(bus.clone()), LostShards::new(bus.clone()));
        Self { bus, nodes, lost, regained: false, group, owner, epoch: 0, batch: 0 }
    }

    pub(in crate::bus) async fn acquire(&mut self, floor: u64) -> Result<Acquired, Error> {
        let mut call = SCRIPTS.acquire.call(&[keys::lease(&self.group), keys::EPOCH.to_owned()]);
        call.arg(&self.owner).arg(floor.min(MAX_EPOCH)).arg(millis(LEASE_TTL));
        let reply = self.one(call).await?;
        let (held, number): (bool, u64) = from_redis_value(reply).map_err(unexpected)?;
        if !held {
            return Ok(Acquired::Busy { for_at_most: Duration::from_millis(number) });
        }
        (self.epoch, self.batch) = (number, 0);
        Ok(Acquired::Held { epoch: number })
    }

    pub(in crate::bus) async fn raise(&mut self) -> Result<(), Error> {
        if self.epoch == 0 {
            return Err(Error::Fenced);
        }
        // Lost shards are raised when their nodes answer, by a heartbeat.
        let shards = ShardId::all().filter(|shard| !self.lost.contains(*shard));
        let calls = shards.map(|shard| self.raise_one(shard)).collect();
        self.run(calls).await.map(drop)
    }

    pub(in crate::bus) async fn cached(&mut self) -> Result<Vec<(Topic, Arc<Record>)>, Error> {
        let mut cached = Vec::new();
        for shard in ShardId::all().filter(|shard| !self.lost.contains(*shard)) {
            let mut commands = redis::pipe();
            commands.cmd("HGETALL").arg(keys::last(shard));
            let (values,): (Vec<(Vec<u8>, Vec<u8>)>,) =
                self.nodes.read(Place::Shard(shard), &commands).await?;
            let records = values.iter().filter_map(|(topic, value)| wire::unpack_put(topic, value));
            cached.extend(records.filter(|(_, record)| record.group == self.group));
        }
        Ok(cached)
    }

    pub(in crate::bus) async fn publish(&mut self, batches: Vec<ShardBatch>) -> Result<(), Error> {
        let parts: Vec<ShardBatch> = batches.into_iter().flat_map(ShardBatch::split).collect();
        let mut calls = Vec::with_capacity(parts.len());
        for part in &parts {
            if !self.lost.contains(part.shard) {
                calls.push((Place::Shard(part.shard), self.write(part, Step::Batch)?));
            }
        }
        if !calls.is_empty() {
            self.run(calls).await?;
        }
        // Those that were lost before, and those that this very call did not reach.
        parts.into_iter().for_each(|part| self.lost.owe(part));
        Ok(())
    }

    pub(in crate::bus) async fn heartbeat(&mut self, heartbeat: &Heartbeat) -> Result<(), Error> {
        let packed = pack_heartbeat(heartbeat)?;
        let mut renew = SCRIPTS.renew.call(&[keys::lease(&self.group)]);
        renew.arg(&self.owner).arg(millis(LEASE_TTL));
        let mut calls = vec![(Place::Control, renew)];
        let mut tried = Vec::new();
        for (shard, owed) in self.lost.answering() {
            calls.push(self.raise_one(shard));
            for part in owed.split() {
                calls.push((Place::Shard(shard), self.write(&part, Step::Batch)?));
            }
            tried.push(shard);
        }
        let is_up = |shard: &ShardId| !self.lost.contains(*shard) || tried.contains(shard);
        for shard in ShardId::all().filter(is_up).collect::<Vec<_>>() {
            let nothing = ShardBatch { shard, ..ShardBatch::default() };
            calls.push((Place::Shard(shard), self.write(&nothing, Step::Heartbeat(&packed))?));
        }
        let replies = self.run(calls).await;
        self.regained |= self.lost.tried(&tried, replies.is_ok());
        if replies?.first() == Some(&Value::Int(1)) { Ok(()) } else { Err(Error::Fenced) }
    }

    /// Whether shards could not be written and can again, since this was last asked.
    pub(in crate::bus) fn take_regained(&mut self) -> bool {
        std::mem::take(&mut self.regained)
    }

    pub(in crate::bus) async fn release(&mut self) -> Result<(), Error> {
        let mut call = SCRIPTS.release.call(&[keys::lease(&self.group)]);
        call.arg(&self.owner);
        self.one(call).await.map(drop)
    }

    /// The call that writes one shard's share, under the next batch number.
    fn write(&mut self, part: &ShardBatch, step: Step<'_>) -> Result<Cmd, Error> {
        self.batch += 1;
        let shard = part.shard;
        let mut keys = vec![keys::fence(shard), keys::counter(shard), keys::last(shard)];
        keys.extend(part.bars.iter().map(|(topic, _)| keys::bars(topic)));
        let mut call = SCRIPTS.write.call(&keys);
        // On a cluster every node passes on what is published, unless it is for one shard's readers.
        let publish = if self.bus.cluster().is_some() { "SPUBLISH" } else { "PUBLISH" };
        call.arg(publish).arg(keys::channel(shard)).arg(self.group.as_str());
        call.arg(self.epoch).arg(self.batch);
        match step {
            Step::Batch => call.arg(0).arg(""),
            Step::Heartbeat(packed) => call.arg(millis(LEASE_TTL)).arg(packed),
        };
        call.arg(part.bars.len());
        for (topic, bar) in &part.bars {
            let kept = topic.interval().and_then(Interval::kept);
            let kept_from = kept.map_or(0, |kept| bar.open_time.minus(kept).0.max(0));
            call.arg(bars::open_digits(bar)).arg(bars::packed(bar)?);
            call.arg(format!("{kept_from:016}"));
        }
        call.arg(2 * part.puts.len());
        for (topic, record) in &part.puts {
            call.arg(topic.as_str()).arg(wire::pack(record)?);
        }
        for topic in &part.removes {
            call.arg(topic.as_str());
        }
        Ok(call)
    }

    fn raise_one(&self, shard: ShardId) -> Call {
        let mut call = SCRIPTS.raise.call(&[keys::fence(shard)]);
        call.arg(self.group.as_str()).arg(self.epoch).arg(millis(LEASE_TTL));
        (Place::Shard(shard), call)
    }

    /// A call that concerns no shard.
    async fn one(&mut self, call: Cmd) -> Result<Value, Error> {
        let replies = self.run(vec![(Place::Control, call)]).await?;
        replies.into_iter().next().ok_or_else(|| Error::Unusable("a call had no answer".into()))
    }

    /// Runs calls. On one server any error fails them all. On a cluster a shard that cannot be
    /// written is lost, and its calls answer nothing; the others count.
    async fn run(&mut self, calls: Vec<Call>) -> Result<Vec<Value>, Error> {
        if self.bus.cluster().is_none() {
            return self.nodes.run_together(calls).await;
        }
        let results = self.nodes.run_apart(&calls).await;
        if results.iter().any(|result| matches!(result, Err(Error::Fenced))) {
            return Err(Error::Fenced);
        }
        let mut replies = Vec::with_capacity(calls.len());
        for ((place, _), result) in calls.iter().zip(results) {
            replies.push(match (place, result) {
                (_, Ok(reply)) => reply,
                (Place::Shard(shard), Err(error @ (Error::Link(_) | Error::Refused(_)))) => {
                    self.lost.add(*shard, &error);
                    Value::Nil
                }
                (_, Err(error)) => return Err(error),
            });
        }
        Ok(replies)
    }

    /// The next batch carries this number.
    #[cfg(test)]
    pub(in crate::bus) fn rewind(&mut self, next: u64) {
        self.batch = next - 1;
    }
}

/// What a write is for.
enum Step<'a> {
    Batch,
    /// Renews the fence and carries this packed heartbeat.
    Heartbeat(&'a [u8]),
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn unexpected(error: redis::ParsingError) -> Error {
    Error::Unusable(format!("unexpected answer: {error}"))
}

impl fmt::Debug for RedisPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = (&self.group, self.epoch, self.batch);
        f.debug_tuple("RedisPublisher").field(&fields).finish()
    }
}
