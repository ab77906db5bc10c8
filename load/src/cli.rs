//! The command line of `tickcast-load`.

mod examples;
mod faults;
mod hostile;
mod record;

pub use faults::FaultsArgs;
pub use hostile::HostileArgs;
pub use record::RecordArgs;

use crate::{
    limit::{FULL_BYTES, MIN_BYTES},
    venue::{Exchange, NamedFault},
};
use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// Columns of the help at most, however wide the terminal: longer lines are hard to read.
const HELP_WIDTH: usize = 80;

/// Simulated exchanges, swarms of clients, and the bare loop that both are measured against.
#[derive(Debug, Parser)]
#[command(name = "tickcast-load", version, max_term_width = HELP_WIDTH,
    after_help = examples::TICKCAST_LOAD)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a simulated exchange that speaks the real one's protocol.
    #[command(after_help = examples::VENUE)]
    Venue(VenueArgs),
    /// Write an exchange's live traffic to a file that `venue --recording` replays.
    #[command(after_help = examples::RECORD)]
    Record(RecordArgs),
    /// Connect many clients to a gateway, check what they get, and print what was measured.
    #[command(after_help = examples::SWARM)]
    Swarm(SwarmArgs),
    /// Run the bare loop: one thread, one non-blocking write per client and message.
    #[command(after_help = examples::LIMIT)]
    Limit(LimitArgs),
    /// Run whole scenarios: start servers, offer a load, measure, compare in pairs, report.
    #[command(after_help = examples::BENCH)]
    Bench(BenchArgs),
    /// Attack a server of your own in one way, and say whether it stands it.
    #[command(after_help = examples::HOSTILE)]
    Hostile(HostileArgs),
    /// Measure on real processes what faults and attacks do to a gateway and its other clients.
    #[command(after_help = examples::FAULTS)]
    Faults(FaultsArgs),
    /// A part of a benchmark's swarm, told on the standard input what to do.
    #[command(hide = true, after_help = examples::SWARM_PART)]
    SwarmPart,
}

/// Arguments of `venue`.
#[derive(Debug, Args)]
pub struct VenueArgs {
    /// Which exchange.
    #[arg(long, value_enum)]
    pub exchange: Exchange,
    /// Where REST and WebSocket listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9001")]
    pub listen: SocketAddr,
    /// Symbols to list, such as BTC-USDT,ETH-USDT [default: eight well-known ones].
    #[arg(long, value_name = "SYMBOL,...", value_delimiter = ',', conflicts_with = "recording")]
    pub symbols: Vec<String>,
    /// Updates per symbol and second of the random walk.
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with = "recording",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// Makes the random walk repeatable [default: another walk each time].
    #[arg(long, value_name = "N", conflicts_with = "recording")]
    pub seed: Option<u64>,
    /// Play the ticker messages of a recorded session (session.ndjson) instead of a random walk,
    /// once a client has subscribed.
    #[arg(long, value_name = "FILE")]
    pub recording: Option<PathBuf>,
    /// Times the recording's own speed; 0: as fast as the client takes it.
    #[arg(long, value_name = "X", default_value_t = 1.0, requires = "recording",
        value_parser = speed)]
    pub speed: f64,
    /// Carry each update's due time in its bid size, for latency measurements with `swarm`.
    #[arg(long, conflicts_with = "recording")]
    pub stamp: bool,
    /// Do this wrong from the start.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_enum)]
    pub fault: Vec<NamedFault>,
}

/// Arguments of `swarm`.
#[derive(Debug, Args)]
pub struct SwarmArgs {
    /// The gateway's WebSocket, such as ws://127.0.0.1:8080/ws.
    #[arg(long)]
    pub url: String,
    /// How many clients.
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub clients: u32,
    /// Topics that each client subscribes to; none: idle connections.
    #[arg(long, value_name = "TOPIC,...", value_delimiter = ',')]
    pub topics: Vec<String>,
    /// Length of the measured window in seconds, after all have connected.
    #[arg(long, value_name = "S", default_value_t = 10)]
    pub secs: u64,
    /// Dials per second; 0: as fast as they are answered.
    #[arg(long, value_name = "R", default_value_t = 0)]
    pub connect_rate: u32,
    /// Parse every message and check what must hold for it (costs CPU of the swarm).
    #[arg(long)]
    pub check: bool,
    /// Do not count clients that are cut off as a failure.
    #[arg(long)]
    pub tolerate_disconnects: bool,
    /// Process of the server, to measure its CPU time and memory.
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,
    /// Threads of clients.
    #[arg(long, value_name = "K", default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `limit`.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// Where clients are accepted; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    pub listen: SocketAddr,
    /// Messages per client and second.
    #[arg(long, value_name = "R", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// Size of a message in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = FULL_BYTES, value_parser = size)]
    pub size: usize,
    /// Stop after so many seconds [default: run until it is told to stop].
    #[arg(long, value_name = "S")]
    pub secs: Option<u64>,
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Folder of the scenarios' files, each of which says at its head what it shows.
    #[arg(long, value_name = "DIR", default_value = "load/scenarios")]
    pub scenarios: PathBuf,
    /// Run only these, by the names of their files without .toml [default: all].
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Besides the first side of a scenario run only these, by label or server [default: all].
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub sides: Vec<String>,
    /// Print names and titles of the scenarios, and run none.
    #[arg(long)]
    pub list: bool,
    /// The tickcast program [default: the one beside this].
    #[arg(long, value_name = "FILE")]
    pub tickcast: Option<PathBuf>,
    /// Folder that describes the other servers.
    #[arg(long, value_name = "DIR", default_value = "load/peers")]
    pub peers: PathBuf,
    /// How many times each side is run [default: as the scenario says].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub pairs: Option<u16>,
    /// Length of each measured window in seconds [default: as the scenario says].
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub secs: Option<u64>,
    /// Where results.json and report.html go [default: target/bench/<date and time>].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed >= 0.0 => Ok(speed),
        _ => Err("write a number from 0 up, such as 1 or 0.5".to_owned()),
    }
}

/// Largest message of the bare loop: more than any ticker, little enough to keep in memory.
const MAX_BYTES: usize = 1024 * 1024;

fn size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (MIN_BYTES..=MAX_BYTES).contains(&size) => Ok(size),
        _ => Err(format!("write a number of bytes from {MIN_BYTES} to {MAX_BYTES}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_explained() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{}", argument.get_id());
            }
        }
    }

    #[test]
    fn mistakes_are_refused() {
        let wrong = [
            "venue --exchange mars",
            "venue --exchange okx --fault tuesday",
            "record --exchange okx --out x",
            "record --exchange okx --symbols BTC-USDT --out x --secs 0",
            "venue --exchange okx --rate 0",
            "venue --exchange okx --recording x --symbols BTC-USDT",
            "venue --exchange okx --speed 2",
            "venue --exchange okx --recording x --speed -1",
            "limit --size 10",
            "swarm",
            "bench --pairs 0",
            "bench --secs 0",
            "hostile --kind flood",
            "hostile --kind rude --url ws://127.0.0.1:1/",
            "hostile --kind slowloris --url ws://127.0.0.1:1/ --clients 20001",
            "faults --pairs 0",
        ];
        for line in wrong {
            let words = ["tickcast-load"].into_iter().chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
        let words = "tickcast-load venue --exchange okx --symbols BTC-USDT,ETH-USDT --stamp \
            --fault crossed,garbage";
        let Command::Venue(venue) = Cli::try_parse_from(words.split_whitespace()).unwrap().command
        else {
            panic!("another command");
        };
        assert_eq!(venue.symbols, ["BTC-USDT", "ETH-USDT"]);
        assert_eq!(venue.fault, [NamedFault::Crossed, NamedFault::Garbage]);
    }
}
