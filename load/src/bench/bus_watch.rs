//! A reader of the bus beside the gateways: how long an update is on its way through Redis.

use super::publish::PublishError;
use crate::swarm::{Latencies, Latency};
use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};
use tickcast_shared::{
    bus::{Bus, Event, redis::Redis},
    clock::Clock,
};
use tokio::runtime::Builder;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A thread that reads the bus. Dropped, it ends.
#[derive(Debug)]
pub struct BusWatch {
    seen: Arc<Mutex<Latencies>>,
    thread: Option<JoinHandle<()>>,
    stop: Option<DropGuard>,
}

impl BusWatch {
    /// Starts to read.
    ///
    /// # Errors
    /// [`PublishError`] when the address is no good or no thread is to be had.
    pub fn start(redis: &str) -> Result<Self, PublishError> {
        let bus = Redis::open(redis).map_err(|error| PublishError(error.to_string()))?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let seen = Arc::new(Mutex::new(Latencies::default()));
        let stop = CancellationToken::new();
        let (theirs, stopped) = (seen.clone(), stop.clone());
        let read = move || {
            let reading = read(Bus::Redis(bus), &theirs);
            runtime.block_on(stopped.run_until_cancelled(reading));
        };
        let thread = std::thread::Builder::new().name("bench-bus".to_owned()).spawn(read)?;
        Ok(Self { seen, thread: Some(thread), stop: Some(stop.drop_guard()) })
    }

    /// Forgets what was seen.
    pub fn reset(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Latencies::default();
    }

    /// From publishing to receipt, since [`Self::reset`].
    #[must_use]
    pub fn latency(&self) -> Option<Latency> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).summary()
    }
}

impl Drop for BusWatch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been printed by its own thread.
            let _ = thread.join();
        }
    }
}

async fn read(bus: Bus, seen: &Mutex<Latencies>) {
    let (clock, mut subscriber) = (Clock::start(), bus.subscriber());
    loop {
        let Event::Message(_, message) = subscriber.next().await else { continue };
        let now = clock.now();
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, record) in &message.puts {
            let micros = now.since(record.published).as_micros();
            seen.record(u64::try_from(micros).unwrap_or(u64::MAX));
        }
    }
}
