//! Puts the parts of each role together: bus, feed, gateway, admin listener, signals.

use crate::{cli::Command, config::Config, demo, dlq, outcome::Failure};
use anyhow::Context;
use axum::Router;
use std::{
    net::{SocketAddr, TcpListener as StdListener},
    time::Instant,
};
use tickcast_feed::{Feed, FeedError};
use tickcast_gateway::{
    Gateway, GatewayError,
    listen::{Entrances, ListenError},
};
use tickcast_shared::{
    admin::{self, Admin, BACKLOG, Queues, Readiness},
    bus::{Bus, memory::Memory},
    clock::Clock,
    lifecycle::Tasks,
    spans::{self, Exporter},
    telemetry,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// The program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs a role until it is told to stop or an essential task fails.
///
/// `inherited` are the listening sockets of a supervisor.
pub async fn run(
    command: &Command,
    config: Config,
    inherited: Vec<StdListener>,
) -> Result<(), Failure> {
    match command {
        Command::Demo(_) => run_demo(config, inherited).await,
        Command::Run(_) => run_both(config, inherited).await,
        Command::Feed(_) => run_feed(config).await,
        Command::Gateway(_) => run_gateway(config, inherited).await,
        Command::Watch(_)
        | Command::Price(_)
        | Command::Trace(_)
        | Command::Dlq(_)
        | Command::Check(_) => Ok(()),
    }
}

async fn run_demo(mut config: Config, inherited: Vec<StdListener>) -> Result<(), Failure> {
    let mut process = Process::start("demo", &config)?.with(inherited);
    // The exchanges end last, with `venues`: a feed that is stopping should not see them go.
    let venues = demo::simulate(&mut config, CancellationToken::new()).await?;
    let listener = process.bind_admin(config.gateway.admin_listen)?;
    let (gateway, routes) = process.feed_and_gateway(config).await?;
    let admin = process.serve_admin(listener, routes);
    demo::announce(gateway, admin, &venues);
    process.finish().await
}

async fn run_both(config: Config, inherited: Vec<StdListener>) -> Result<(), Failure> {
    needs_exchanges("run", &config)?;
    let mut process = Process::start("run", &config)?.with(inherited);
    let listener = process.bind_admin(config.gateway.admin_listen)?;
    let (_, routes) = process.feed_and_gateway(config).await?;
    process.serve_admin(listener, routes);
    process.finish().await
}

async fn run_feed(config: Config) -> Result<(), Failure> {
    needs_exchanges("feed", &config)?;
    let mut process = Process::start("feed", &config)?;
    let bus = Bus::Redis(config.redis()?);
    let listener = process.bind_admin(config.feed.admin_listen)?;
    let readiness = process.readiness.clone();
    let feed = process.feed(config, bus, readiness)?;
    process.serve_admin(listener, dlq::routes(feed));
    process.finish().await
}

async fn run_gateway(config: Config, inherited: Vec<StdListener>) -> Result<(), Failure> {
    let mut process = Process::start("gateway", &config)?.with(inherited);
    let bus = Bus::Redis(config.redis()?);
    let listener = process.bind_admin(config.gateway.admin_listen)?;
    let gateway = process.gateway(config, bus).await?;
    process.serve_admin(listener, gateway.admin_routes);
    process.finish().await
}

fn needs_exchanges(command: &str, config: &Config) -> Result<(), Failure> {
    if !config.feed.exchange.is_empty() {
        return Ok(());
    }
    Err(Failure::Mistake(format!(
        "no exchange is configured; try: tickcast {command} --exchange kucoin=BTC-USDT,ETH-USDT"
    )))
}

/// What every role has.
struct Process {
    role: &'static str,
    clock: Clock,
    queues: Queues,
    readiness: Readiness,
    tasks: Tasks,
    admin: Admin,
    /// Cancelled last: operators can watch the rest of the process stop.
    ended: CancellationToken,
    /// Listening sockets of a supervisor.
    inherited: Vec<StdListener>,
    /// Where spans of sampled ticks go.
    spans: Exporter,
}

impl Process {
    fn start(role: &'static str, config: &Config) -> Result<Self, Failure> {
        let metrics = telemetry::collect_metrics().context("cannot collect metrics")?;
        let (queues, readiness) = (Queues::default(), Readiness::default());
        let spans = spans::start(&config.telemetry, role, VERSION, &queues)
            .map_err(|error| Failure::Mistake(error.to_string()))?;
        let mut tasks = Tasks::new();
        tasks.stop_on_signals();
        let admin = Admin {
            role,
            version: VERSION,
            started: Instant::now(),
            readiness: readiness.clone(),
            queues: queues.clone(),
            metrics,
        };
        let ended = CancellationToken::new();
        let (clock, inherited) = (Clock::start(), Vec::new());
        Ok(Self { role, clock, queues, readiness, tasks, admin, ended, inherited, spans })
    }

    fn with(self, inherited: Vec<StdListener>) -> Self {
        Self { inherited, ..self }
    }

    /// Before anything else listens: a taken port is told at once.
    fn bind_admin(&self, address: SocketAddr) -> Result<TcpListener, Failure> {
        let bound = admin::bind(address, "--admin-listen", BACKLOG);
        bound.map_err(|error| Failure::Failed(error.into()))
    }

    async fn feed_and_gateway(&mut self, config: Config) -> Result<(SocketAddr, Router), Failure> {
        let bus = Bus::Memory(Memory::default());
        // The process is ready when its gateway is.
        let feed = self.feed(config.clone(), bus.clone(), Readiness::default())?;
        let gateway = self.gateway(config, bus).await?;
        Ok((gateway.address, gateway.admin_routes.merge(dlq::routes(feed))))
    }

    fn feed(&mut self, config: Config, bus: Bus, readiness: Readiness) -> Result<Feed, Failure> {
        let queues = self.queues.clone();
        tickcast_feed::run(config.feed, bus, self.clock, queues, readiness, &mut self.tasks)
            .map_err(feed_failure)
    }

    async fn gateway(&mut self, config: Config, bus: Bus) -> Result<Gateway, Failure> {
        let (queues, readiness) = (self.queues.clone(), self.readiness.clone());
        let tasks = &mut self.tasks;
        let (config, clock) = (config.gateway, self.clock);
        let entrances =
            Entrances::open(&config, self.inherited.drain(..)).map_err(listen_failure)?;
        let started =
            tickcast_gateway::run(config, entrances, bus, clock, queues, readiness, tasks);
        started.await.map_err(gateway_failure)
    }

    /// Answers operators from now until everything else has ended.
    fn serve_admin(&mut self, listener: TcpListener, extra: Router) -> SocketAddr {
        let address = listener.local_addr().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
        let stopping = self.tasks.token();
        let mut server =
            tokio::spawn(admin::serve(listener, self.admin.clone(), extra, self.ended.clone()));
        self.tasks.essential("admin", async move {
            tokio::select! {
                ended = &mut server => ended.map_err(std::io::Error::other)?,
                () = stopping.cancelled() => Ok(()),
            }
        });
        info!(role = self.role, %address, "admin listens");
        address
    }

    async fn finish(self) -> Result<(), Failure> {
        let ended = self.tasks.finish().await;
        self.spans.finish().await;
        self.ended.cancel();
        ended.map_err(|failed| Failure::Failed(failed.into()))
    }
}

fn feed_failure(error: FeedError) -> Failure {
    match error {
        FeedError::Config(error) => Failure::Mistake(error.to_string()),
        other => Failure::Failed(other.into()),
    }
}

fn listen_failure(error: ListenError) -> Failure {
    match error {
        ListenError::Exposed(error) => Failure::Mistake(error.to_string()),
        other => Failure::Failed(other.into()),
    }
}

fn gateway_failure(error: GatewayError) -> Failure {
    match error {
        GatewayError::Config(error) => Failure::Mistake(error.to_string()),
        GatewayError::Certificate(error) => Failure::Mistake(error.to_string()),
        GatewayError::Auth(error) => Failure::Mistake(error.to_string()),
        other => Failure::Failed(other.into()),
    }
}
