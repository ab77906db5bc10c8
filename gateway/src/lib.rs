//! From the bus to browsers and bots.
//!
//! - [`ingest`]: joins the bus's shards, judges who is alive, frames what changed
//! - [`hub`]: the fan-out: topics, cohorts, members, one thread a shard
//! - [`client`]: one connection: reading, commands, present values, closing
//! - [`wire`]: WebSocket frames
//! - [`http`]: accepting, the upgrade, REST, the page
//! - [`prices`]: the table of last values behind REST
//! - [`registry`]: pages of the list of topics
//! - [`config`] and [`metrics`]: the one place for each

pub mod client;
pub mod config;
#[cfg(feature = "testing")]
pub mod fuzz;
pub mod http;
pub mod hub;
pub mod ingest;
pub mod metrics;
pub mod prices;
pub mod registry;
pub mod wire;

pub use config::GatewayConfig;

use hub::{Hub, worker::Alive};
use metrics::Metrics;
use prices::Prices;
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tickcast_shared::{
    admin::{BACKLOG, BindError, Queues, Readiness, bind},
    bus::Bus,
    clock::Clock,
    lifecycle::Tasks,
};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// A gateway that listens.
#[derive(Debug)]
pub struct Gateway {
    /// Where clients connect.
    pub address: SocketAddr,
    /// What it adds to the admin listener.
    pub admin_routes: axum::Router,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A setting is out of range.
    #[error(transparent)]
    Config(#[from] config::BadValue),
    /// The address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system has no thread or event loop left.
    #[error("cannot start a shard: {0}")]
    Shard(std::io::Error),
}

/// Starts a gateway: it listens when this returns, and is ready once the first snapshot is complete.
///
/// # Errors
/// [`GatewayError`].
pub async fn run(
    config: GatewayConfig,
    bus: Bus,
    clock: Clock,
    queues: Queues,
    readiness: Readiness,
    tasks: &mut Tasks,
) -> Result<Gateway, GatewayError> {
    config.validate()?;
    let config = Arc::new(config);
    let metrics = Metrics::register();
    let listener = bind(config.listen, "--listen", BACKLOG)?;
    let address = listener.local_addr().unwrap_or(config.listen);
    let (hub, alive) =
        Hub::start(&config, clock, &queues, &metrics).map_err(GatewayError::Shard)?;
    let prices = Prices::new(clock);
    let (stop, drained, closed) =
        (tasks.token(), CancellationToken::new(), CancellationToken::new());

    tasks.essential("shards", watch_shards(alive, config.shard_count(), drained.clone()));
    let subscriber = bus.subscriber();
    subscriber.show_in(&queues);
    let ingest = ingest::run(
        subscriber,
        hub.clone(),
        prices.clone(),
        clock,
        metrics.clone(),
        drained.clone(),
    );
    tasks.essential("ingest", ingest);
    let app =
        http::App { config: config.clone(), hub: hub.clone(), prices: prices.clone(), metrics };
    let head_timeout = Duration::from_millis(config.limits.handshake_timeout_ms);
    let accepting =
        http::accept::run(listener, http::routes::build(app), head_timeout, closed.clone());
    tasks.essential("accept", accepting);
    tasks.essential("readiness", follow(prices.complete, readiness.clone(), stop.clone()));
    let notice = Duration::from_millis(config.limits.drain_notice_ms);
    let drain = Drain { hub: hub.clone(), readiness, notice, closed, drained };
    tasks.essential("drain", drain.run(stop));
    info!(%address, "gateway listens");
    Ok(Gateway { address, admin_routes: http::admin::routes(hub) })
}

/// Ends when a shard's thread is gone, which stops the process.
async fn watch_shards(
    alive: Alive,
    threads: usize,
    drained: CancellationToken,
) -> Result<(), Infallible> {
    tokio::select! {
        () = drained.cancelled() => {}
        () = alive.fewer_than(threads) => tracing::error!("the thread of a shard is gone"),
    }
    Ok(())
}

/// Ready as soon as the first snapshot is complete.
async fn follow(
    complete: Readiness,
    readiness: Readiness,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    while !stop.is_cancelled() && !complete.is_ready() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if !stop.is_cancelled() {
        readiness.set(true);
    }
    stop.cancelled().await;
    Ok(())
}

/// What shutdown needs.
struct Drain {
    hub: Hub,
    readiness: Readiness,
    notice: Duration,
    closed: CancellationToken,
    drained: CancellationToken,
}

impl Drain {
    /// Not ready, then (after the notice) not accepting, then closes spread over the window.
    async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        stop.cancelled().await;
        self.readiness.set(false);
        let connections = self.hub.report().await.open;
        info!(connections, "draining");
        tokio::time::sleep(self.notice).await;
        self.closed.cancel();
        self.hub.drain().await;
        self.drained.cancel();
        Ok(())
    }
}
