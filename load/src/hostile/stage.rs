//! What the clients of a run share: the server, the time, and how they get in.

use super::{
    HostileConfig, Kind, commands, dials, door,
    ear::Ear,
    frames,
    outcome::{Outcome, Story},
    rest, silent, slow_head,
};
use crate::swarm::dial::{self, Opening, Target};
use std::{net::Ipv4Addr, time::Duration};
use tokio::{
    net::tcp::OwnedWriteHalf,
    sync::Semaphore,
    time::{Instant, sleep_until, timeout_at},
};

/// Dials at the same time of kinds that are not about dialling.
const DIALS: usize = 128;

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) config: HostileConfig,
    pub(super) target: Target,
    pub(super) begun: Instant,
    /// When all of it is over.
    pub(super) end: Instant,
    dials: Semaphore,
}

impl Stage {
    pub(super) fn new(config: HostileConfig, target: Target) -> Self {
        let begun = Instant::now();
        let end = begun + config.duration;
        Self { config, target, begun, end, dials: Semaphore::new(DIALS) }
    }

    /// What one client does, and what becomes of it.
    pub(super) async fn play(&self, number: usize) -> Story {
        match self.config.kind {
            Kind::Slowloris | Kind::IdleDial => slow_head::run(self, number).await,
            Kind::DialStorm | Kind::ForgedForwarded => dials::storm(self, number).await,
            Kind::Connections => dials::hold(self, number).await,
            Kind::Flood | Kind::UnknownTopics => commands::run(self, number).await,
            Kind::Junk
            | Kind::Giant
            | Kind::Fragments
            | Kind::Trickle
            | Kind::BadUtf8
            | Kind::ReservedBits
            | Kind::Unmasked => frames::run(self, number).await,
            Kind::Stalled => silent::stall(self, number).await,
            Kind::Vanish => silent::vanish(self, number).await,
            Kind::Origin => door::origin(self, number).await,
            Kind::BadToken => door::token(self, number).await,
            Kind::RestFlood => rest::run(self, number).await,
        }
    }

    /// The time between two events at the rate of `parts` who share it.
    pub(super) fn pace(&self, parts: usize) -> Duration {
        // A count of clients, at most a few thousand.
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        Duration::from_secs(1) * parts / self.config.rate.max(1)
    }

    pub(super) fn opening(&self, number: usize) -> Opening<'static> {
        Opening { source: self.source(number), ..Opening::default() }
    }

    fn source(&self, number: usize) -> Option<Ipv4Addr> {
        self.config.source.or_else(|| dial::source(number))
    }

    /// Waits for its turn to dial, then shakes hands; whoever gets no answer before the end of it
    /// all got none.
    pub(super) async fn enter(
        &self,
        opening: &Opening<'_>,
    ) -> Result<(Ear, OwnedWriteHalf), Story> {
        let asked = Instant::now();
        let dialling = async {
            let _turn = self.dials.acquire().await;
            let begun = Instant::now();
            let dialled = self.target.dial(opening).await;
            dialled.map_err(|refused| Story::of(refused.into(), begun.elapsed()))
        };
        let dialled = timeout_at(self.end, dialling).await;
        let (stream, early) =
            dialled.unwrap_or_else(|_| Err(Story::of(Outcome::NoAnswer, asked.elapsed())))?;
        let (read, write) = stream.into_split();
        Ok((Ear::new(read, early), write))
    }

    /// What happens until the end; [`Outcome::Served`] when nothing did.
    pub(super) async fn until_end(&self, over: impl Future<Output = Outcome>) -> Outcome {
        tokio::select! {
            biased;
            outcome = over => outcome,
            () = sleep_until(self.end) => Outcome::Served,
        }
    }
}
