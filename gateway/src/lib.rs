//! From the bus to browsers and bots.
//!
//! - [`ingest`]: joins the bus's shards, judges who is alive, frames what changed
//! - [`hub`]: the fan-out: topics, cohorts, members, one thread a shard
//! - [`auth`]: who is let in, and what for
//! - [`client`]: one connection: reading, commands, present values, closing
//! - [`wire`]: WebSocket frames
//! - [`listen`] and [`door`]: the sockets, and who is let in
//! - [`http`]: accepting, the upgrade, REST, the page
//! - [`bars`]: closed bars, for clients that begin or come back
//! - [`prices`]: the table of last values behind REST
//! - [`freshness`]: how old they are, for operators
//! - [`registry`]: pages of the list of topics
//! - [`reload`]: other settings while it runs
//! - [`standing`]: how it does, in one line
//! - [`drain`]: the order of a shutdown
//! - [`descriptors`] and [`memory`]: what the process may take, and what happens near its end
//! - [`trace`](mod@trace): single updates followed through the gateway
//! - [`config`] and [`metrics`]: the one place for each

pub mod auth;
pub mod bars;
pub mod client;
pub mod config;
pub mod descriptors;
pub mod door;
pub mod drain;
pub mod freshness;
#[cfg(feature = "testing")]
pub mod fuzz;
pub mod http;
pub mod hub;
pub mod ingest;
pub mod listen;
pub mod memory;
pub mod metrics;
pub mod prices;
pub mod registry;
pub mod reload;
pub mod spec;
pub mod standing;
pub mod trace;
pub mod wire;

pub use config::GatewayConfig;

use door::Door;
use hub::{Hub, worker::Alive};
use listen::Entrances;
use metrics::Metrics;
use prices::Prices;
use reload::Reload;
use standing::Standing;
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tickcast_shared::{
    admin::{Queues, Readiness},
    bus::Bus,
    clock::Clock,
    lifecycle::Tasks,
    spans,
};
use tokio_util::sync::CancellationToken;
use trace::Tracers;
use tracing::info;

/// A gateway that listens.
#[derive(Debug)]
pub struct Gateway {
    /// Where clients connect.
    pub address: SocketAddr,
    /// Where proxies connect that send a PROXY v2 header.
    pub proxied: Option<SocketAddr>,
    /// What it adds to the admin listener.
    pub admin_routes: axum::Router,
    /// What puts other settings in force.
    pub reload: Reload,
    /// How it does.
    pub standing: Standing,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A setting is out of range.
    #[error(transparent)]
    Config(#[from] config::BadValue),
    /// A file or key of the authentication is of no use.
    #[error(transparent)]
    Auth(#[from] auth::AuthError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] http::tls::certificate::Mistake),
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
    entrances: Entrances,
    bus: Bus,
    clock: Clock,
    queues: Queues,
    readiness: Readiness,
    tasks: &mut Tasks,
) -> Result<Gateway, GatewayError> {
    config.validate()?;
    let config = Arc::new(config);
    let metrics = Metrics::register();
    let tls = config.tls.clone().map(|files| http::tls::start(files, metrics.clone()));
    let (tls, certificate) = tls.transpose()?.unzip();
    let auth = auth::Auth::open(&config)?;
    let bars = bars::BarStore::default();
    let (hub, alive) =
        Hub::start(&config, auth.clone(), &bars, clock, &queues, &metrics, &tasks.progress())
            .map_err(GatewayError::Shard)?;
    let prices = Prices::new(clock);
    let drained = CancellationToken::new();
    let closed = drained.child_token();

    tasks.essential("shards", watch_shards(alive, config.shard_count(), drained.clone()));
    let klines = http::klines::Klines::new(&bus, bars.clone());
    let has_one_clock = matches!(bus, Bus::Memory(_));
    let (tracers, traces) = Tracers::new(&queues, has_one_clock);
    trace::sampled::start(&tracers, hub.shards(), spans::installed(), &queues, tasks);
    let targets = ingest::Targets { hub: hub.clone(), prices: prices.clone(), bars, traces };
    read_bus(bus, targets, clock, metrics.clone(), &queues, &drained, tasks);
    let ready = follow(prices.complete.clone(), readiness.clone(), tasks.token());
    tasks.essential("readiness", ready);

    let door = Door::new(&config, descriptors::capacity(&config.limits), metrics.clone());
    let address = entrances.public.address(config.listen);
    let proxied = entrances.proxied.as_ref().and_then(|it| it.listener.local_addr().ok());
    let told = metrics.clone();
    let standing = Standing::new(door.clone(), prices.clone());
    let app = http::App {
        config,
        auth,
        door: door.clone(),
        hub: hub.clone(),
        prices: prices.clone(),
        klines,
        metrics,
    };
    let reload = Reload::new(app, address, proxied);
    let in_force = reload.in_force();
    let shown = freshness::measure(prices.clone(), in_force.clone(), drained.clone());
    tasks.essential("freshness", shown);
    if let Some(certificate) = certificate {
        tasks.essential("certificate", certificate.run(drained.clone()));
    }
    let drain = drain::Drain {
        hub: hub.clone(),
        door: door.clone(),
        readiness,
        in_force: in_force.clone(),
        closed: closed.clone(),
        drained: drained.clone(),
    };
    keep_in_order(drain, told, tasks);
    let admin = http::admin::Operators {
        hub,
        prices,
        tracers,
        in_force: in_force.clone(),
        drained: drained.clone(),
    };
    let reception = http::accept::Reception { door, tls, in_force };
    open(entrances, &reception, &closed, &drained, tasks);
    info!(%address, proxied = proxied.map(display), "gateway listens");
    Ok(Gateway { address, proxied, admin_routes: http::admin::routes(admin), reload, standing })
}

/// Takes what comes on the bus to the shards and the table of prices.
fn read_bus(
    bus: Bus,
    targets: ingest::Targets,
    clock: Clock,
    metrics: Metrics,
    queues: &Queues,
    drained: &CancellationToken,
    tasks: &mut Tasks,
) {
    let subscriber = bus.subscriber();
    subscriber.show_in(queues);
    let mark = tasks.progress().watch("ingest");
    let ingest = ingest::run(bus, subscriber, targets, clock, metrics, mark, drained.clone());
    tasks.essential("ingest", ingest);
}

/// Lets clients in by every way there is.
fn open(
    entrances: Entrances,
    reception: &http::accept::Reception,
    closed: &CancellationToken,
    drained: &CancellationToken,
    tasks: &mut Tasks,
) {
    for entrance in [Some(entrances.public), entrances.proxied].into_iter().flatten() {
        let (reception, closed, drained) = (reception.clone(), closed.clone(), drained.clone());
        tasks.essential("accept", http::accept::run(entrance, reception, closed, drained));
    }
}

/// Starts what keeps the node within its limits, its keys fresh, and ends it in order.
fn keep_in_order(drain: drain::Drain, metrics: Metrics, tasks: &mut Tasks) {
    let (settings, drained) = (drain.in_force.clone(), drain.drained.clone());
    let (door, hub) = (drain.door.clone(), drain.hub.clone());
    tasks.essential("door", door.clone().forget_quiet(drained.clone()));
    let watch = memory::watch(settings.clone(), door, hub, metrics.clone(), drained);
    tasks.essential("memory", watch);
    let key_sets = auth::follow::run(settings, metrics, tasks.token());
    tasks.essential("key set", key_sets);
    tasks.essential("drain", drain.run(tasks.token()));
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
