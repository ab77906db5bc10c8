//! Publishing in an open loop: update k of a topic is due at start + k/rate and carries that time,
//! whatever became of the ones before.

mod bus;
mod http;
mod nats;
mod redis;
mod sink;

pub use bus::{BusSink, EXCHANGE};
pub use http::HttpSink;
pub use nats::NatsSink;
pub use redis::RedisSink;
pub use sink::{Payload, Sink};

use crate::{
    swarm::latencies::{Latencies, Latency},
    venue::schedule::Schedule,
};
use serde::Serialize;
use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tickcast_shared::clock::{Clock, Micros};

/// How often a waiting publisher looks whether there is something else to do.
const LOOK_AROUND: Duration = Duration::from_millis(20);
/// Priority of the publishing thread (`nice`): behind the clients on the same core it would be late.
const PRIORITY: i32 = -5;
/// Most updates of one call: what is due beyond them goes with the next.
const MAX_CALL: usize = 4096;

/// Publishing failed for good.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot publish: {0}")]
pub struct PublishError(pub String);

impl From<io::Error> for PublishError {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// One update that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update {
    /// Number of its topic.
    pub topic: usize,
    /// Counts those of its topic, from 1.
    pub seq: u64,
    /// When it was due.
    pub due: Micros,
}

/// What is published, and when.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Names of the topics.
    pub topics: Vec<String>,
    /// Updates a second of each.
    pub rate: u32,
    /// All topics at the same moment.
    pub together: bool,
    /// Bytes of a payload.
    pub size: usize,
}

/// What was published since the counts were last started anew.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// Updates.
    pub updates: u64,
    /// Calls that carried them.
    pub calls: u64,
    /// How late an update's call began after its due time.
    pub lag: Option<Latency>,
}

#[derive(Debug, Default)]
struct Counts {
    updates: u64,
    calls: u64,
    lag: Latencies,
    failed: Option<PublishError>,
}

#[derive(Debug, Default)]
struct Shared {
    traffic: AtomicBool,
    stop: AtomicBool,
    counts: Mutex<Counts>,
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that publishes. Dropped, it ends.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Starts the thread; `connect` is called in it. Returns when the sink is there; updates flow
    /// from [`Self::begin`] on.
    ///
    /// # Errors
    /// [`PublishError`] when the sink cannot be had.
    pub fn start(
        plan: Plan,
        connect: impl FnOnce(&Clock) -> Result<Sink, PublishError> + Send + 'static,
    ) -> Result<Self, PublishError> {
        let shared = Arc::new(Shared::default());
        let (told, outcome) = mpsc::sync_channel(1);
        let theirs = shared.clone();
        let run = move || {
            // For this thread only, and only if the system lets us: otherwise the lag tells.
            let _ = rustix::process::setpriority_process(None, PRIORITY);
            let clock = Clock::start();
            match connect(&clock) {
                Ok(sink) => {
                    let _ = told.send(Ok(()));
                    if let Err(error) = publish(&plan, &clock, sink, &theirs) {
                        theirs.counts().failed = Some(error);
                    }
                }
                Err(error) => _ = told.send(Err(error)),
            }
        };
        let thread = std::thread::Builder::new().name("bench-publisher".to_owned()).spawn(run)?;
        let publisher = Self { shared, thread: Some(thread) };
        let broken = |_| PublishError("the publishing thread panicked".to_owned());
        outcome.recv().map_err(broken)??;
        Ok(publisher)
    }

    /// Lets updates flow.
    pub fn begin(&self) {
        self.shared.traffic.store(true, Ordering::Relaxed);
    }

    /// Starts the counts anew.
    pub fn reset(&self) {
        let mut counts = self.shared.counts();
        *counts = Counts { failed: counts.failed.take(), ..Counts::default() };
    }

    /// What was published since [`Self::reset`].
    ///
    /// # Errors
    /// [`PublishError`] when publishing has failed.
    pub fn counts(&self) -> Result<Published, PublishError> {
        let counts = self.shared.counts();
        match &counts.failed {
            Some(error) => Err(error.clone()),
            None => Ok(Published {
                updates: counts.updates,
                calls: counts.calls,
                lag: counts.lag.summary(),
            }),
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic has been printed by its own thread.
            let _ = thread.join();
        }
    }
}

fn publish(
    plan: &Plan,
    clock: &Clock,
    mut sink: Sink,
    shared: &Shared,
) -> Result<(), PublishError> {
    let has_stopped = || shared.stop.load(Ordering::Relaxed);
    while plan.rate == 0 || !shared.traffic.load(Ordering::Relaxed) {
        if has_stopped() {
            return Ok(());
        }
        sink.idle(clock)?;
        std::thread::park_timeout(LOOK_AROUND);
    }
    let lanes = if plan.together { 1 } else { plan.topics.len() };
    let schedule = Schedule::new(lanes, plan.rate, Duration::from_secs(1));
    let (start, mut beat) = (Instant::now(), 0_u64);
    let mut updates = Vec::new();
    while !has_stopped() {
        sink.idle(clock)?;
        let now = Instant::now();
        let due = start + schedule.due(beat);
        if due > now {
            std::thread::park_timeout((due - now).min(LOOK_AROUND));
            continue;
        }
        updates.clear();
        let mut lags = Vec::new();
        while updates.len() < MAX_CALL && start + schedule.due(beat) <= now {
            let due = start + schedule.due(beat);
            let topics = match plan.together {
                true => 0..plan.topics.len(),
                false => schedule.lane(beat)..schedule.lane(beat) + 1,
            };
            let seq = beat / lanes as u64 + 1;
            updates.extend(topics.map(|topic| Update { topic, seq, due: clock.at(due) }));
            lags.push(now - due);
            beat += 1;
        }
        sink.send(plan, clock, &updates)?;
        let mut counts = shared.counts();
        counts.updates += updates.len() as u64;
        counts.calls += 1;
        for lag in lags {
            counts.lag.record(u64::try_from(lag.as_micros()).unwrap_or(u64::MAX));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader},
        net::{TcpListener, TcpStream},
    };

    #[test]
    fn updates_come_at_their_times_with_their_stamps() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let topics = vec!["A-B".to_owned(), "C-D".to_owned()];
        let plan = Plan { topics, rate: 100, together: true, size: 200 };
        let connect = move |_: &Clock| {
            let line = r#"{"to":"{topic}","data":"{payload_text}"}"#.to_owned();
            Ok(Sink::Tcp(TcpStream::connect(address)?, line))
        };
        let publisher = Publisher::start(plan, connect).unwrap();
        publisher.begin();
        let (stream, _) = listener.accept().unwrap();
        // The publisher goes on: the socket must live for as long.
        let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
        for (number, line) in lines.by_ref().take(40).enumerate() {
            let outer: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(outer["to"], ["A-B", "C-D"][number % 2]);
            let text = outer["data"].as_str().unwrap();
            let inner: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!((inner["seq"].as_u64(), text.len()), (Some(number as u64 / 2 + 1), 200));
        }
        let counts = publisher.counts().unwrap();
        assert!(counts.updates >= 38 && counts.lag.unwrap().count >= 19, "{counts:?}");
        publisher.reset();
        assert!(publisher.counts().unwrap().updates < 38);
    }

    #[test]
    fn a_sink_that_cannot_be_had_is_an_error() {
        let plan = Plan { topics: vec!["A-B".to_owned()], rate: 1, together: false, size: 200 };
        let error = Publisher::start(plan, |_| Err(PublishError("gone".to_owned()))).unwrap_err();
        assert_eq!(error.to_string(), "cannot publish: gone");
    }
}
