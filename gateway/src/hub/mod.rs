//! The fan-out: topics, cohorts of connections that want the same bytes, members.
//!
//! One thread a shard; a connection lives on one shard from its upgrade to its end, so nothing here
//! is locked except the [`mailbox`] through which updates arrive.

pub mod backlog;
pub mod bars;
pub mod cohorts;
pub mod configure;
pub mod drain;
pub mod fan;
pub mod filter;
pub mod followed;
pub mod gate;
pub mod load;
pub mod mailbox;
pub mod members;
pub mod owed;
pub mod pass;
#[cfg(all(feature = "io-uring", target_os = "linux"))]
pub mod ring;
pub mod sender;
pub mod shard;
pub mod stage;
pub mod statuses;
pub mod sweep;
pub mod table;
pub mod tally;
pub mod topics;
pub mod unfinished;
pub mod update;
pub mod worker;

pub use fan::Change;
pub use members::MemberId;
pub use table::{Settings, Table};
pub use update::{About, BarMark, BarsNews, Key, Quote, Status, Tick, TopicId, Update};

use crate::{auth::Auth, bars::BarStore, client::Dialled, config::GatewayConfig, metrics::Metrics};
use mailbox::Mailbox;
use serde::Serialize;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tickcast_shared::{admin::Queues, clock::Clock, progress::Progress};
use tokio::sync::{mpsc, oneshot};

/// Connections that may wait for a shard to take them over. A shard takes them as fast as it can
/// schedule; a full queue makes the upgrade wait, which is the right brake for a storm.
const HANDOVER_CAPACITY: usize = 1024;

/// What a shard is told apart from updates.
#[derive(Debug)]
pub enum Command {
    /// Serve this connection.
    Serve(Box<Dialled>),
    /// Say how the connections are.
    Report(oneshot::Sender<Report>),
    /// Close all connections, spread over the window; answer when none is left.
    Drain(oneshot::Sender<()>),
    /// Close the slowest: memory is short.
    Shed,
    /// Work by these settings from now on; answer once every connection does.
    Configure(Arc<GatewayConfig>, Option<Arc<Auth>>, oneshot::Sender<()>),
}

/// How a shard's connections are.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Connections in a cohort, or without a subscription.
    pub open: usize,
    /// Connections that are being sent present values.
    pub subscribing: usize,
    /// Connections that are slow and get newest values only.
    pub lagging: usize,
    /// Connections that have been told to go.
    pub closing: usize,
    /// Cohorts in use.
    pub cohorts: usize,
    /// Connections whose socket has been full for longest.
    pub slowest: Vec<SlowClient>,
}

/// A connection whose socket is full.
#[derive(Debug, Serialize)]
pub struct SlowClient {
    /// As in its `welcome`.
    pub connection_id: String,
    /// Where it comes from.
    pub peer: String,
    /// Whose key or token it showed.
    pub subject: Option<String>,
    /// How long its socket has not accepted what it was given.
    pub blocked_ms: u64,
    /// Updates that gave way to newer ones since it began to lag.
    pub skipped: u64,
}

/// The way to all shards. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    shards: Arc<[Handle]>,
    next: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Handle {
    mailbox: Arc<Mailbox>,
    commands: mpsc::Sender<Command>,
}

impl Hub {
    /// Starts the shards' threads.
    ///
    /// # Errors
    /// When a thread or its runtime cannot be made.
    pub fn start(
        config: &Arc<GatewayConfig>,
        auth: Option<Arc<Auth>>,
        bars: &BarStore,
        clock: Clock,
        queues: &Queues,
        metrics: &Metrics,
        progress: &Progress,
    ) -> std::io::Result<(Self, worker::Alive)> {
        let (alive, alive_guard) = worker::Alive::new();
        let start = |number: usize| {
            let mailbox = Arc::new(Mailbox::new(number, queues, metrics.conflated.clone()));
            let (commands, inbox) = mpsc::channel(HANDOVER_CAPACITY);
            worker::spawn(worker::Worker {
                number,
                config: config.clone(),
                auth: auth.clone(),
                bars: bars.clone(),
                clock,
                metrics: metrics.clone(),
                mailbox: mailbox.clone(),
                commands: inbox,
                alive: alive_guard.clone(),
                progress: progress.clone(),
            })?;
            Ok(Handle { mailbox, commands })
        };
        let shards = (0..config.shard_count()).map(start).collect::<std::io::Result<Arc<_>>>()?;
        Ok((Self { shards, next: Arc::default() }, alive))
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Hands updates to every shard, in order. Never waits.
    pub fn publish(&self, updates: &[(Key, Update)]) {
        if !updates.is_empty() {
            let now = Instant::now();
            for shard in self.shards.iter() {
                shard.mailbox.push(updates, now);
            }
        }
    }

    /// Hands a connection to the shard whose turn it is.
    ///
    /// # Errors
    /// Gives the connection back when the shards are gone.
    pub async fn serve(&self, connection: Dialled) -> Result<(), Command> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.shards.len();
        let command = Command::Serve(Box::new(connection));
        self.shards[turn].commands.send(command).await.map_err(|refused| refused.0)
    }

    /// How all connections are.
    pub async fn report(&self) -> Report {
        let mut all = Report::default();
        for shard in self.shards.iter() {
            let (answer, answered) = oneshot::channel();
            if shard.commands.send(Command::Report(answer)).await.is_ok()
                && let Ok(report) = answered.await
            {
                all.add(report);
            }
        }
        all
    }

    /// Closes the slowest connections of every shard.
    pub async fn shed(&self) {
        for shard in self.shards.iter() {
            // An error means that the shard is gone, and its connections with it.
            let _ = shard.commands.send(Command::Shed).await;
        }
    }

    /// Puts other settings in force on every shard; returns when all connections follow them.
    pub async fn configure(&self, config: &Arc<GatewayConfig>, auth: Option<&Arc<Auth>>) {
        let command = |done| Command::Configure(config.clone(), auth.cloned(), done);
        self.tell_all(command).await;
    }

    /// Closes all connections, spread over the drain window; returns when none is left.
    pub async fn drain(&self) {
        self.tell_all(Command::Drain).await;
    }

    /// Tells every shard, and waits until all have done it.
    async fn tell_all(&self, command: impl Fn(oneshot::Sender<()>) -> Command) {
        let mut answers = Vec::new();
        for shard in self.shards.iter() {
            let (done, is_done) = oneshot::channel();
            if shard.commands.send(command(done)).await.is_ok() {
                answers.push(is_done);
            }
        }
        for is_done in answers {
            // An error means that the shard is gone, and its connections with it.
            let _ = is_done.await;
        }
    }
}

/// How many of the slowest clients `/connections` names.
const SLOWEST_SHOWN: usize = 10;

impl Report {
    fn add(&mut self, other: Self) {
        self.open += other.open;
        self.subscribing += other.subscribing;
        self.lagging += other.lagging;
        self.closing += other.closing;
        self.cohorts += other.cohorts;
        self.slowest.extend(other.slowest);
        self.slowest.sort_by_key(|client| std::cmp::Reverse(client.blocked_ms));
        self.slowest.truncate(SLOWEST_SHOWN);
    }
}
