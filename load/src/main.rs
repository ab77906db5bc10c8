//! `tickcast-load`: simulated exchanges, recordings, swarms of clients, the bare loop.

use anyhow::{Context, Result};
use clap::Parser;
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use tickcast_load::{
    bench::{self, BenchConfig, order::Workshop, process::Cores, scenario::Scenario},
    cli::{
        BenchArgs, Cli, Command, FaultsArgs, HostileArgs, LimitArgs, RecordArgs, SwarmArgs,
        VenueArgs,
    },
    descriptors,
    faults::{self, FaultsConfig, Row},
    hostile,
    limit::{Limit, LimitConfig},
    record,
    swarm::{self, Group, SwarmConfig, remote},
    venue::{ReplayStart, Source, Venue, VenueConfig},
};
use tickcast_shared::telemetry::one_line;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The bare loop takes as many clients as the system allows; only the limit is raised.
const AT_LEAST_ONE: usize = 1;
/// A check failed, or the work could not be done.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            // With nobody left to read it, the exit code has to do.
            let _ = writeln!(io::stderr(), "tickcast-load: {}", one_line(error.as_ref()));
            ExitCode::from(FAILED)
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let runtime = match command {
        Command::Venue(_) => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
        // They bring their own threads, or need no more than one.
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    }
    .context("cannot start the event loop")?;
    runtime.block_on(async {
        let token = stop_on_signals()?;
        match command {
            Command::Venue(args) => venue(args, token).await,
            Command::Record(args) => record(args, token).await,
            Command::Swarm(args) => swarm(args, token).await,
            Command::Limit(args) => limit(&args, token).await,
            Command::Bench(args) => bench(args, token).await,
            Command::Hostile(args) => attack(args, token).await,
            Command::Faults(args) => measure_faults(args, token).await,
            Command::SwarmPart => {
                remote::run(token).await?;
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

fn stop_on_signals() -> Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    let stop = token.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        stop.cancel();
    });
    Ok(token)
}

/// A closed pipe is no reason to stop measuring.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

async fn venue(args: VenueArgs, token: CancellationToken) -> Result<ExitCode> {
    let mut config = VenueConfig::new(args.exchange);
    config.listen = args.listen;
    config.stamp = args.stamp;
    if !args.symbols.is_empty() {
        config.symbols = args.symbols;
    }
    let replaying = args.recording.is_some();
    config.source = match args.recording {
        Some(file) => Source::Recording { file, speed: args.speed, start: ReplayStart::Settled },
        None => Source::Walk { rate: args.rate, seed: args.seed.unwrap_or_else(rand::random) },
    };
    args.fault.into_iter().for_each(|fault| fault.add_to(&mut config.faults));
    let venue = Venue::start(config, token.clone()).await?;
    let (rest, socket) = (venue.rest_url(), venue.ws_url());
    say(format_args!("{} simulated: rest_url {rest} ws_url {socket}", args.exchange));
    say(format_args!("symbols {}", venue.symbols().join(",")));
    if replaying {
        tokio::select! {
            () = token.cancelled() => {}
            done = venue.control.finished() => say(format_args!(
                "recording played: {} messages sent, {} not subscribed to; still listening",
                done.sent, done.unwanted
            )),
        }
    }
    token.cancelled().await;
    let counts = venue.control.counts();
    say(format_args!(
        "{} dials, {} messages sent, {} dropped",
        counts.dials, counts.frames, counts.dropped
    ));
    Ok(ExitCode::SUCCESS)
}

async fn record(args: RecordArgs, token: CancellationToken) -> Result<ExitCode> {
    let summary = record::run(args.into(), token).await?;
    say(&summary);
    Ok(if summary.tickers > 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

async fn swarm(args: SwarmArgs, token: CancellationToken) -> Result<ExitCode> {
    let clients = usize::try_from(args.clients).context("too many clients")?;
    let config = SwarmConfig {
        groups: vec![Group { topics: args.topics, ..Group::new("all", clients) }],
        duration: Duration::from_secs(args.secs),
        connect_rate: args.connect_rate,
        check: args.check,
        tolerate_disconnects: args.tolerate_disconnects,
        server_pid: args.server_pid,
        threads: args.threads.into(),
        progress: true,
        ..SwarmConfig::new(args.url)
    };
    let report = swarm::run(config, token).await?;
    if args.json {
        say(serde_json::to_string_pretty(&report).context("cannot write the report")?);
    } else {
        say(format_args!("{}", report.to_string().trim_end()));
    }
    let failed = report.failed();
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let _ = writeln!(io::stderr(), "tickcast-load: failed: {}", failed.join(", "));
    Ok(ExitCode::from(FAILED))
}

async fn limit(args: &LimitArgs, token: CancellationToken) -> Result<ExitCode> {
    descriptors::provide(AT_LEAST_ONE)?;
    let config = LimitConfig { listen: args.listen, rate: args.rate, size: args.size };
    let limit = Limit::start(&config, token.clone())?;
    let pid = std::process::id();
    say(format_args!(
        "bare loop: ws://{}/ pid {pid}, {} messages/s of {} bytes",
        limit.addr, args.rate, args.size
    ));
    match args.secs {
        None => token.cancelled().await,
        Some(secs) => tokio::select! {
            () = token.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(secs)) => {}
        },
    }
    say(limit.stop());
    Ok(ExitCode::SUCCESS)
}

async fn bench(args: BenchArgs, token: CancellationToken) -> Result<ExitCode> {
    let all = Scenario::read_all(&args.scenarios)?;
    if args.list {
        all.iter()
            .for_each(|scenario| say(format_args!("{:16}  {}", scenario.name, scenario.title)));
        return Ok(ExitCode::SUCCESS);
    }
    let workshop = workshop(args.tickcast, args.peers)?;
    let choice = bench::Choice {
        only: args.only,
        sides: args.sides,
        pairs: args.pairs.map(usize::from),
        secs: args.secs,
    };
    let config = BenchConfig {
        scenarios: choice.of(all)?,
        workshop,
        out: args.out.unwrap_or_else(bench::default_out),
    };
    let is_good = bench::run(config, token).await?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Programs and cores; the gateway is the one beside this program unless told otherwise.
fn workshop(tickcast: Option<PathBuf>, peers: PathBuf) -> Result<Workshop> {
    let own = std::env::current_exe().context("cannot find this program")?;
    Ok(Workshop {
        tickcast: tickcast.unwrap_or_else(|| own.with_file_name("tickcast")),
        own,
        peers,
        cores: Cores::available().context("cannot read which cores may be used")?,
    })
}

async fn attack(args: HostileArgs, token: CancellationToken) -> Result<ExitCode> {
    let is_json = args.json;
    let report = hostile::run(args.into(), token).await?;
    if is_json {
        say(serde_json::to_string_pretty(&report).context("cannot write the report")?);
    } else {
        say(format_args!("{}", report.to_string().trim_end()));
    }
    Ok(if report.guarded { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

async fn measure_faults(args: FaultsArgs, token: CancellationToken) -> Result<ExitCode> {
    if args.list {
        for row in Row::all() {
            say(format_args!("{} {:14} {}", row.number(), row.name(), row.fault()));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let config = FaultsConfig {
        rows: faults::choose(&args.only)?,
        workshop: workshop(args.tickcast, PathBuf::new())?,
        pairs: args.pairs.into(),
        window: Duration::from_secs(args.secs),
        hold: args.hold.map(Duration::from_secs),
        kills: args.kills.into(),
        clients: usize::try_from(args.clients).context("too many clients")?,
        old: args.old,
        out: args.out,
    };
    let is_good = faults::run(config, token).await?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
