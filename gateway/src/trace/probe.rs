//! What follows updates: a bounded queue of reports, and what it is told.

use super::{Arrival, fastest::Skew};
use crate::hub::TopicId;
use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tickcast_shared::{
    admin::Queue,
    bus::{Record, Stamp},
    clock::Micros,
    market::{State, Topic},
    spans::Sampler,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Reports that may wait for a trace: a second of a thousand updates on four shards. More is dropped
/// and counted.
pub const CAPACITY: usize = 4096;

/// Somebody who follows updates.
#[derive(Debug)]
pub struct Probe {
    wanted: Wanted,
    reports: mpsc::Sender<Seen>,
    dropped: Arc<AtomicU64>,
    queue: Arc<Queue>,
}

/// Which updates a probe follows.
#[derive(Debug)]
enum Wanted {
    /// Those of a topic until then.
    Topic { topic: Topic, until: Instant, _slot: OwnedSemaphorePermit },
    /// Those that are sampled, as long as the process runs.
    Sampled(Sampler),
}

/// The reports of a probe. The probe is forgotten when they are dropped.
#[derive(Debug)]
pub struct Reports {
    waiting: mpsc::Receiver<Seen>,
    dropped: Arc<AtomicU64>,
}

/// A report.
#[derive(Debug, Clone)]
pub enum Seen {
    /// The gateway took an update from the bus.
    Taken(Arc<Taken>),
    /// A shard has passed it on.
    Passed(Passed),
}

/// An update as the gateway took it.
#[derive(Debug)]
pub struct Taken {
    /// The topic's number.
    pub id: TopicId,
    /// Its name.
    pub topic: Topic,
    /// How far clients are told to believe it.
    pub state: State,
    /// As the feed wrote it.
    pub record: Arc<Record>,
    /// When it came.
    pub arrival: Arrival,
    /// How far the clocks were apart.
    pub skew: Skew,
}

/// What became of an update on one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Which shard.
    pub shard: usize,
    /// Which topic.
    pub id: TopicId,
    /// Which of its updates.
    pub stamp: Stamp,
    /// When the pass began.
    pub began: Micros,
    /// When the last socket was written to; none if none was.
    pub written: Option<Micros>,
    /// Sockets that took it.
    pub sockets: u64,
    /// Sockets that were full or behind: they get the newest once they have room.
    pub blocked: u64,
    /// Clients whose interval or filter holds it back.
    pub held: u64,
    /// Clients that it was left out for, because the same pass had a newer one.
    pub left_out: u64,
}

/// What a followed update carries. A topic's newest value stays in the shards' tables for as long as
/// it is the newest, so the mark in it must not keep a trace alive that has ended.
#[derive(Debug)]
pub struct Mark {
    probes: Vec<Weak<Probe>>,
}

impl Mark {
    /// For an update that these follow.
    #[must_use]
    pub fn new(probes: &[Arc<Probe>]) -> Self {
        Self { probes: probes.iter().map(Arc::downgrade).collect() }
    }

    /// Tells all who follow the update. Never waits.
    pub fn passed(&self, passed: Passed) {
        let probes = self.probes.iter().filter_map(Weak::upgrade);
        probes.for_each(|probe| probe.tell(Seen::Passed(passed)));
    }
}

impl Probe {
    /// Follows a topic's updates until then.
    #[must_use]
    pub fn of_topic(
        topic: Topic,
        slot: OwnedSemaphorePermit,
        until: Instant,
        queue: Arc<Queue>,
    ) -> (Arc<Self>, Reports) {
        Self::of(Wanted::Topic { topic, until, _slot: slot }, queue)
    }

    /// Follows the updates that are sampled.
    #[must_use]
    pub fn of_sampled(sampler: Sampler, queue: Arc<Queue>) -> (Arc<Self>, Reports) {
        Self::of(Wanted::Sampled(sampler), queue)
    }

    fn of(wanted: Wanted, queue: Arc<Queue>) -> (Arc<Self>, Reports) {
        let (reports, waiting) = mpsc::channel(CAPACITY);
        let dropped = Arc::<AtomicU64>::default();
        let probe = Self { wanted, reports, dropped: dropped.clone(), queue };
        (Arc::new(probe), Reports { waiting, dropped })
    }

    /// Whether it follows this update.
    #[must_use]
    pub fn wants(&self, topic: &Topic, stamp: Stamp) -> bool {
        match &self.wanted {
            Wanted::Topic { topic: wanted, .. } => wanted == topic,
            Wanted::Sampled(sampler) => sampler.trace(topic, stamp).is_some(),
        }
    }

    /// Whether nobody reads it any more, or its time is over.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        let is_late = matches!(&self.wanted, Wanted::Topic { until, .. } if now >= *until);
        is_late || self.reports.is_closed()
    }

    /// Reports something; what finds no room is dropped and counted.
    pub fn tell(&self, seen: Seen) {
        match self.reports.try_send(seen) {
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                self.queue.add_dropped(1);
            }
            // Whoever followed has gone, which the ingest notices.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
        self.queue.set_depth(CAPACITY - self.reports.capacity());
    }
}

impl Reports {
    /// The next report; none when the trace is over. Safe to cancel.
    pub async fn next(&mut self) -> Option<Seen> {
        self.waiting.recv().await
    }

    /// How many were dropped since this was last asked.
    #[must_use]
    pub fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}
