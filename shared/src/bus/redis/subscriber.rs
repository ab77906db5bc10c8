//! The reading half of the bus on Redis.

use super::{
    Redis, channels,
    inbox::{self, Item, Level},
    snapshots,
    wants::Wants,
};
use crate::{
    admin::Queues,
    bus::{Event, ShardId, counters, wire},
    panics::breakable,
};
use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tracing::{debug, error};

/// A reader on Redis; the calls are those of [`crate::bus::Subscriber`].
///
/// Two tasks do the waiting, so that [`Self::next`] can be cancelled at any time and a slow snapshot
/// never keeps messages from being read. They end with the subscriber.
pub struct RedisSubscriber {
    bus: Redis,
    wants: Arc<Wants>,
    level: Arc<Level>,
    running: Option<Running>,
    /// The connection that is up, if one is; messages of others are ignored.
    up: Option<u64>,
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
            up: None,
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
        if self.up.take().is_some() {
            self.following.extend(ShardId::all().map(Event::Unsubscribed));
        }
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
            Item::Up { connection } => {
                self.up = Some(connection);
                self.following.extend(ShardId::all().map(Event::Subscribed));
                None
            }
            Item::Alive => Some(Event::LinkAlive),
            Item::Lost(error) => {
                if self.up.take().is_some() {
                    self.following.extend(ShardId::all().map(Event::Unsubscribed));
                }
                Some(Event::LinkLost(error))
            }
            Item::Push { connection, shard, packed } => {
                self.level.taken(&packed);
                if self.up == Some(connection) { unpack(shard, &packed) } else { None }
            }
        }
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
    tasks.spawn(breakable("bus channels", channels::keep(bus.clone(), items, level)));
    tasks.spawn(breakable("bus snapshots", snapshots::serve(bus, wants, snapshots)));
    Running { items: items_out, snapshots: snapshots_out, _tasks: tasks }
}

impl fmt::Debug for RedisSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = (&self.bus, self.up);
        f.debug_tuple("RedisSubscriber").field(&fields).finish()
    }
}
