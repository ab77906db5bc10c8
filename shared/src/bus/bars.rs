//! Reading the bars that a bus keeps.

use super::{Error, memory::Memory, redis::RedisBars};
use crate::{
    clock::Micros,
    market::{Bar, Topic},
};

/// Reads closed bars. On Redis it has a connection of its own, dialled when it is needed.
#[derive(Debug)]
pub enum Bars {
    /// In this process.
    Memory(Memory),
    /// On a Redis or Valkey server.
    Redis(Box<RedisBars>),
}

impl Bars {
    /// The newest `limit` closed bars of a kline topic that opened before `end` (none: all of them),
    /// oldest first. A topic that is unknown or no kline has none.
    ///
    /// # Errors
    /// [`Error::Link`] when the server cannot be reached or does not answer in time.
    pub async fn read(
        &mut self,
        topic: &Topic,
        end: Option<Micros>,
        limit: usize,
    ) -> Result<Vec<Bar>, Error> {
        match self {
            Self::Memory(memory) => Ok(memory.bars_of(topic, end, limit)),
            Self::Redis(redis) => redis.read(topic, end, limit).await,
        }
    }
}
