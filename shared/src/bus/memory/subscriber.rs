//! The reading half of the memory bus.

use super::{Memory, inbox::Inbox};
use crate::{
    admin::Queues,
    bus::{Event, HEARTBEAT_EVERY, SHARDS, ShardId, counters},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};

/// A reader of the memory bus; the calls are those of [`crate::bus::Subscriber`].
#[derive(Debug)]
pub struct MemorySubscriber {
    bus: Memory,
    inbox: Arc<Inbox>,
    /// The shards still to be announced; `None` until the first poll joins the bus.
    joining: Option<VecDeque<ShardId>>,
    /// When the snapshot of each shard is due, if one was asked for.
    wanted: [Option<Instant>; SHARDS as usize],
    /// When to say again that the link is alive, as a link to a server would.
    alive_at: Instant,
}

impl MemorySubscriber {
    pub(super) fn new(bus: Memory) -> Self {
        Self {
            bus,
            inbox: Arc::default(),
            joining: None,
            wanted: [None; SHARDS as usize],
            alive_at: Instant::now(),
        }
    }

    pub(in crate::bus) async fn next(&mut self) -> Event {
        // A full inbox must not keep the reader's thread from its other tasks.
        tokio::task::coop::consume_budget().await;
        loop {
            if let Some(event) = self.ready(Instant::now()) {
                return event;
            }
            let due = self.wanted.iter().flatten().copied().fold(self.alive_at, Instant::min);
            tokio::select! {
                () = self.inbox.arrived() => {}
                () = sleep_until(due) => {}
            }
        }
    }

    pub(in crate::bus) fn request_snapshot(&mut self, shard: ShardId, delay: Duration) {
        self.wanted[shard.index()] = Some(Instant::now() + delay);
    }

    pub(in crate::bus) fn show_in(&self, queues: &Queues) {
        self.inbox.show_in(queues);
    }

    /// What can be reported now, if anything.
    fn ready(&mut self, now: Instant) -> Option<Event> {
        let joining = self.joining.get_or_insert_with(|| {
            self.bus.state().join(&self.inbox);
            ShardId::all().collect()
        });
        if let Some(shard) = joining.pop_front() {
            return Some(Event::Subscribed(shard));
        }
        if self.alive_at <= now {
            self.alive_at = now + HEARTBEAT_EVERY;
            return Some(Event::LinkAlive);
        }
        self.due_snapshot(now).or_else(|| self.inbox.pop())
    }

    fn due_snapshot(&mut self, now: Instant) -> Option<Event> {
        let due = |shard: &ShardId| self.wanted[shard.index()].is_some_and(|at| at <= now);
        let shard = ShardId::all().find(due)?;
        self.wanted[shard.index()] = None;
        counters::snapshot("taken");
        Some(Event::Snapshot(self.bus.state().snapshot(shard)))
    }
}
