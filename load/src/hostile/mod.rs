//! Hostile clients: what a server on the open internet meets, and whether it stands it.
//!
//! - [`kind`]: what they do; [`outcome`]: what becomes of them; [`verdict`]: whether that is good
//! - `stage`: what the clients of a run share; `ear`: what they hear
//! - `door`, `slow_head`, `dials`: before the upgrade; `frames`, `commands`, `silent`: after it;
//!   `rest`: without one
//! - [`report`]: for people and programs

mod commands;
mod dials;
mod door;
mod ear;
mod frames;
pub mod kind;
pub mod outcome;
pub mod report;
mod rest;
mod silent;
mod slow_head;
mod stage;
mod tokens;
pub mod verdict;

pub use door::with_token;
pub use kind::Kind;
pub use outcome::{Outcome, Sighting};
pub use report::HostileReport;

use crate::{
    descriptors::{self, DescriptorError},
    swarm::{TargetError, dial::Target, progress::Progress},
};
use outcome::Story;
use stage::Stage;
use std::{
    net::{IpAddr, Ipv4Addr},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// After the end: what is on its way may still arrive.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What hostile clients shall do.
#[derive(Debug, Clone)]
pub struct HostileConfig {
    /// The server's WebSocket.
    pub url: String,
    /// What they do.
    pub kind: Kind,
    /// How many.
    pub clients: usize,
    /// How long.
    pub duration: Duration,
    /// Dials, commands, fragments or requests a second (commands and fragments: of each client).
    pub rate: u32,
    /// What `stalled` subscribes to.
    pub topics: Vec<String>,
    /// Loopback address to dial from.
    pub source: Option<Ipv4Addr>,
    /// How soon the server shall have answered; nothing: as the kind demands.
    pub within: Option<Duration>,
    /// The server may be attacked though it is not on this machine.
    pub is_own_server: bool,
    /// Show progress when a person looks.
    pub progress: bool,
}

impl HostileConfig {
    /// Of that kind, with its own numbers.
    #[must_use]
    pub fn new(url: impl Into<String>, kind: Kind) -> Self {
        Self {
            url: url.into(),
            kind,
            clients: kind.clients(),
            duration: kind.duration(),
            rate: kind.rate(),
            topics: vec!["*-USDT".to_owned()],
            source: None,
            within: None,
            is_own_server: false,
            progress: false,
        }
    }

    /// Clients, or dials where each is one of its own.
    fn events(&self) -> usize {
        match self.kind.is_dialling() {
            // Seconds and dials a second, both small.
            true => (self.duration.as_secs_f64() * f64::from(self.rate)).max(1.0) as usize,
            false => self.clients,
        }
    }
}

/// Hostile clients cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum HostileError {
    /// The address cannot be dialled.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// It is not this machine's.
    #[error(
        "{0} is not on this machine; attack no server but your own: if it is one, say --i-own-this-server"
    )]
    NotYours(IpAddr),
    /// Too few descriptors.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// A client broke.
    #[error("a client broke: {0}")]
    Broken(String),
}

/// Sends the clients, waits until all are answered or the time is over, and judges the server.
///
/// # Errors
/// [`HostileError`] when they cannot be sent; whatever the server does is in the report.
pub async fn run(
    config: HostileConfig,
    token: CancellationToken,
) -> Result<HostileReport, HostileError> {
    let target = Target::find(&config.url).await?;
    let ip = target.address.ip();
    if !ip.is_loopback() && !config.is_own_server {
        return Err(HostileError::NotYours(ip));
    }
    descriptors::provide(config.clients)?;
    let events = config.events();
    let progress = Progress::new(config.progress, config.duration);
    progress.part("attacking", config.duration.as_secs());
    let stage = Arc::new(Stage::new(config, target));
    let mut clients = JoinSet::new();
    for number in 0..events {
        let stage = stage.clone();
        clients.spawn(async move { stage.play(number).await });
    }
    let mut all = Story::default();
    let mut looks = interval(SHOW_EVERY);
    let mut last = pin!(sleep_until(stage.end + LAST_WORDS));
    loop {
        tokio::select! {
            () = token.cancelled() => break,
            () = &mut last => break,
            _ = looks.tick() => progress.at(stage.begun.elapsed().as_secs()),
            joined = clients.join_next() => match joined {
                Some(Ok(story)) => all.merge(story),
                Some(Err(error)) => return Err(HostileError::Broken(error.to_string())),
                None => break,
            },
        }
    }
    let missing = clients.len();
    clients.shutdown().await;
    Ok(HostileReport::new(&stage.config, all, missing, stage.begun.elapsed()))
}
