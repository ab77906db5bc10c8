//! Following single updates through the gateway, for `tickcast trace` and for OpenTelemetry.
//!
//! An update that somebody follows carries a [`Mark`] through the hub. Who takes it from the bus and
//! each shard that passes it on tell the mark's [`Probe`]s what they saw and when, by a `try_send`
//! into a bounded queue. While nobody follows anything there is no mark: the ingest looks into an
//! empty list once an update, a pass finds no mark in its updates, and no clock is read for it.
//!
//! - [`probe`]: what follows updates, and what it is told
//! - [`fastest`]: how far the clocks of feed, bus and gateway are apart
//! - [`assembly`]: the reports on one update put together again
//! - [`line`](mod@line): what is told of it
//! - [`sampled`]: spans of sampled updates, for OpenTelemetry

pub mod assembly;
pub mod fastest;
pub mod line;
pub mod probe;
pub mod sampled;

pub use probe::{Mark, Passed, Probe, Seen, Taken};

use crate::hub::Update;
use fastest::{Clocks, Skew};
use std::{collections::HashMap, sync::Arc, time::Instant};
use tickcast_shared::{
    admin::{Queue, Queues},
    bus::{Group, Message, Record},
    clock::Micros,
    market::Topic,
    spans::Sampler,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Most traces at once: each costs the hub a report a shard for every update that it follows.
pub const MAX_TRACES: usize = 4;

/// Where those who want to follow updates come in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tracers {
    joining: mpsc::Sender<Arc<Probe>>,
    slots: Arc<Semaphore>,
    queue: Arc<Queue>,
}

impl Tracers {
    /// The entrance, and the ingest's end of it. `has_one_clock`: feed, bus and gateway are one process.
    #[must_use]
    pub fn new(queues: &Queues, has_one_clock: bool) -> (Self, Traces) {
        let (joining, joined) = mpsc::channel(MAX_TRACES);
        let queue = queues.register("trace", probe::CAPACITY);
        let slots = Arc::new(Semaphore::new(MAX_TRACES));
        let (probes, clocks) = (Vec::new(), HashMap::new());
        let traces = Traces { joined, probes, has_one_clock, clocks };
        (Self { joining, slots, queue }, traces)
    }

    /// A place for a trace; none when [`MAX_TRACES`] run.
    #[must_use]
    pub fn slot(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.clone().try_acquire_owned().ok()
    }

    /// Follows the updates that are sampled, for as long as the process runs.
    pub fn follow_sampled(&self, sampler: Sampler, queues: &Queues) -> Option<probe::Reports> {
        let queue = queues.register("trace_sampled", probe::CAPACITY);
        let (probe, reports) = Probe::of_sampled(sampler, queue);
        self.joining.try_send(probe).ok()?;
        Some(reports)
    }

    /// Follows a topic's updates until then; none when the gateway is stopping.
    pub async fn follow(
        &self,
        topic: Topic,
        slot: OwnedSemaphorePermit,
        until: Instant,
    ) -> Option<probe::Reports> {
        let (probe, reports) = Probe::of_topic(topic, slot, until, self.queue.clone());
        self.joining.send(probe).await.ok()?;
        Some(reports)
    }
}

/// The ingest's half: who follows which updates.
#[derive(Debug)]
pub struct Traces {
    joined: mpsc::Receiver<Arc<Probe>>,
    probes: Vec<Arc<Probe>>,
    /// Whether feed, bus and gateway read the same clock, so that there is nothing to compare.
    has_one_clock: bool,
    /// Kept only while something is followed.
    clocks: HashMap<Group, Clocks>,
}

/// An update as it came from the bus.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The bus server's clock when it was published; none if it came with a snapshot.
    pub bus: Option<Micros>,
    /// When the gateway took it.
    pub taken: Micros,
}

impl Traces {
    /// Waits for the next one that wants to follow updates.
    pub async fn joined(&mut self) -> Arc<Probe> {
        match self.joined.recv().await {
            Some(probe) => probe,
            None => std::future::pending().await,
        }
    }

    /// Takes it in.
    pub fn add(&mut self, probe: Arc<Probe>) {
        self.probes.push(probe);
    }

    /// Whether nothing is followed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.probes.is_empty()
    }

    /// Forgets those that have ended or whose time is over.
    pub fn prune(&mut self, now: Instant) {
        self.probes.retain(|probe| !probe.is_over(now));
        if self.probes.is_empty() {
            self.clocks.clear();
        }
    }

    /// A message has come: what its times tell of the clocks.
    pub fn heard(&mut self, message: &Message, taken: Micros) {
        if self.is_idle() {
            return;
        }
        let clocks = match self.clocks.get_mut(&message.group) {
            Some(clocks) => clocks,
            None => self.clocks.entry(message.group.clone()).or_default(),
        };
        let sent = message.heartbeat.as_ref().map(|heartbeat| heartbeat.sent);
        clocks.heard(sent, message.bus_time, taken);
    }

    /// Whether somebody follows the update. Not before a heartbeat of its feed was heard: until
    /// then nothing is known of the feed's clock.
    #[must_use]
    pub fn wants(&self, topic: &Topic, record: &Record) -> bool {
        self.probes.iter().any(|probe| probe.wants(topic, record.stamp))
            && self.clocks.get(&record.group).is_some_and(Clocks::is_known)
    }

    /// Marks what an update that is followed has led to, and tells who follows it.
    pub fn mark(&mut self, record: Arc<Record>, arrival: &Arrival, fresh: &mut [Update]) {
        let tick = fresh.iter_mut().find_map(|update| match update {
            Update::Tick(tick) if tick.stamp == record.stamp => Arc::get_mut(tick),
            _ => None,
        });
        // One that is not newer than what clients have is not told on.
        let Some(tick) = tick else { return };
        let Some(clocks) = self.clocks.get_mut(&record.group) else { return };
        if let Some(bus) = arrival.bus {
            clocks.published(record.published, bus, arrival.taken);
        }
        let stamp = record.stamp;
        let taken = Arc::new(Taken {
            id: tick.id,
            topic: tick.topic.clone(),
            state: tick.quote.state,
            record,
            arrival: arrival.clone(),
            skew: if self.has_one_clock { Skew::default() } else { clocks.skew() },
        });
        let wanting = self.probes.iter().filter(|probe| probe.wants(&tick.topic, stamp));
        let probes: Vec<Arc<Probe>> = wanting.cloned().collect();
        probes.iter().for_each(|probe| probe.tell(Seen::Taken(taken.clone())));
        tick.mark = Some(Box::new(Mark::new(&probes)));
    }
}

#[cfg(test)]
mod tests;
