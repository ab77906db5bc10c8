//! Reads topics from the bus for the store, one after another, beside whatever else is going on.

use std::collections::VecDeque;
use tickcast_shared::{
    bus::{Bars, Bus, Error},
    market::{Bar, Topic},
};
use tokio::task::JoinSet;

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Whose bars.
    pub topic: Topic,
    /// How many of the newest.
    pub limit: usize,
    /// What was known to be missing when it was asked for; see [`crate::ingest::lines`].
    pub generation: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// What was asked.
    pub job: Job,
    /// The bars, oldest first.
    pub bars: Result<Vec<Bar>, Error>,
}

/// Reads one topic at a time: there is one connection. A topic waits here once at most, so the queue
/// is no longer than the list of topics.
#[derive(Debug)]
pub struct Reader {
    bus: Bus,
    idle: Option<Bars>,
    queue: VecDeque<Job>,
    running: JoinSet<(Bars, Done)>,
    failed: Vec<Done>,
}

impl Reader {
    /// A reader that has nothing to do.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        let idle = Some(bus.bars());
        let (queue, running, failed) = Default::default();
        Self { bus, idle, queue, running, failed }
    }

    /// Adds something to be read.
    pub fn push(&mut self, job: Job) {
        self.queue.push_back(job);
        self.go_on();
    }

    fn go_on(&mut self) {
        if !self.running.is_empty() {
            return;
        }
        let Some(job) = self.queue.pop_front() else { return };
        let mut bars = self.idle.take().unwrap_or_else(|| self.bus.bars());
        self.running.spawn(async move {
            let read = bars.read(&job.topic, None, job.limit).await;
            (bars, Done { job, bars: read })
        });
    }

    /// Waits for the next result. Safe to cancel. When the bus cannot be reached, all that waits has
    /// failed with it: to try each would make the last one wait for minutes.
    pub async fn next(&mut self) -> Done {
        if let Some(done) = self.failed.pop() {
            return done;
        }
        loop {
            match self.running.join_next().await {
                Some(Ok((bars, done))) => {
                    self.idle = Some(bars);
                    if let Err(error) = &done.bars {
                        let failed = |job| Done { job, bars: Err(error.clone()) };
                        self.failed = self.queue.drain(..).map(failed).collect();
                    }
                    self.go_on();
                    return done;
                }
                // Its task was given up or panicked; whoever asked asks again.
                Some(Err(_)) => self.go_on(),
                None => std::future::pending().await,
            }
        }
    }
}
