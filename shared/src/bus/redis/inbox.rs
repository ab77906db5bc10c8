//! The bounded queue between the link to Redis and the reader.

use super::keys;
use crate::{
    admin::{Queue, Queues},
    bus::{Error, ShardId, counters},
};
use redis::{PushInfo, PushKind, Value, aio::SendError};
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use tokio::sync::{Notify, mpsc};

/// Most messages that wait for the reader.
pub(super) const CAPACITY: usize = 4096;
/// Most bytes that wait for the reader: what Redis itself holds for a subscriber before it cuts it
/// off (`client-output-buffer-limit pubsub 32mb`).
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// What the reader finds in the queue, in order.
#[derive(Debug)]
pub(super) enum Item {
    /// These shards are subscribed on this connection.
    Up {
        /// Which connection of theirs; messages of others are to be ignored.
        connection: u64,
        shards: Arc<[ShardId]>,
    },
    /// A connection answered a PING.
    Alive,
    /// There is no connection for these shards.
    Lost { error: Error, shards: Arc<[ShardId]> },
    /// A packed message of a shard's channel.
    Push {
        /// The connection it came on.
        connection: u64,
        shard: ShardId,
        packed: Vec<u8>,
    },
}

/// Both ends' view of how full the queue is.
#[derive(Debug, Default)]
pub(super) struct Level {
    bytes: AtomicUsize,
    items: AtomicUsize,
    queue: OnceLock<Arc<Queue>>,
}

impl Level {
    pub(super) fn show_in(&self, queues: &Queues) {
        self.queue.get_or_init(|| queues.register("bus_inbox", CAPACITY));
    }

    /// Notes that a message was taken out of the queue.
    pub(super) fn taken(&self, packed: &[u8]) {
        self.bytes.fetch_sub(packed.len(), Ordering::Relaxed);
        let items = self.items.fetch_sub(1, Ordering::Relaxed) - 1;
        self.queue.get().inspect(|queue| queue.set_depth(items));
    }

    /// Notes that the queue was thrown away with all that was in it.
    pub(super) fn emptied(&self) {
        self.bytes.store(0, Ordering::Relaxed);
        self.items.store(0, Ordering::Relaxed);
    }

    fn added(&self, packed: &[u8]) {
        self.bytes.fetch_add(packed.len(), Ordering::Relaxed);
        let items = self.items.fetch_add(1, Ordering::Relaxed) + 1;
        self.queue.get().inspect(|queue| queue.set_depth(items));
    }

    fn has_room(&self, packed: &[u8]) -> bool {
        self.bytes.load(Ordering::Relaxed) + packed.len() <= MAX_BYTES
    }

    fn overflowed(&self) {
        counters::overflowed();
        self.queue.get().inspect(|queue| queue.add_dropped(1));
    }
}

/// Takes what the server pushes on one connection. It never waits, so the socket is always
/// drained: what finds no room is dropped and counted, and shows as a hole in `n`.
#[derive(Clone)]
pub(super) struct Intake {
    pub connection: u64,
    pub items: mpsc::Sender<Item>,
    pub level: Arc<Level>,
    pub watch: Arc<Watch>,
}

/// What the link's keeper wants to know of a connection.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Set off when the server closed the connection or ended a subscription.
    pub ended: Notify,
    /// How many messages came: as good a proof of life as an answered PING.
    received: AtomicU64,
}

impl Watch {
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

impl Intake {
    /// Called by the connection's driver for every push.
    pub(super) fn accept(&self, push: PushInfo) -> Result<(), SendError> {
        match push.kind {
            PushKind::Message | PushKind::SMessage => self.message(push.data),
            PushKind::Disconnection | PushKind::Unsubscribe | PushKind::SUnsubscribe => {
                self.watch.ended.notify_one();
            }
            _ => {}
        }
        Ok(())
    }

    fn message(&self, mut data: Vec<Value>) {
        self.watch.received.fetch_add(1, Ordering::Relaxed);
        let (payload, channel) = (data.pop(), data.pop());
        let (Some(Value::BulkString(packed)), Some(Value::BulkString(channel))) =
            (payload, channel)
        else {
            return counters::undecodable("message");
        };
        let Some(shard) = keys::shard_of_channel(&channel) else {
            return counters::undecodable("message");
        };
        if !self.level.has_room(&packed) {
            return self.level.overflowed();
        }
        match self.items.try_reserve() {
            Ok(slot) => {
                self.level.added(&packed);
                slot.send(Item::Push { connection: self.connection, shard, packed });
            }
            Err(_) => self.level.overflowed(),
        }
    }
}
