//! A swarm of WebSocket clients that checks and measures what it gets.
//!
//! - `dial` -> `client` -> `frames`, `scan`, `check`: one connection, from the socket inwards
//! - `tally`: what a thread has seen; [`Report`]: what all have
//! - [`server`]: CPU and memory of the server process

mod check;
mod client;
mod dial;
mod frames;
mod progress;
pub mod report;
mod scan;
pub mod server;
mod table;
mod tally;

pub use dial::TargetError;
pub use report::{Found, Latency, Report, ServerUse};

use crate::descriptors::{self, DescriptorError};
use client::{Local, Shared};
use dial::Target;
use progress::Progress;
use server::ServerError;
use std::{
    cell::RefCell,
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tally::Tally;
use tickcast_shared::clock::Clock;
use tokio::{sync::Semaphore, task::LocalSet};
use tokio_util::sync::CancellationToken;

/// Dials at the same time per thread; more would only wait in the server's backlog.
const DIALS_AT_ONCE: usize = 512;
/// How often the coordinator looks at its clients.
const LOOK: Duration = Duration::from_millis(20);
/// Between the last connect and the window: present values and first reads pass by.
const SETTLE: Duration = Duration::from_millis(500);

/// Why a swarm could not run.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// The address cannot be dialled.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Too few descriptors.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// The server process cannot be looked at.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A thread or its event loop did not start.
    #[error("cannot start a thread of clients: {0}")]
    Thread(#[from] io::Error),
    /// A thread of clients broke.
    #[error("a thread of clients broke: {0}")]
    Broken(String),
}

/// What a swarm shall do.
#[derive(Debug, Clone)]
pub struct SwarmConfig {
    /// The server, `ws://HOST:PORT/ws`.
    pub url: String,
    /// How many clients.
    pub clients: usize,
    /// What each subscribes to in its address; nothing: idle connections.
    pub topics: Vec<String>,
    /// Length of the measured window.
    pub duration: Duration,
    /// Dials per second; 0: as fast as they are answered.
    pub connect_rate: u32,
    /// Parse and check every message.
    pub check: bool,
    /// Clients that are cut off do not make the run a failure.
    pub tolerate_disconnects: bool,
    /// The server's process, to be measured.
    pub server_pid: Option<u32>,
    /// Threads of clients.
    pub threads: usize,
    /// Show progress when a person looks.
    pub progress: bool,
}

impl SwarmConfig {
    /// One client of a server that measures for a second.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            clients: 1,
            topics: Vec::new(),
            duration: Duration::from_secs(1),
            connect_rate: 0,
            check: false,
            tolerate_disconnects: false,
            server_pid: None,
            threads: 1,
            progress: false,
        }
    }
}

/// Connects all clients, measures for the configured time, and reports. A cancelled token ends
/// the window early.
///
/// # Errors
/// [`SwarmError`] when it could not run at all; whatever the server did wrong is in the report.
pub async fn run(config: SwarmConfig, token: CancellationToken) -> Result<Report, SwarmError> {
    descriptors::provide(config.clients)?;
    let target = Target::find(&config.url, &config.topics).await?;
    let process = config.server_pid.map(|pid| pid.to_string());
    let before = process.as_deref().map(server::resident_kib).transpose()?;
    let shared = Arc::new(Shared {
        target,
        check: config.check,
        clock: Clock::start(),
        measuring: AtomicBool::new(false),
        connected: AtomicUsize::new(0),
        failed: AtomicUsize::new(0),
        stop: CancellationToken::new(),
    });
    let threads = start_threads(&config, &shared)?;
    // Whatever goes wrong from here on, the threads are told to end.
    let stop = shared.stop.clone().drop_guard();
    let progress = Progress::new(config.progress, config.duration);
    let connecting = connect(&config, &shared, &progress, &token).await;
    let measured = measure(&config, &shared, &progress, &token, process.as_deref()).await?;
    drop(stop);
    let tallies = join(threads).await?;
    let connected = shared.connected.load(Ordering::Relaxed);
    let frame = report::Frame {
        clients: config.clients,
        connected,
        connecting,
        window: measured.window,
        own_cpu_share: measured.own_cpu_share / config.threads.max(1) as f64,
        tolerate_disconnects: config.tolerate_disconnects,
        expects_values: !config.topics.is_empty(),
    };
    let mut report = report::merge(&frame, tallies);
    report.server = measured.server.zip(before).map(|(used, before)| {
        let growth = |kib: u64| kib.saturating_sub(before) as f64 / connected as f64;
        let per_delivery = used.cpu_seconds * 1e6 / report.deliveries as f64;
        ServerUse {
            cpu_seconds: used.cpu_seconds,
            cpu_us_per_delivery: (report.deliveries > 0).then_some(per_delivery),
            rss_before_kib: before,
            rss_connected_kib: used.connected_kib,
            rss_after_kib: used.after_kib,
            kib_per_connection: (connected > 0).then(|| growth(used.connected_kib)),
            kib_per_connection_after: (connected > 0).then(|| growth(used.after_kib)),
        }
    });
    Ok(report)
}

/// What was measured from outside the clients.
struct Measured {
    window: Duration,
    /// Of one core.
    own_cpu_share: f64,
    server: Option<ServerWindow>,
}

struct ServerWindow {
    cpu_seconds: f64,
    connected_kib: u64,
    after_kib: u64,
}

/// Waits until every client has connected or failed.
async fn connect(
    config: &SwarmConfig,
    shared: &Shared,
    progress: &Progress,
    token: &CancellationToken,
) -> Duration {
    let begun = Instant::now();
    progress.part("connecting", config.clients as u64);
    while !token.is_cancelled() {
        let settled =
            shared.connected.load(Ordering::Relaxed) + shared.failed.load(Ordering::Relaxed);
        progress.at(settled as u64);
        if settled >= config.clients {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    begun.elapsed()
}

async fn measure(
    config: &SwarmConfig,
    shared: &Shared,
    progress: &Progress,
    token: &CancellationToken,
    process: Option<&str>,
) -> Result<Measured, ServerError> {
    let cpu = || process.map(server::cpu_seconds).transpose();
    let resident = || process.map(server::resident_kib).transpose();
    // Nothing to measure when nobody got in.
    let nobody = shared.connected.load(Ordering::Relaxed) == 0;
    let length = if nobody { Duration::ZERO } else { config.duration };
    wait(if nobody { Duration::ZERO } else { SETTLE }, token).await;
    let (connected_kib, cpu_before, own_before) =
        (resident()?, cpu()?, server::cpu_seconds("self")?);
    let begun = Instant::now();
    shared.measuring.store(true, Ordering::Relaxed);
    progress.part("measuring", length.as_secs());
    while begun.elapsed() < length && !token.is_cancelled() {
        progress.at(begun.elapsed().as_secs());
        wait(length.saturating_sub(begun.elapsed()).min(Duration::from_secs(1)), token).await;
    }
    shared.measuring.store(false, Ordering::Relaxed);
    let window = begun.elapsed();
    let own = server::cpu_seconds("self")? - own_before;
    let used = cpu()?.zip(cpu_before).map(|(after, before)| after - before);
    let server = used.zip(connected_kib).zip(resident()?).map(
        |((cpu_seconds, connected_kib), after_kib)| ServerWindow {
            cpu_seconds,
            connected_kib,
            after_kib,
        },
    );
    let own_cpu_share = own / window.as_secs_f64().max(f64::MIN_POSITIVE);
    Ok(Measured { window, own_cpu_share: if nobody { 0.0 } else { own_cpu_share }, server })
}

async fn wait(span: Duration, token: &CancellationToken) {
    tokio::select! {
        () = token.cancelled() => {}
        () = tokio::time::sleep(span) => {}
    }
}

type Thread = JoinHandle<Result<Tally, String>>;

fn start_threads(config: &SwarmConfig, shared: &Arc<Shared>) -> io::Result<Vec<Thread>> {
    let threads = config.threads.clamp(1, config.clients.max(1));
    let begun = tokio::time::Instant::now();
    let dial_at = |client: usize| match config.connect_rate {
        0 => begun,
        rate => begun + Duration::from_secs(client as u64) / rate,
    };
    let start = |thread: usize| {
        let dials: Vec<_> = (thread..config.clients).step_by(threads).map(dial_at).collect();
        let shared = shared.clone();
        let name = format!("swarm-{thread}");
        std::thread::Builder::new().name(name).spawn(move || clients(&shared, dials))
    };
    (0..threads).map(start).collect()
}

/// One thread: its own event loop, its share of the clients.
fn clients(shared: &Arc<Shared>, dials: Vec<tokio::time::Instant>) -> Result<Tally, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let local = Local {
        shared: shared.clone(),
        tally: Rc::new(RefCell::new(Tally::new().map_err(|error| error.to_string())?)),
        dials: Rc::new(Semaphore::new(DIALS_AT_ONCE)),
    };
    let set = LocalSet::new();
    for at in dials {
        set.spawn_local(client::run(local.clone(), at));
    }
    runtime.block_on(set);
    let Local { tally, .. } = local;
    // The set has run to its end, so the clients have let go.
    Rc::try_unwrap(tally).map(RefCell::into_inner).map_err(|_| "clients still run".to_owned())
}

async fn join(threads: Vec<Thread>) -> Result<Vec<Tally>, SwarmError> {
    let joined = tokio::task::spawn_blocking(move || {
        let outcome = |thread: Thread| match thread.join() {
            Ok(tally) => tally.map_err(SwarmError::Broken),
            Err(_) => Err(SwarmError::Broken("it panicked".to_owned())),
        };
        threads.into_iter().map(outcome).collect()
    });
    joined.await.map_err(|error| SwarmError::Broken(error.to_string()))?
}
