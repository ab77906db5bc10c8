//! The reading half of the bus on Redis.

use super::{
    Redis, channels,
    inbox::{self, Item, Level},
    snapshots,
    wants::Wants,
};
use crate::{
    admin::Queues,
    bus::{Error, Event, SHARDS, ShardId, counters, wire},
    panics::breakable,
};
use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tracing::{debug, error};

/// A reader on Redis; the calls are those of [`crate::bus::Subscriber`].
///
/// Tasks do the waiting, so that [`Self::next`] can be cancelled at any time and a slow snapshot never
/// keeps messages from being read: one reads snapshots, and one each connection that receives. They
/// end with the subscriber.
pub struct RedisSubscriber {
    bus: Redis,
    wants: Arc<Wants>,
    level: Arc<Level>,
    running: Option<Running>,
    /// For each shard the connection that is up, if one is; messages of others are ignored.
    up: [Option<u64>; SHARDS as usize],
    /// What was reported as the cause of nothing being up.
    told: Option<String>,
    /// Events that follow from one that was already reported.
    following: VecDeque<Event>,
}

struct Running {
    items: mpsc::Receiver<Item>,
    snapshots: mpsc::Receiver<Event>,
    /// Aborted when dropped.
    _tasks: JoinSet<()>,
}

impl RedisSubscriber {
    pub(super) fn new(bus: Redis) -> Self {
        Self {
            bus,
            wants: Arc::default(),
            level: Arc::default(),
            running: None,
            up: [None; SHARDS as usize],
            told: None,
            following: VecDeque::new(),
        }
    }

    pub(in crate::bus) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.following.pop_front() {
                return event;
            }
            let running = self.running.get_or_insert_with(|| {
                start(self.bus.clone(), self.wants.clone(), self.level.clone())
            });
            tokio::select! {
                item = running.items.recv() => match item {
                    Some(item) => {
                        if let Some(event) = self.accept(item) {
                            return event;
                        }
                    }
                    None => self.broke_down(),
                },
                event = running.snapshots.recv() => match event {
                    Some(event) => return event,
                    None => self.broke_down(),
                },
            }
        }
    }

    /// The tasks run until this reader is dropped, so only a panic can have ended one: start anew.
    fn broke_down(&mut self) {
        error!(address = self.bus.address(), "a task of the bus reader broke down; starting anew");
        self.running = None;
        self.level.emptied();
        let all: Vec<ShardId> = ShardId::all().collect();
        self.unsubscribed(&all);
    }

    pub(in crate::bus) fn request_snapshot(&mut self, shard: ShardId, delay: Duration) {
        self.wants.ask(shard, Instant::now() + delay);
    }

    pub(in crate::bus) fn show_in(&self, queues: &Queues) {
        self.level.show_in(queues);
    }

    /// What an item of the queue means to the reader.
    fn accept(&mut self, item: Item) -> Option<Event> {
        match item {
            Item::Up { connection, shards } => {
                shards.iter().for_each(|shard| self.up[shard.index()] = Some(connection));
                self.following.extend(shards.iter().copied().map(Event::Subscribed));
                self.told = None;
                None
            }
            Item::Alive => Some(Event::LinkAlive),
            Item::Lost { error, shards } => {
                let was_up = self.unsubscribed(&shards);
                self.report(error, was_up)
            }
            Item::Push { connection, shard, packed } => {
                self.level.taken(&packed);
                let is_its = self.up[shard.index()] == Some(connection);
                if is_its { unpack(shard, &packed) } else { None }
            }
        }
    }

    /// Notes that these shards have no connection; says whether one had.
    fn unsubscribed(&mut self, shards: &[ShardId]) -> bool {
        let ups = shards.iter().filter(|shard| self.up[shard.index()].take().is_some());
        let ended: Vec<ShardId> = ups.copied().collect();
        self.following.extend(ended.iter().copied().map(Event::Unsubscribed));
        !ended.is_empty()
    }

    /// The link as a whole is lost when no shard has a connection, and that is told once a cause.
    fn report(&mut self, error: Error, was_up: bool) -> Option<Event> {
        let cause = error.to_string();
        if self.up.iter().any(Option::is_some) || (!was_up && self.told.as_ref() == Some(&cause)) {
            return None;
        }
        self.told = Some(cause);
        Some(Event::LinkLost(error))
    }
}

/// The message, or nothing (counted) when this build cannot read it.
fn unpack(shard: ShardId, packed: &[u8]) -> Option<Event> {
    match wire::unpack_message(packed) {
        Ok(message) => Some(Event::Message(shard, message)),
        Err(error) => {
            debug!(shard = shard.index(), %error, "skipped a message on the bus");
            counters::undecodable("message");
            None
        }
    }
}

fn start(bus: Redis, wants: Arc<Wants>, level: Arc<Level>) -> Running {
    let (items, items_out) = mpsc::channel(inbox::CAPACITY);
    let (snapshots, snapshots_out) = mpsc::channel(snapshots::CAPACITY);
    let mut tasks = JoinSet::new();
    for shards in channels::connections(&bus) {
        let keeping = channels::keep(bus.clone(), shards, items.clone(), level.clone());
        tasks.spawn(breakable("bus channels", keeping));
    }
    tasks.spawn(breakable("bus snapshots", snapshots::serve(bus, wants, snapshots)));
    Running { items: items_out, snapshots: snapshots_out, _tasks: tasks }
}

impl fmt::Debug for RedisSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = (&self.bus, self.up);
        f.debug_tuple("RedisSubscriber").field(&fields).finish()
    }
}
