//! The writing half of the bus on Redis.

use super::{Redis, bars, keys, link::Link, scripts::SCRIPTS};
use crate::{
    bus::{
        Acquired, Error, Group, Heartbeat, LEASE_TTL, MAX_EPOCH, Record, ShardBatch, ShardId, wire,
        wire::pack_heartbeat,
    },
    market::{Interval, Topic},
};
use redis::{Cmd, Value, from_redis_value};
use std::{fmt, sync::Arc, time::Duration};

/// Publishes to everyone; on a cluster it will be `SPUBLISH`.
const PUBLISH: &str = "PUBLISH";

/// A group's writer on Redis; the calls are those of [`crate::bus::Publisher`].
pub struct RedisPublisher {
    link: Link,
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
        Self { link: Link::new(bus), group, owner, epoch: 0, batch: 0 }
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
        let mut calls = redis::pipe();
        for shard in ShardId::all() {
            let mut call = SCRIPTS.raise.call(&[keys::fence(shard)]);
            call.arg(self.group.as_str()).arg(self.epoch).arg(millis(LEASE_TTL));
            calls.add_command(call);
        }
        self.link.run(&calls).await.map(drop)
    }

    pub(in crate::bus) async fn cached(&mut self) -> Result<Vec<(Topic, Arc<Record>)>, Error> {
        let mut cached = Vec::new();
        for shard in ShardId::all() {
            let mut commands = redis::pipe();
            commands.cmd("HGETALL").arg(keys::last(shard));
            let (values,): (Vec<(Vec<u8>, Vec<u8>)>,) = self.link.query(&commands).await?;
            let records = values.iter().filter_map(|(topic, value)| wire::unpack_put(topic, value));
            cached.extend(records.filter(|(_, record)| record.group == self.group));
        }
        Ok(cached)
    }

    pub(in crate::bus) async fn publish(&mut self, batches: Vec<ShardBatch>) -> Result<(), Error> {
        let mut calls = redis::pipe();
        for part in batches.into_iter().flat_map(ShardBatch::split) {
            calls.add_command(self.write(&part, Step::Batch)?);
        }
        if calls.is_empty() {
            return Ok(());
        }
        self.link.run(&calls).await.map(drop)
    }

    pub(in crate::bus) async fn heartbeat(&mut self, heartbeat: &Heartbeat) -> Result<(), Error> {
        let packed = pack_heartbeat(heartbeat)?;
        let mut renew = SCRIPTS.renew.call(&[keys::lease(&self.group)]);
        renew.arg(&self.owner).arg(millis(LEASE_TTL));
        let mut calls = redis::pipe();
        calls.add_command(renew);
        for shard in ShardId::all() {
            let nothing = ShardBatch { shard, ..ShardBatch::default() };
            calls.add_command(self.write(&nothing, Step::Heartbeat(&packed))?);
        }
        let replies = self.link.run(&calls).await?;
        if replies.first() == Some(&Value::Int(1)) { Ok(()) } else { Err(Error::Fenced) }
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
        call.arg(PUBLISH).arg(keys::channel(shard)).arg(self.group.as_str());
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

    async fn one(&mut self, call: Cmd) -> Result<Value, Error> {
        let mut calls = redis::pipe();
        calls.add_command(call);
        let replies = self.link.run(&calls).await?;
        replies.into_iter().next().ok_or_else(|| Error::Unusable("a call had no answer".into()))
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
