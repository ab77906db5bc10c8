//! A swarm of WebSocket clients that checks and measures what it gets.
//!
//! - [`group`]: what the clients want
//! - `dial` -> `client` -> `reader` -> `frames`, `scan`, `check`: one connection, from the socket
//!   inwards; `slow`: connections that are not read
//! - `tally`: what a thread sees; [`part`]: the same in a form that adds up; [`Report`]: the sum
//! - [`phases`]: connecting, measuring, ending; [`remote`]: the same, told by another process
//! - [`server`]: CPU and memory of the server process

mod check;
mod client;
pub(crate) mod dial;
pub(crate) mod frames;
pub mod group;
mod held;
mod inflate;
pub mod latencies;
mod packed;
pub mod part;
pub mod phases;
pub(crate) mod progress;
mod reader;
pub mod remote;
pub mod report;
pub(crate) mod scan;
pub mod server;
pub(crate) mod slow;
mod table;
mod tally;

pub use dial::TargetError;
pub use group::Group;
pub use latencies::{Latencies, Latency};
pub use part::{Found, Part};
pub use phases::Swarm;
pub use report::{Report, ServerUse};

use crate::descriptors::DescriptorError;
use progress::Progress;
use report::Frame;
use serde::{Deserialize, Serialize};
use server::ServerError;
use std::{io, time::Duration};
use tokio_util::sync::CancellationToken;

/// Between the last connect and the window: present values and first reads pass by.
pub const SETTLE: Duration = Duration::from_millis(500);

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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SwarmConfig {
    /// The servers, `ws://HOST:PORT/ws`; clients take them in turns.
    pub urls: Vec<String>,
    /// What clients there are.
    pub groups: Vec<Group>,
    /// Number of the first client: another process has those before it.
    pub first: usize,
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
            urls: vec![url.into()],
            groups: vec![Group::new("all", 1)],
            first: 0,
            duration: Duration::from_secs(1),
            connect_rate: 0,
            check: false,
            tolerate_disconnects: false,
            server_pid: None,
            threads: 1,
            progress: false,
        }
    }

    /// Clients of all groups.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.groups.iter().map(|group| group.clients).sum()
    }
}

/// Connects all clients, measures for the configured time, and reports. A cancelled token ends
/// the window early.
///
/// # Errors
/// [`SwarmError`] when it could not run at all; whatever the server did wrong is in the report.
pub async fn run(config: SwarmConfig, token: CancellationToken) -> Result<Report, SwarmError> {
    let process = config.server_pid.map(|pid| pid.to_string());
    let cpu = || process.as_deref().map(server::cpu_seconds).transpose();
    let resident = || process.as_deref().map(server::resident_kib).transpose();
    let before = resident()?;
    let mut swarm = Swarm::start(&config).await?;
    let progress = Progress::new(config.progress, config.duration);
    progress.part("connecting", config.clients() as u64);
    let connecting = swarm.settle(&token, |settled| progress.at(settled as u64)).await;
    // Nothing to measure when nobody got in.
    let length = if swarm.connected() == 0 { Duration::ZERO } else { config.duration };
    wait(length.min(SETTLE), &token).await;
    let (connected_kib, cpu_before) = (resident()?, cpu()?);
    swarm.open()?;
    progress.part("measuring", length.as_secs());
    let begun = std::time::Instant::now();
    while begun.elapsed() < length && !token.is_cancelled() {
        progress.at(begun.elapsed().as_secs());
        wait(length.saturating_sub(begun.elapsed()).min(Duration::from_secs(1)), &token).await;
    }
    swarm.close()?;
    let (after_kib, cpu_after) = (resident()?, cpu()?);
    let part = swarm.finish().await?;
    let server = before.zip(connected_kib).zip(after_kib).zip(cpu_before.zip(cpu_after)).map(
        |(((before, connected), after), (from, to))| {
            ServerUse::new(&part, to - from, [before, connected, after])
        },
    );
    let expects_values = config.groups.iter().any(|group| !group.topics.is_empty());
    let frame = Frame {
        connecting,
        server,
        tolerate_disconnects: config.tolerate_disconnects,
        expects_values,
    };
    Ok(Report::new(part, frame))
}

async fn wait(span: Duration, token: &CancellationToken) {
    tokio::select! {
        () = token.cancelled() => {}
        () = tokio::time::sleep(span) => {}
    }
}
