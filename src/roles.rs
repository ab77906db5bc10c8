//! Puts the parts of each role together: bus, feed, gateway, admin listener, signals.

use crate::{
    cli::Command,
    config::Config,
    demo, dlq,
    metrics::{FEED, GATEWAY},
    notices,
    outcome::Failure,
    reload::{Parts, Reload},
};
use anyhow::Context;
use axum::Router;
use std::{
    net::{SocketAddr, TcpListener as StdListener},
    time::{Duration, Instant},
};
use tickcast_feed::{Feed, FeedError};
use tickcast_gateway::{
    Gateway, GatewayError,
    config::Limits,
    listen::{Entrances, ListenError},
};
use tickcast_shared::{
    admin::{self, Admin, BACKLOG, Configured, Queues, Readiness},
    bus::{Bus, memory::Memory},
    clock::Clock,
    lifecycle::Tasks,
    metric::Row,
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
    reload: Reload,
    config: Config,
    inherited: Vec<StdListener>,
) -> Result<(), Failure> {
    match *reload.command() {
        Command::Demo(_) => run_demo(reload, config, inherited).await,
        Command::Run(_) => run_both(reload, config, inherited).await,
        Command::Feed(_) => run_feed(reload, config).await,
        Command::Gateway(_) => run_gateway(reload, config, inherited).await,
        Command::Watch(_)
        | Command::Price(_)
        | Command::Trace(_)
        | Command::Dlq(_)
        | Command::Check(_)
        | Command::Metrics
        | Command::Generate(_) => Ok(()),
    }
}

async fn run_demo(
    reload: Reload,
    mut config: Config,
    inherited: Vec<StdListener>,
) -> Result<(), Failure> {
    let mut process = Process::start("demo", &[FEED, GATEWAY], &config)?.with(inherited);
    // The exchanges end last, with `venues`: a feed that is stopping should not see them go.
    let venues = demo::simulate(&mut config, CancellationToken::new()).await?;
    config.check_gateway()?;
    let listener = process.bind_admin(config.gateway.admin_listen)?;
    let (gateway, routes, _) = process.feed_and_gateway(config).await?;
    let admin = process.serve_admin(listener, routes);
    demo::announce(gateway, admin, &venues);
    process.finish(reload).await
}

async fn run_both(
    reload: Reload,
    config: Config,
    inherited: Vec<StdListener>,
) -> Result<(), Failure> {
    config.needs_exchanges("run")?;
    config.check_gateway()?;
    let mut process = Process::start("run", &[FEED, GATEWAY], &config)?.with(inherited);
    let listener = process.bind_admin(config.gateway.admin_listen)?;
    let (_, routes, line) = process.feed_and_gateway(config).await?;
    let in_force = process.parts.gateway.clone();
    let stops_within = move || {
        in_force
            .as_ref()
            .map_or(GATEWAY_ENDS_WITHIN, |it| gateway_stops_within(&it.config().limits))
    };
    process.tell_manager(stops_within, line);
    process.serve_admin(listener, routes);
    process.finish(reload).await
}

async fn run_feed(reload: Reload, config: Config) -> Result<(), Failure> {
    config.needs_exchanges("feed")?;
    let mut process = Process::start("feed", &[FEED], &config)?;
    let bus = Bus::Redis(config.redis()?);
    let listener = process.bind_admin(config.feed.admin_listen)?;
    let readiness = process.readiness.clone();
    let feed = process.feed(config, bus, readiness)?;
    let standing = feed.standing.clone();
    process.tell_manager(|| FEED_STOPS_WITHIN, move || standing.to_string());
    process.serve_admin(listener, dlq::routes(feed));
    process.finish(reload).await
}

async fn run_gateway(
    reload: Reload,
    config: Config,
    inherited: Vec<StdListener>,
) -> Result<(), Failure> {
    config.check_gateway()?;
    let mut process = Process::start("gateway", &[GATEWAY], &config)?.with(inherited);
    let bus = Bus::Redis(config.redis()?);
    let listener = process.bind_admin(config.gateway.admin_listen)?;
    let gateway = process.gateway(config, bus).await?;
    let reload_of_gateway = gateway.reload.clone();
    let stops_within = move || gateway_stops_within(&reload_of_gateway.config().limits);
    process.tell_manager(stops_within, move || gateway.standing.to_string());
    process.serve_admin(listener, gateway.admin_routes);
    process.finish(reload).await
}

/// Longest that a feed takes to write what is pending and to give its lease back: a few commands to
/// Redis, each with a time-out of half a second.
const FEED_STOPS_WITHIN: Duration = Duration::from_secs(15);
/// What a gateway takes to stop beyond telling its clients: last answers, the ends of connections.
const GATEWAY_ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Longest that a gateway takes to stop.
fn gateway_stops_within(limits: &Limits) -> Duration {
    let told = limits.drain_notice_ms.saturating_add(limits.drain_window_ms);
    GATEWAY_ENDS_WITHIN.saturating_add(Duration::from_millis(told))
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
    /// What follows the configuration.
    parts: Parts,
    /// Where spans of sampled ticks go.
    spans: Exporter,
}

impl Process {
    fn start(
        role: &'static str,
        tables: &[&'static [Row]],
        config: &Config,
    ) -> Result<Self, Failure> {
        let metrics = telemetry::collect_metrics(tables).context("cannot collect metrics")?;
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
            configured: Configured::default(),
        };
        let ended = CancellationToken::new();
        let (clock, inherited, parts) = (Clock::start(), Vec::new(), Parts::default());
        Ok(Self { role, clock, queues, readiness, tasks, admin, ended, inherited, parts, spans })
    }

    fn with(self, inherited: Vec<StdListener>) -> Self {
        Self { inherited, ..self }
    }

    /// Before anything else listens: a taken port is told at once.
    fn bind_admin(&self, address: SocketAddr) -> Result<TcpListener, Failure> {
        let bound = admin::bind(address, "--admin-listen", BACKLOG);
        bound.map_err(|error| Failure::Failed(error.into()))
    }

    async fn feed_and_gateway(
        &mut self,
        config: Config,
    ) -> Result<(SocketAddr, Router, impl Fn() -> String + Send + Sync + use<>), Failure> {
        let bus = Bus::Memory(Memory::default());
        // The process is ready when its gateway is.
        let feed = self.feed(config.clone(), bus.clone(), Readiness::default())?;
        let gateway = self.gateway(config, bus).await?;
        let standings = (gateway.standing, feed.standing.clone());
        let line = move || format!("{}; {}", standings.0, standings.1);
        Ok((gateway.address, gateway.admin_routes.merge(dlq::routes(feed)), line))
    }

    fn feed(&mut self, config: Config, bus: Bus, readiness: Readiness) -> Result<Feed, Failure> {
        let queues = self.queues.clone();
        let feed =
            tickcast_feed::run(config.feed, bus, self.clock, queues, readiness, &mut self.tasks)
                .map_err(feed_failure)?;
        self.parts.feed = Some(feed.clone());
        Ok(feed)
    }

    async fn gateway(&mut self, config: Config, bus: Bus) -> Result<Gateway, Failure> {
        let (queues, readiness) = (self.queues.clone(), self.readiness.clone());
        let tasks = &mut self.tasks;
        let (config, clock) = (config.gateway, self.clock);
        let entrances =
            Entrances::open(&config, self.inherited.drain(..)).map_err(listen_failure)?;
        let started =
            tickcast_gateway::run(config, entrances, bus, clock, queues, readiness, tasks);
        let gateway = started.await.map_err(gateway_failure)?;
        self.parts.gateway = Some(gateway.reload.clone());
        Ok(gateway)
    }

    /// Tells a service manager how the process does until everything else has ended. Should this task
    /// break, the manager's watchdog ends the process.
    fn tell_manager(
        &self,
        stops_within: impl Fn() -> Duration + Send + Sync + 'static,
        line: impl Fn() -> String + Send + Sync + 'static,
    ) {
        let watched = notices::Watched {
            readiness: self.readiness.clone(),
            progress: self.tasks.progress(),
            line: Box::new(line),
            stops_within: Box::new(stops_within),
        };
        tokio::spawn(notices::run(watched, self.tasks.token(), self.ended.clone()));
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

    /// Follows the configuration until the process is to end.
    async fn finish(mut self, reload: Reload) -> Result<(), Failure> {
        let (configured, token) = (self.admin.configured.clone(), self.tasks.token());
        self.tasks.essential("reload", reload.run(self.parts, configured, token));
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

/// Whose fault it is that a gateway cannot start, or go on with other settings.
pub fn gateway_failure(error: GatewayError) -> Failure {
    match error {
        GatewayError::Config(error) => Failure::Mistake(error.to_string()),
        GatewayError::Certificate(error) => Failure::Mistake(error.to_string()),
        GatewayError::Auth(error) => Failure::Mistake(error.to_string()),
        other => Failure::Failed(other.into()),
    }
}
