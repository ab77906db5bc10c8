//! The command line of `faults`.

use clap::Args;
use std::path::PathBuf;

/// Arguments of `faults`.
#[derive(Debug, Args)]
pub struct FaultsArgs {
    /// Measure only these, by name or number [default: all].
    #[arg(long, value_name = "ROW,...", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Print names and numbers, and measure nothing.
    #[arg(long)]
    pub list: bool,
    /// The tickcast program [default: the one beside this].
    #[arg(long, value_name = "FILE")]
    pub tickcast: Option<PathBuf>,
    /// How often each window of a comparison is measured: without, with, with, without, ...
    #[arg(long, value_name = "N", default_value_t = 3,
        value_parser = clap::value_parser!(u16).range(1..=100))]
    pub pairs: u16,
    /// Length of each window in seconds.
    #[arg(long, value_name = "S", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=600))]
    pub secs: u64,
    /// Shorten every outage and freeze of Redis and feeds to at most so many seconds.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub hold: Option<u64>,
    /// How often a feed is killed to measure how its standby takes over.
    #[arg(long, value_name = "N", default_value_t = 20,
        value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub kills: u16,
    /// How many clients the gateways behind HAProxy have.
    #[arg(long, value_name = "N", default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(30..=50_000))]
    pub clients: u32,
    /// An older tickcast program, to measure an upgrade from it to the other one.
    #[arg(long, value_name = "FILE")]
    pub old: Option<PathBuf>,
    /// Where report.json goes.
    #[arg(long, value_name = "DIR", default_value = "target/faults")]
    pub out: PathBuf,
}
