//! The bus on a Redis or Valkey server.

use super::{Acquired, Error, Event, Group, Heartbeat, Record, ShardBatch, ShardId};
use crate::market::Topic;
use std::{sync::Arc, time::Duration};

/// A bus in this process.
#[derive(Debug, Clone)]
pub struct Redis;
#[derive(Debug)]
pub struct RedisPublisher;
#[derive(Debug)]
pub struct RedisSubscriber;

impl Redis {
    pub fn publisher(&self, _group: Group) -> RedisPublisher { RedisPublisher }
    pub fn subscriber(&self) -> RedisSubscriber { RedisSubscriber }
}
impl RedisPublisher {
    pub async fn acquire(&mut self, _floor: u64) -> Result<Acquired, Error> { Err(Error::Fenced) }
    pub async fn raise(&mut self) -> Result<(), Error> { Err(Error::Fenced) }
    pub async fn cached(&mut self) -> Result<Vec<(Topic, Arc<Record>)>, Error> { Err(Error::Fenced) }
    pub async fn publish(&mut self, _b: Vec<ShardBatch>) -> Result<(), Error> { Err(Error::Fenced) }
    pub async fn heartbeat(&mut self, _h: &Heartbeat) -> Result<(), Error> { Err(Error::Fenced) }
    pub async fn release(&mut self) -> Result<(), Error> { Ok(()) }
}
impl RedisSubscriber {
    pub async fn next(&mut self) -> Event { std::future::pending().await }
    pub fn request_snapshot(&mut self, _s: ShardId, _d: Duration) {}
}
