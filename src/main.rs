//! The one command, `tickcast`: reads the command line, runs what it asks for, exits with its code.

mod check;
mod cli;
mod config;
mod demo;
mod dlq;
mod outcome;
mod price;
mod roles;
mod watch;

use anyhow::Context;
use clap::Parser;
use cli::{Cli, Command, Common};
use config::Config;
use outcome::Failure;
use std::{io, net::TcpListener, process::ExitCode};
use tickcast_shared::{lifecycle, telemetry};
use tokio::runtime::{Builder, Runtime};

/// Connections come in storms and stay for long. This allocator gives back what a storm took, so an
/// idle connection costs what it holds. Its settings stand in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What the demo logs: its screen stays readable.
const DEMO_LOG_LEVEL: &str = "warn";
/// What the other roles log.
const LOG_LEVEL: &str = "info";

fn main() -> ExitCode {
    let ended = match Cli::try_parse() {
        Ok(cli) => run(cli.command),
        Err(shown) if shown.exit_code() == 0 || is_help(&shown) => {
            // Help and version; whoever closed the pipe has read enough.
            let _ = shown.print();
            return ExitCode::from(u8::try_from(shown.exit_code()).unwrap_or(u8::MAX));
        }
        Err(mistake) => Err(Failure::Mistake(cli::one_line(&mistake))),
    };
    ended.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}

/// `tickcast` alone is a question, not a mistake to be told in one line.
fn is_help(error: &clap::Error) -> bool {
    error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

fn run(command: Command) -> Result<(), Failure> {
    // The first caller chooses the process's TLS provider; there is one in this build.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match command {
        Command::Watch(args) => client_runtime()?.block_on(watch::watch(args)),
        Command::Price(args) => client_runtime()?.block_on(price::price(args)),
        Command::Dlq(ref args) => {
            let config = Config::load(args.config(), &command)?;
            client_runtime()?.block_on(dlq::dlq(args, &config))
        }
        Command::Check(ref args) => {
            let config = Config::load(args.config.as_deref(), &command)?;
            if args.redis {
                return client_runtime()?.block_on(check::redis(args, &config));
            }
            check::configuration(&config)
        }
        Command::Demo(ref args) | Command::Gateway(ref args) => serve(&args.common, &command),
        Command::Run(ref args) => serve(&args.common, &command),
        Command::Feed(ref args) => serve(&args.common, &command),
    }
}

/// Runs a role on all cores.
fn serve(flags: &Common, command: &Command) -> Result<(), Failure> {
    let level = match command {
        Command::Demo(_) => DEMO_LOG_LEVEL,
        _ => LOG_LEVEL,
    };
    let level = flags.log_level.as_deref().filter(|level| !level.is_empty()).unwrap_or(level);
    let config = Config::load(flags.config.as_deref(), command)?;
    telemetry::log_to_stderr(flags.log_format, level)?;
    lifecycle::log_panics();
    // Every client is a descriptor. Where the limit cannot be raised, the gateway lives with it.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let inherited = inherited_sockets()?;
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("cannot start the event loop")?;
    runtime.block_on(roles::run(command, config, inherited))
}

/// The listening sockets that a supervisor passed on (sd_listen_fds(3)). Read before any thread is
/// started: it takes the variables that announce them out of the environment.
fn inherited_sockets() -> Result<Vec<TcpListener>, Failure> {
    let mut passed = listenfd::ListenFd::from_env();
    let taken: io::Result<Vec<_>> =
        (0..passed.len()).filter_map(|at| passed.take_tcp_listener(at).transpose()).collect();
    Ok(taken.context("a descriptor of LISTEN_FDS is no listening TCP socket")?)
}

fn client_runtime() -> Result<Runtime, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    Ok(runtime.context("cannot start the event loop")?)
}
