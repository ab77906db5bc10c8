//! Flags of `check`.

use super::roles::Exchanges;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const CHECK_EXAMPLES: &str = "\
Examples:
  tickcast check --config /etc/tickcast/tickcast.toml
  tickcast check --redis --role gateway

Exit codes:
  0  all is well, or works and should be changed
  1  --redis: a server cannot be reached or is not what Tickcast needs
  2  a mistake in flags, environment or file";

/// Flags of `check`: those whose settings it can show.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct Check {
    /// Ask the live Redis, with its sentinels, replicas or cluster nodes, and say what to change; it
    /// changes nothing
    #[arg(long)]
    pub redis: bool,
    /// Print a line of JSON for each finding
    #[arg(long, requires = "redis")]
    pub json: bool,
    /// Read this file instead of tickcast.toml in the working directory
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print nothing when all is well
    #[arg(long)]
    pub quiet: bool,
    /// Where Redis is, for feed and gateway
    #[arg(long, value_name = "URL")]
    pub(super) redis_url: Option<String>,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
    /// Check what this role needs, and no file of the others; with --redis, the rights of its user
    /// [default: all; with --redis those that the user fits]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<Role>,
    #[command(flatten)]
    pub(super) exchanges: Exchanges,
}

/// A role whose needs can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// `tickcast feed`
    Feed,
    /// `tickcast gateway`
    Gateway,
    /// `tickcast run`
    Run,
}
