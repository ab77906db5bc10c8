//! The command line.

mod check;
mod clients;
mod examples;
mod roles;
mod settings;

pub use check::{Check, Role};
pub use clients::{Price, Trace, Watch};
pub use roles::{Feed, Gateway, Run};
pub use settings::{file, overrides};

use crate::dlq;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Where a gateway listens unless told otherwise.
pub const DEFAULT_URL: &str = "ws://127.0.0.1:8080/ws";
/// Where a gateway's operators look unless told otherwise.
pub const DEFAULT_ADMIN: &str = "http://127.0.0.1:9090";

/// Columns of the help at most, however wide the terminal: longer lines are hard to read.
const HELP_WIDTH: usize = 80;

/// Exchange tickers as a broadcast that anyone can subscribe to.
#[derive(Debug, Parser)]
#[command(name = "tickcast", version, arg_required_else_help = true)]
#[command(max_term_width = HELP_WIDTH, after_help = examples::TICKCAST)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts simulated exchanges, feed, gateway and web page in one process; needs nothing else
    #[command(after_help = examples::DEMO)]
    Demo(Gateway),
    /// Starts feed and gateway in one process, with real exchanges; needs the internet
    #[command(after_help = examples::RUN)]
    Run(Run),
    /// Starts a feed: from exchanges to Redis
    #[command(after_help = examples::FEED)]
    Feed(Feed),
    /// Starts a gateway: from Redis to WebSocket and REST clients; start as many as you like
    #[command(after_help = examples::GATEWAY)]
    Gateway(Gateway),
    /// Shows prices of a gateway: a screen on a terminal, lines otherwise
    #[command(after_help = examples::WATCH)]
    Watch(Watch),
    /// Prints one price; exit code 3 when it is not live
    #[command(after_help = examples::PRICE)]
    Price(Price),
    /// Follows updates of a topic from the venue to the sockets, with the time of each hop
    Trace(Trace),
    /// Shows messages that feeds refused, and judges them again
    Dlq(dlq::Args),
    /// Validates the configuration and prints the effective one, secrets redacted; with --redis, asks
    /// the servers it names
    Check(Check),
    /// Prints the table of all metrics as Markdown
    #[command(after_help = examples::METRICS)]
    Metrics,
    /// Writes manual pages and completions for shells, for packagers
    #[command(after_help = examples::GENERATE)]
    #[command(hide = true)]
    Generate(Generate),
}

/// Flags of `generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Where to write; man/ and completions/ are made in it
    #[arg(value_name = "DIRECTORY")]
    pub directory: PathBuf,
}

/// A mistake on the command line in one line: what is wrong, and what was probably meant.
pub fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let told = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let told = told.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let line = told.collect::<Vec<_>>().join("; ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    format!("{}; see --help", line.replace(":;", ":"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound_and_explained() {
        Cli::command().debug_assert();
        explained(&Cli::command());
    }

    fn explained(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments() {
            let id = argument.get_id();
            assert!(argument.get_help().is_some(), "{} {id}", command.get_name());
        }
        command.get_subcommands().for_each(explained);
    }

    #[test]
    fn mistakes_take_one_line() {
        for (args, wanted) in [
            (&["gateway", "--lisen", "x"][..], "--listen"),
            (&["feed", "--exchange", "kucoin"][..], "kucoin=BTC-USDT,ETH-USDT"),
            (&["watch"][..], "<TOPIC>"),
            (&["gatway"][..], "gateway"),
            (&["demo", "--log-format", "xml"][..], "text or json"),
        ] {
            let error = Cli::try_parse_from([&["tickcast"], args].concat()).unwrap_err();
            let line = one_line(&error);
            assert!(line.contains(wanted) && !line.contains('\n'), "{line}");
        }
    }
}
