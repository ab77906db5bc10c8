//! The whole way that a price takes, about to suffer: a simulated exchange, feeds, Redis, gateways,
//! and a client that hears everything.
//!
//! - `redis`: a Redis of our own; `role`: feeds and gateways; `witness`: the client
//! - `fleet`: several gateways behind HAProxy

mod fleet;
mod redis;
mod role;
mod witness;

pub(super) use fleet::{Fleet, Rolled, SHARDS, WINDOW};
pub(super) use redis::Redis;
pub(super) use role::Role;
pub(super) use witness::{Heard, Witness};

use super::{FaultsConfig, FaultsError};
use crate::{
    bench::order::free_port,
    venue::{Exchange, Source, Venue, VenueConfig},
};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Symbols of the exchange: some on each of the bus's shards.
pub(super) const SYMBOLS: usize = 50;
/// Updates a second of each.
const RATE: u32 = 5;
/// How long anything may take to be ready.
const READY: Duration = Duration::from_secs(20);
/// Between two looks: well below what is measured.
const LOOK: Duration = Duration::from_millis(5);

/// Everything, running. Dropped, it ends.
pub(super) struct Market {
    pub(super) venue: Venue,
    pub(super) feeds: Vec<Role>,
    pub(super) redis: Redis,
    /// What feeds and gateways are started with.
    pub(super) environment: BTreeMap<String, String>,
    tickcast: PathBuf,
    started: usize,
    folder: TempDir,
}

impl Market {
    /// An exchange that sends, and a Redis.
    pub(super) async fn open(config: &FaultsConfig) -> Result<Self, FaultsError> {
        let folder = tempfile::Builder::new().prefix("tickcast-faults-").tempdir()?;
        let redis = Redis::start(folder.path()).await?;
        let mut venue = VenueConfig::new(Exchange::Kucoin);
        venue.symbols = (0..SYMBOLS).map(|number| format!("T{number}-USDT")).collect();
        venue.source = Source::Walk { rate: RATE, seed: 1 };
        let starting = Venue::start(venue, CancellationToken::new()).await;
        let venue = starting.map_err(|error| FaultsError::Attack(error.to_string()))?;
        let tickcast = config.workshop.tickcast.clone();
        let (feeds, environment) = (Vec::new(), BTreeMap::new());
        Ok(Self { venue, feeds, redis, environment, tickcast, started: 0, folder })
    }

    /// One more feed. The first holds the lease when this returns, others stand by for it, connected
    /// to the exchange.
    pub(super) async fn add_feed(&mut self) -> Result<(), FaultsError> {
        let symbols: Vec<String> =
            (0..SYMBOLS).map(|number| format!("\"T{number}-USDT\"")).collect();
        let admin = self.free_address()?;
        let text = format!(
            "redis_url = \"redis://{}\"\n[feed]\nadmin_listen = \"{admin}\"\n\
             [[feed.exchange]]\nname = \"kucoin\"\nsymbols = [{}]\nrest_url = \"{}\"\n",
            self.redis.address,
            symbols.join(", "),
            self.venue.rest_url(),
        );
        let feed = self.start("feed", &text, admin, admin)?;
        let is_first = self.feeds.is_empty();
        let wanted = if is_first { "ready\n" } else { "standby\n" };
        patiently("a feed", async || feed.readiness().await.as_deref() == Some(wanted)).await?;
        self.feeds.push(feed);
        let all = self.feeds.len() as u64;
        patiently("dials of the exchange", async || self.venue.control.counts().open >= all).await
    }

    /// From now on this program is started.
    pub(super) fn upgrade(&mut self, tickcast: &Path) {
        self.tickcast = tickcast.to_owned();
    }

    /// A gateway that has its first snapshot from the Redis at that address.
    pub(super) async fn gateway(&mut self, redis: SocketAddr) -> Result<Role, FaultsError> {
        let (listen, admin) = (self.free_address()?, self.free_address()?);
        let text = format!(
            "redis_url = \"redis://{redis}\"\n[gateway]\nlisten = \"{listen}\"\n\
             admin_listen = \"{admin}\"\n[gateway.limits]\ncommands_per_second = 0\n"
        );
        let gateway = self.start("gateway", &text, listen, admin)?;
        patiently("a gateway", async || gateway.readiness().await.as_deref() == Some("ready\n"))
            .await?;
        Ok(gateway)
    }

    /// A client that has live prices of all topics from that gateway.
    pub(super) async fn witness(&self, gateway: &Role) -> Result<Witness, FaultsError> {
        let witness = Witness::connect(&gateway.ws()).await?;
        let found = witness.until(READY, |heard| heard.live() == SYMBOLS).await;
        found.map(|_| witness).ok_or_else(|| late("live prices"))
    }

    /// Feed, gateway and a client with live prices.
    pub(super) async fn usual(&mut self) -> Result<(Role, Witness), FaultsError> {
        self.add_feed().await?;
        let gateway = self.gateway(self.redis.address).await?;
        let witness = self.witness(&gateway).await?;
        Ok((gateway, witness))
    }

    fn start(
        &mut self,
        name: &str,
        config: &str,
        listen: SocketAddr,
        admin: SocketAddr,
    ) -> Result<Role, FaultsError> {
        self.started += 1;
        let name_of_it = format!("{name}-{}", self.started);
        let place = role::Place { listen, admin, folder: self.folder.path(), name: &name_of_it };
        Role::start(&self.tickcast, name, config, &self.environment, &place)
    }

    fn free_address(&self) -> Result<SocketAddr, FaultsError> {
        Ok((Ipv4Addr::LOCALHOST, free_port(Ipv4Addr::LOCALHOST)?).into())
    }
}

/// Looks until something holds; how long that took, or nothing when it does not come to it.
pub(super) async fn until(
    most: Duration,
    mut holds: impl AsyncFnMut() -> bool,
) -> Option<Duration> {
    let begun = Instant::now();
    while !holds().await {
        if begun.elapsed() > most {
            return None;
        }
        sleep(LOOK).await;
    }
    Some(begun.elapsed())
}

async fn patiently(what: &str, holds: impl AsyncFnMut() -> bool) -> Result<(), FaultsError> {
    until(READY, holds).await.map(drop).ok_or_else(|| late(what))
}

fn late(what: &str) -> FaultsError {
    FaultsError::Attack(format!("{what} did not come within {} s", READY.as_secs()))
}
