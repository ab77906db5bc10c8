//! What the memory bus holds, and its atomic steps: the same rules as the scripts on Redis.

use super::{inbox::Inbox, letters::Letters};
use crate::{
    bus::{
        Acquired, Error, Event, Group, Heartbeat, LEASE_TTL, MAX_EPOCH, Message, Record, SHARDS,
        ShardBatch, ShardId, Snapshot,
    },
    clock::{Clock, Micros},
    market::{Bar, Interval, Topic},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Weak},
};
use tokio::time::Instant;

/// Everything on the bus.
pub(super) struct State {
    clock: Clock,
    server: Arc<str>,
    epoch: u64,
    leases: HashMap<Group, Lease>,
    shards: Vec<Shard>,
    readers: Vec<Weak<Inbox>>,
    pub(super) letters: Letters,
}

struct Lease {
    owner: u64,
    expires: Instant,
}

#[derive(Default)]
struct Shard {
    n: u64,
    last: BTreeMap<Topic, Arc<Record>>,
    bars: HashMap<Topic, BTreeMap<Micros, Bar>>,
    fences: HashMap<Group, Fence>,
}

impl Shard {
    fn keep(&mut self, topic: Topic, bar: Bar) {
        let kept = topic.interval().and_then(Interval::kept);
        let from = kept.map_or(Micros(0), |kept| bar.open_time.minus(kept));
        let bars = self.bars.entry(topic).or_default();
        bars.insert(bar.open_time, bar);
        *bars = bars.split_off(&from);
    }
}

struct Fence {
    epoch: u64,
    expires: Instant,
    /// Number of the last accepted batch of this epoch.
    batch: u64,
}

/// Who writes, and which of its batches.
pub(super) struct Writer<'a> {
    pub group: &'a Group,
    pub epoch: u64,
    pub batch: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            clock: Clock::start(),
            server: format!("memory-{:016x}", rand::random::<u64>()).into(),
            epoch: 0,
            leases: HashMap::new(),
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            readers: Vec::new(),
            letters: Letters::default(),
        }
    }
}

impl State {
    pub(super) fn acquire(
        &mut self,
        group: &Group,
        owner: u64,
        floor: u64,
        now: Instant,
    ) -> Acquired {
        if let Some(lease) = self.leases.get(group)
            && lease.owner != owner
            && lease.expires > now
        {
            return Acquired::Busy { for_at_most: lease.expires - now };
        }
        let millis = u64::try_from(self.time(now).0 / 1000).unwrap_or(0);
        self.epoch = self.epoch.max(floor.min(MAX_EPOCH)).max(millis) + 1;
        self.leases.insert(group.clone(), Lease { owner, expires: now + LEASE_TTL });
        Acquired::Held { epoch: self.epoch }
    }

    pub(super) fn renew(&mut self, group: &Group, owner: u64, now: Instant) -> Result<(), Error> {
        match self.leases.get_mut(group) {
            Some(lease) if lease.owner == owner && lease.expires > now => {
                lease.expires = now + LEASE_TTL;
                Ok(())
            }
            _ => Err(Error::Fenced),
        }
    }

    pub(super) fn release(&mut self, group: &Group, owner: u64) {
        if self.leases.get(group).is_some_and(|lease| lease.owner == owner) {
            self.leases.remove(group);
        }
    }

    pub(super) fn raise(&mut self, group: &Group, epoch: u64, now: Instant) -> Result<(), Error> {
        for shard in &mut self.shards {
            let stored = shard.fences.get(group).map_or(0, |fence| fence.epoch);
            if stored > epoch || epoch == 0 {
                return Err(Error::Fenced);
            }
            let expires = now + LEASE_TTL;
            if let Some(fence) = shard.fences.get_mut(group).filter(|fence| fence.epoch == epoch) {
                fence.expires = expires;
            } else {
                shard.fences.insert(group.clone(), Fence { epoch, expires, batch: 0 });
            }
        }
        Ok(())
    }

    pub(super) fn cached(&self, group: &Group) -> Vec<(Topic, Arc<Record>)> {
        let all = self.shards.iter().flat_map(|shard| &shard.last);
        let own = all.filter(|(_, record)| record.group == *group);
        own.map(|(topic, record)| (topic.clone(), record.clone())).collect()
    }

    /// The one atomic step: check the fence, write, count, publish.
    pub(super) fn write(
        &mut self,
        writer: &Writer<'_>,
        batch: ShardBatch,
        heartbeat: Option<Heartbeat>,
        now: Instant,
    ) -> Result<(), Error> {
        let bus_time = self.time(now);
        let ShardBatch { shard: id, puts, removes, bars } = batch;
        let shard = &mut self.shards[id.index()];
        let fence = shard.fences.get_mut(writer.group).ok_or(Error::Fenced)?;
        let late = writer.batch <= fence.batch;
        if fence.epoch != writer.epoch || fence.expires < now || late {
            return Err(Error::Fenced);
        }
        fence.batch = writer.batch;
        if heartbeat.is_some() {
            fence.expires = now + LEASE_TTL;
        }
        for (topic, record) in &puts {
            shard.last.insert(topic.clone(), record.clone());
        }
        for topic in &removes {
            shard.last.remove(topic);
        }
        bars.into_iter().for_each(|(topic, bar)| shard.keep(topic, bar));
        shard.n += 1;
        let n = shard.n;
        let (group, epoch) = (writer.group.clone(), writer.epoch);
        self.broadcast(id, Message { n, group, epoch, bus_time, puts, removes, heartbeat });
        Ok(())
    }

    /// Gives the message to every reader; readers that are gone are forgotten.
    fn broadcast(&mut self, shard: ShardId, message: Message) {
        self.readers.retain(|reader| reader.strong_count() > 0);
        let readers: Vec<Arc<Inbox>> = self.readers.iter().filter_map(Weak::upgrade).collect();
        if let Some((last, others)) = readers.split_last() {
            for reader in others {
                reader.push(Event::Message(shard, message.clone()));
            }
            last.push(Event::Message(shard, message));
        }
    }

    pub(super) fn join(&mut self, reader: &Arc<Inbox>) {
        self.readers.push(Arc::downgrade(reader));
    }

    pub(super) fn snapshot(&self, id: ShardId) -> Snapshot {
        let shard = &self.shards[id.index()];
        let records = shard.last.iter().map(|(topic, record)| (topic.clone(), record.clone()));
        Snapshot { shard: id, n: shard.n, server: self.server.clone(), records: records.collect() }
    }

    pub(super) fn bars_of(&self, topic: &Topic, end: Option<Micros>, limit: usize) -> Vec<Bar> {
        let Some(kept) = self.shards[ShardId::of(topic).index()].bars.get(topic) else {
            return Vec::new();
        };
        let before = kept.range(..end.unwrap_or(Micros(i64::MAX)));
        let mut bars: Vec<Bar> = before.rev().take(limit).map(|(_, bar)| bar.clone()).collect();
        bars.reverse();
        bars
    }

    fn time(&self, now: Instant) -> Micros {
        self.clock.at(now.into_std())
    }

    #[cfg(test)]
    pub(super) fn flush(&mut self) {
        let readers = std::mem::take(&mut self.readers);
        *self = Self { readers, ..Self::default() };
    }
}
