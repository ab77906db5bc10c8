//! The bus inside one process.

use super::{Acquired, Error, Event, Group, Heartbeat, Record, ShardBatch, ShardId};
use crate::market::Topic;
use std::{sync::Arc, time::Duration};

/// A bus in this process.
#[derive(Debug, Clone, Default)]
pub struct Memory;
#[derive(Debug)]
pub struct MemoryPublisher;
#[derive(Debug)]
pub struct MemorySubscriber;

impl Memory {
    pub fn publisher(&self, _group: Group) -> MemoryPublisher { MemoryPublisher }
    pub fn subscriber(&self) -> MemorySubscriber { MemorySubscriber }
}
impl MemoryPublisher {
    pub fn acquire(&mut self, _floor: u64) -> Result<Acquired, Error> { Err(Error::Fenced) }
    pub fn raise(&mut self) -> Result<(), Error> { Err(Error::Fenced) }
    pub fn cached(&mut self) -> Result<Vec<(Topic, Arc<Record>)>, Error> { Err(Error::Fenced) }
    pub fn publish(&mut self, _b: Vec<ShardBatch>) -> Result<(), Error> { Err(Error::Fenced) }
    pub fn heartbeat(&mut self, _h: &Heartbeat) -> Result<(), Error> { Err(Error::Fenced) }
    pub fn release(&mut self) {}
}
impl MemorySubscriber {
    pub async fn next(&mut self) -> Event { std::future::pending().await }
    pub fn request_snapshot(&mut self, _s: ShardId, _d: Duration) {}
}
