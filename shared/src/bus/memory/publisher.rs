//! The writing half of the memory bus.

use super::{Memory, state::Writer};
use crate::{
    bus::{Acquired, Error, Group, Heartbeat, Record, ShardBatch, ShardId},
    market::Topic,
};
use std::sync::Arc;
use tokio::time::Instant;

/// A group's writer on the memory bus; the calls are those of [`crate::bus::Publisher`].
#[derive(Debug)]
pub struct MemoryPublisher {
    bus: Memory,
    group: Group,
    owner: u64,
    epoch: u64,
    batch: u64,
}

impl MemoryPublisher {
    pub(super) fn new(bus: Memory, group: Group) -> Self {
        Self { bus, group, owner: rand::random(), epoch: 0, batch: 0 }
    }

    pub(in crate::bus) fn acquire(&mut self, floor: u64) -> Result<Acquired, Error> {
        let acquired = self.bus.state().acquire(&self.group, self.owner, floor, Instant::now());
        if let Acquired::Held { epoch } = acquired {
            (self.epoch, self.batch) = (epoch, 0);
        }
        Ok(acquired)
    }

    pub(in crate::bus) fn raise(&mut self) -> Result<(), Error> {
        self.bus.state().raise(&self.group, self.epoch, Instant::now())
    }

    pub(in crate::bus) fn cached(&mut self) -> Result<Vec<(Topic, Arc<Record>)>, Error> {
        Ok(self.bus.state().cached(&self.group))
    }

    pub(in crate::bus) fn publish(&mut self, batches: Vec<ShardBatch>) -> Result<(), Error> {
        batches.into_iter().flat_map(ShardBatch::split).try_for_each(|part| self.write(part, None))
    }

    pub(in crate::bus) fn heartbeat(&mut self, heartbeat: &Heartbeat) -> Result<(), Error> {
        self.bus.state().renew(&self.group, self.owner, Instant::now())?;
        ShardId::all().try_for_each(|shard| {
            let nothing = ShardBatch { shard, ..ShardBatch::default() };
            self.write(nothing, Some(heartbeat.clone()))
        })
    }

    pub(in crate::bus) fn release(&mut self) {
        self.bus.state().release(&self.group, self.owner);
    }

    fn write(&mut self, part: ShardBatch, heartbeat: Option<Heartbeat>) -> Result<(), Error> {
        self.batch += 1;
        let writer = Writer { group: &self.group, epoch: self.epoch, batch: self.batch };
        self.bus.state().write(&writer, part, heartbeat, Instant::now())
    }

    /// The next batch carries this number.
    #[cfg(test)]
    pub(in crate::bus) fn rewind(&mut self, next: u64) {
        self.batch = next - 1;
    }
}
