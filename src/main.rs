//! The one command, `tickcast`: reads the command line, runs what it asks for, exits with its code.

mod check;
mod cli;
mod config;
mod demo;
mod dlq;
mod generate;
mod metrics;
mod notices;
mod outcome;
mod price;
mod reload;
mod roles;
mod trace;
mod watch;

use anyhow::Context;
use clap::Parser;
use cli::{Cli, Command};
use config::Config;
use outcome::Failure;
use std::{io, net::TcpListener, process::ExitCode};
use tickcast_shared::{lifecycle, telemetry};
use tokio::runtime::Builder;

/// Connections come in storms and stay for long. This allocator gives back what a storm took, so an
/// idle connection costs what it holds. Its settings stand in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
        Command::Watch(args) => ask(watch::watch(args)),
        Command::Price(args) => ask(price::price(args)),
        Command::Trace(args) => ask(trace::trace(args)),
        Command::Dlq(ref args) => {
            let config = Config::load(args.config(), &command)?;
            ask(dlq::dlq(args, &config))
        }
        Command::Check(ref args) => {
            let config = Config::load(args.config.as_deref(), &command)?;
            if args.redis {
                return ask(check::redis(args, &config));
            }
            config.check(args.role)?;
            if args.quiet { Ok(()) } else { check::write(&config.to_toml()?) }
        }
        Command::Metrics => check::write(&metrics::document()),
        Command::Generate(ref args) => generate::generate(&args.directory),
        Command::Demo(_) | Command::Gateway(_) | Command::Run(_) | Command::Feed(_) => {
            serve(command)
        }
    }
}

/// Runs a role on all cores.
fn serve(command: Command) -> Result<(), Failure> {
    let inherited = inherited_sockets()?;
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("cannot start the event loop")?;
    // First of all: from here on SIGHUP ends nothing.
    let hangups = {
        let _in_it = runtime.enter();
        reload::Hangups::listen()?
    };
    let config = Config::load(cli::file(&command), &command)?;
    let log_level = telemetry::log_to_stderr(config.log_format, config.log_level(&command))?;
    lifecycle::log_panics();
    // Every client is a descriptor. Where the limit cannot be raised, the gateway lives with it.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let reload = reload::Reload::new(hangups, log_level, command, config.clone());
    let ended = runtime.block_on(roles::run(reload, config, inherited));
    // Not for look-ups of names or files that hang: everything that matters has ended.
    runtime.shutdown_background();
    ended
}

/// The listening sockets that a supervisor passed on (sd_listen_fds(3)). Read before any thread is
/// started: it takes the variables that announce them out of the environment.
fn inherited_sockets() -> Result<Vec<TcpListener>, Failure> {
    let mut passed = listenfd::ListenFd::from_env();
    let taken: io::Result<Vec<_>> =
        (0..passed.len()).filter_map(|at| passed.take_tcp_listener(at).transpose()).collect();
    Ok(taken.context("a descriptor of LISTEN_FDS is no listening TCP socket")?)
}

/// Runs a command that asks others, and ends.
fn ask(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the event loop")?;
    let ended = runtime.block_on(command);
    // Not for a look-up of a name that hangs: whoever has left does not wait for its answer.
    runtime.shutdown_background();
    ended
}
