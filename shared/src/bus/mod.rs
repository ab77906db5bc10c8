//! The bus between feed and gateways: last-value cache and broadcast in one atomic step.
//!
//! Topics are hashed onto [`SHARDS`] shards. Every write to a shard increments the shard's message
//! counter `n`, stores the last values and publishes the batch, all or nothing, and only while the
//! writing group's fence holds the writer's epoch. A reader subscribes first, then takes a snapshot
//! with its `n`, and from there on sees every message or a hole in `n`.
//!
//! Two variants keep one contract (`contract` runs against all of them): [`memory`] for a single
//! process, [`redis`] for everything else.

pub mod bars;
#[cfg(test)]
mod contract;
mod counters;
pub mod letters;
pub mod memory;
pub mod outage;
pub mod record;
pub mod redis;
pub mod shard;
pub mod wire;

pub use bars::Bars;
pub use letters::{DeadLetters, Kept, Letter};
pub use outage::Outage;
pub use record::{Body, Excluded, Index, IndexSource, LinkState, LinkStatus, Record, Stamp};
pub use shard::{SHARDS, ShardId};

use crate::{
    admin::Queues,
    clock::Micros,
    market::{Bar, Topic},
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc, time::Duration};

/// How long a lease and a fence hold without being renewed.
pub const LEASE_TTL: Duration = Duration::from_secs(3);
/// How often a lease is renewed and a heartbeat sent.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// Largest epoch that is believed, with room below the 2^53 to which Lua's doubles count exactly; a
/// larger one is damaged data. Real ones are milliseconds since 1970, about 1.8e12.
pub const MAX_EPOCH: u64 = 1 << 52;
/// Most values in one message: Lua can unpack some 8000 arguments, and a message stays below 1 MiB.
pub const MAX_BATCH: usize = 1024;

/// Most bars in one message: each costs the server some steps of its own.
pub const MAX_BATCH_BARS: usize = 512;

/// A set of topics with one writer at a time, `main` unless configured otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Group(Arc<str>);

impl Group {
    /// A group of that name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What can go wrong on the bus.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another writer holds the group, or the fence has expired: acquire again, with a new epoch.
    #[error("fenced: another writer holds the group, or the fence has expired")]
    Fenced,
    /// The server is there and refuses to write: out of memory, read-only, too few replicas.
    #[error("refused by the server: {0}")]
    Refused(String),
    /// The server cannot be reached, or did not answer in time. The write may or may not have
    /// happened, and may still happen.
    #[error("bus link: {0}")]
    Link(String),
    /// The server's data or configuration is not what Tickcast needs.
    #[error("bus: {0}")]
    Unusable(String),
}

/// What became of an attempt to take the group's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquired {
    /// The group is ours under this epoch; all fences are still to be raised.
    Held {
        /// Larger than every epoch ever seen by the bus or passed as floor.
        epoch: u64,
    },
    /// Another writer holds it for at most this long, unless it renews.
    Busy {
        /// Time left on the other writer's lease.
        for_at_most: Duration,
    },
}

/// One shard's share of a batch, sealed: its records already carry epoch and sequence.
#[derive(Debug, Clone, Default)]
pub struct ShardBatch {
    /// Where the topics belong; see [`ShardId::of`].
    pub shard: ShardId,
    /// Values in order; of several for one topic the last is what the cache keeps.
    pub puts: Vec<(Topic, Arc<Record>)>,
    /// Topics that cease to exist, after the values were written.
    pub removes: Vec<Topic>,
    /// Closed bars to keep, each in the place of one with the same opening; see [`Bars`]. They are
    /// not published by themselves. A batch of at most [`MAX_BATCH`] values and [`MAX_BATCH_BARS`]
    /// bars is one atomic step.
    pub bars: Vec<(Topic, Bar)>,
}

impl ShardBatch {
    /// Cuts a batch into messages of at most [`MAX_BATCH`] values and as many removals, in order.
    fn split(mut self) -> impl Iterator<Item = Self> {
        let mut parts = Vec::new();
        while self.puts.len() > MAX_BATCH {
            let rest = self.puts.split_off(MAX_BATCH);
            let puts = std::mem::replace(&mut self.puts, rest);
            parts.push(Self { shard: self.shard, puts, ..Self::default() });
        }
        while self.bars.len() > MAX_BATCH_BARS {
            let rest = self.bars.split_off(MAX_BATCH_BARS);
            let bars = std::mem::replace(&mut self.bars, rest);
            let puts = std::mem::take(&mut self.puts);
            parts.push(Self { shard: self.shard, puts, bars, ..Self::default() });
        }
        while self.removes.len() > MAX_BATCH {
            let rest = self.removes.split_off(MAX_BATCH);
            let removes = std::mem::replace(&mut self.removes, rest);
            let puts = std::mem::take(&mut self.puts);
            let bars = std::mem::take(&mut self.bars);
            parts.push(Self { shard: self.shard, puts, removes, bars });
        }
        parts.into_iter().chain(std::iter::once(self))
    }
}

/// The message a shard's channel carries, from a batch or a heartbeat.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The shard's counter after this message.
    pub n: u64,
    /// Who wrote.
    pub group: Group,
    /// Under which epoch.
    pub epoch: u64,
    /// The bus server's clock when the step ran (the process clock on the memory bus).
    pub bus_time: Micros,
    /// Values in order, decoded.
    pub puts: Vec<(Topic, Arc<Record>)>,
    /// Topics that ceased to exist.
    pub removes: Vec<Topic>,
    /// On a heartbeat: the writer's clock and its links.
    pub heartbeat: Option<Heartbeat>,
}

/// Proof that a group's writer lives, and what it knows of its venues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The writer's clock, the one that `received_ts` of its records was read from.
    pub sent: Micros,
    /// State of each venue's link.
    pub links: Vec<LinkStatus>,
}

/// A shard's whole content at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Which shard.
    pub shard: ShardId,
    /// The counter that the content belongs to.
    pub n: u64,
    /// Identity of the server process; another one means that `n` cannot be compared.
    pub server: Arc<str>,
    /// Every topic of the shard.
    pub records: Vec<(Topic, Arc<Record>)>,
}

/// What a subscriber reports, in order.
#[derive(Debug, Clone)]
pub enum Event {
    /// The shard's channel is subscribed: from here on its messages arrive. Ask for a snapshot.
    Subscribed(ShardId),
    /// A message of a subscribed shard.
    Message(ShardId, Message),
    /// The answer to [`Subscriber::request_snapshot`].
    Snapshot(Snapshot),
    /// A snapshot could not be had; ask again after a moment.
    SnapshotFailed(ShardId, Error),
    /// The shard's subscription ended (link down, slot moved); [`Event::Subscribed`] will follow.
    Unsubscribed(ShardId),
    /// The link answered a PING.
    LinkAlive,
    /// The link is down or could not be made; it is being dialled again, for ever. Reported once a
    /// cause. When shards were subscribed, their [`Event::Unsubscribed`] follow.
    LinkLost(Error),
}

/// Where the bus is: decided once at start.
#[derive(Debug, Clone)]
pub enum Bus {
    /// In this process.
    Memory(memory::Memory),
    /// On a Redis or Valkey server.
    Redis(redis::Redis),
}

impl Bus {
    /// The writing half, for a feed.
    #[must_use]
    pub fn publisher(&self, group: Group) -> Publisher {
        match self {
            Self::Memory(memory) => Publisher::Memory(memory.publisher(group)),
            Self::Redis(redis) => Publisher::Redis(Box::new(redis.publisher(group))),
        }
    }

    /// A reader of the bars that are kept.
    #[must_use]
    pub fn bars(&self) -> Bars {
        match self {
            Self::Memory(memory) => Bars::Memory(memory.clone()),
            Self::Redis(redis) => Bars::Redis(Box::new(redis.bars())),
        }
    }

    /// Where messages are kept that a feed refused.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        match self {
            Self::Memory(memory) => DeadLetters::Memory(memory.clone()),
            Self::Redis(redis) => DeadLetters::Redis(Box::new(redis.dead_letters())),
        }
    }

    /// The reading half, for a gateway. It starts subscribing to all shards when first polled.
    #[must_use]
    pub fn subscriber(&self) -> Subscriber {
        match self {
            Self::Memory(memory) => Subscriber::Memory(Box::new(memory.subscriber())),
            Self::Redis(redis) => Subscriber::Redis(Box::new(redis.subscriber())),
        }
    }
}

/// The feed's half of the bus. On Redis a call answers or fails within
/// [`redis::COMMAND_TIMEOUT`], and as much again each when it has to ask where the server is, and to
/// dial; after an error the next one dials anew.
#[derive(Debug)]
pub enum Publisher {
    /// In this process.
    Memory(memory::MemoryPublisher),
    /// On a Redis or Valkey server.
    Redis(Box<redis::RedisPublisher>),
}

impl Publisher {
    /// Tries to take the group's lease. The new epoch is
    /// `max(stored counter, floor, bus time in ms) + 1`.
    ///
    /// # Errors
    /// [`Error::Link`], [`Error::Refused`].
    pub async fn acquire(&mut self, floor: u64) -> Result<Acquired, Error> {
        match self {
            Self::Memory(it) => it.acquire(floor),
            Self::Redis(it) => it.acquire(floor).await,
        }
    }

    /// Raises the fences of all shards to the acquired epoch; batches start anew.
    ///
    /// # Errors
    /// [`Error::Fenced`] when a newer epoch is there already, or none was acquired; otherwise as
    /// [`Self::acquire`].
    pub async fn raise(&mut self) -> Result<(), Error> {
        match self {
            Self::Memory(it) => it.raise(),
            Self::Redis(it) => it.raise().await,
        }
    }

    /// Everything the cache holds of this group, for taking over. On Redis one call a shard.
    ///
    /// # Errors
    /// [`Error::Link`].
    pub async fn cached(&mut self) -> Result<Vec<(Topic, Arc<Record>)>, Error> {
        match self {
            Self::Memory(it) => it.cached(),
            Self::Redis(it) => it.cached().await,
        }
    }

    /// Writes and publishes the batches, each shard's in one atomic step. Batches larger than
    /// [`MAX_BATCH`] are split. On an error an unknown part of it has happened.
    ///
    /// # Errors
    /// [`Error::Fenced`], [`Error::Refused`], [`Error::Link`].
    pub async fn publish(&mut self, batches: Vec<ShardBatch>) -> Result<(), Error> {
        match self {
            Self::Memory(it) => it.publish(batches),
            Self::Redis(it) => it.publish(batches).await,
        }
    }

    /// Renews the lease and the fences and sends a heartbeat on every shard.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is no longer ours; otherwise as [`Self::publish`].
    pub async fn heartbeat(&mut self, heartbeat: &Heartbeat) -> Result<(), Error> {
        match self {
            Self::Memory(it) => it.heartbeat(heartbeat),
            Self::Redis(it) => it.heartbeat(heartbeat).await,
        }
    }

    /// Whether shards of a cluster could not be written, and can again since a heartbeat: then every
    /// topic is to be written again. While a shard is lost, writes to it succeed without effect.
    pub fn take_regained(&mut self) -> bool {
        match self {
            Self::Memory(_) => false,
            Self::Redis(it) => it.take_regained(),
        }
    }

    /// Gives the lease back, if it is still ours, so that a successor need not wait.
    ///
    /// # Errors
    /// [`Error::Link`].
    pub async fn release(&mut self) -> Result<(), Error> {
        match self {
            Self::Memory(it) => {
                it.release();
                Ok(())
            }
            Self::Redis(it) => it.release().await,
        }
    }
}

/// The gateway's half of the bus.
#[derive(Debug)]
pub enum Subscriber {
    /// In this process.
    Memory(Box<memory::MemorySubscriber>),
    /// On a Redis or Valkey server.
    Redis(Box<redis::RedisSubscriber>),
}

impl Subscriber {
    /// Waits for the next event. Safe to cancel. It must be polled all the time: the server cuts
    /// off readers that do not drain.
    pub async fn next(&mut self) -> Event {
        match self {
            Self::Memory(it) => it.next().await,
            Self::Redis(it) => it.next().await,
        }
    }

    /// Lists this subscriber's queue among the process's queues. To be called before the first
    /// [`Self::next`].
    pub fn show_in(&self, queues: &Queues) {
        match self {
            Self::Memory(it) => it.show_in(queues),
            Self::Redis(it) => it.show_in(queues),
        }
    }

    /// Asks for a snapshot of a shard after `delay`; it comes as an [`Event::Snapshot`] or
    /// [`Event::SnapshotFailed`]. A second request for a shard replaces the first.
    pub fn request_snapshot(&mut self, shard: ShardId, delay: Duration) {
        match self {
            Self::Memory(it) => it.request_snapshot(shard, delay),
            Self::Redis(it) => it.request_snapshot(shard, delay),
        }
    }
}
