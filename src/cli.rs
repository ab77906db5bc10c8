//! The command line.

mod examples;

use crate::{dlq, trace};
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tickcast_shared::{config::Override, telemetry::LogFormat};

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

/// Flags of every role.
#[derive(Debug, Args)]
pub struct Common {
    /// Read this file instead of tickcast.toml in the working directory
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where Redis is, for feed and gateway
    #[arg(long, value_name = "URL")]
    redis_url: Option<String>,
    /// Where operators find health, metrics and queues
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
    /// How log lines are written: text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, trace or off, or levels by target [default: info;
    /// demo: warn]
    #[arg(long, value_name = "LEVEL", env = "TICKCAST_LOG")]
    log_level: Option<String>,
}

/// Flags of `gateway` and `demo`.
#[derive(Debug, Args)]
pub struct Gateway {
    #[command(flatten)]
    pub common: Common,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

/// Flags of `feed`.
#[derive(Debug, Args)]
pub struct Feed {
    #[command(flatten)]
    pub common: Common,
    /// Name of the topics written; feeds of the same name stand by for each other
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Take only this part of the symbols, such as 1/3; another feed takes 2/3
    #[arg(long, value_name = "K/N")]
    partition: Option<String>,
    #[command(flatten)]
    exchanges: Exchanges,
}

/// Flags of `run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub common: Common,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    #[command(flatten)]
    exchanges: Exchanges,
}

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
    redis_url: Option<String>,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Check what this role needs, and no file of the others; with --redis, the rights of its user
    /// [default: all; with --redis those that the user fits]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<Role>,
    #[command(flatten)]
    exchanges: Exchanges,
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

/// Flags of `generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Where to write; man/ and completions/ are made in it
    #[arg(value_name = "DIRECTORY")]
    pub directory: PathBuf,
}

/// The exchanges to connect to.
#[derive(Debug, Args)]
struct Exchanges {
    /// An exchange and its symbols, such as kucoin=BTC-USDT,ETH-USDT; may be repeated
    #[arg(long = "exchange", value_name = "NAME=SYMBOLS", value_parser = exchange)]
    list: Vec<Value>,
}

/// Flags of `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// Topics, symbols or patterns: BTC-USDT, ticker:okx:ETH-USDT, 'ticker:*:BTC-USDT'
    #[arg(required = true, value_name = "TOPIC")]
    pub topics: Vec<String>,
    /// The gateway's WebSocket address
    #[arg(long, default_value = DEFAULT_URL)]
    pub url: String,
    /// Print the gateway's messages as they come, one a line
    #[arg(long)]
    pub json: bool,
    /// Print lines of text even where a screen could be drawn
    #[arg(long, conflicts_with = "json")]
    pub plain: bool,
    /// Print N prices (with --json: N messages) and end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}

/// Flags of `price`.
#[derive(Debug, Args)]
pub struct Price {
    /// A symbol, such as BTC-USDT, or a topic, such as ticker:okx:ETH-USDT
    pub symbol: String,
    /// The exchange to ask for instead of the gateway's default
    #[arg(long, value_name = "NAME")]
    pub exchange: Option<String>,
    /// The gateway's address
    #[arg(long, default_value = DEFAULT_URL)]
    pub url: String,
    /// Print the gateway's answer as it came
    #[arg(long)]
    pub json: bool,
}

/// Flags of `trace`.
#[derive(Debug, Args)]
#[command(after_help = trace::COLUMNS)]
pub struct Trace {
    /// A topic or symbol: BTC-USDT, ticker:okx:ETH-USDT, kline:kucoin:BTC-USDT:1m
    #[arg(value_name = "TOPIC")]
    pub topic: String,
    /// End after N updates; 0 goes on until Ctrl-C
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub count: u64,
    /// Print a line of JSON for each update, with all times in microseconds
    #[arg(long)]
    pub json: bool,
    /// The gateway's admin listener
    #[arg(long, value_name = "URL", default_value = DEFAULT_ADMIN)]
    pub admin: String,
}

/// `NAME=SYMBOL,SYMBOL`, as the settings write it.
fn exchange(text: &str) -> Result<Value, String> {
    let (name, symbols) = text
        .split_once('=')
        .filter(|(name, symbols)| !name.is_empty() && !symbols.is_empty())
        .ok_or("expected NAME=SYMBOL,SYMBOL, for example kucoin=BTC-USDT,ETH-USDT")?;
    let symbols: Vec<&str> = symbols.split(',').map(str::trim).collect();
    Ok(json!({"name": name.trim(), "symbols": symbols}))
}

/// The file that was named on the command line.
pub fn file(command: &Command) -> Option<&Path> {
    match command {
        Command::Demo(it) | Command::Gateway(it) => it.common.config.as_deref(),
        Command::Run(it) => it.common.config.as_deref(),
        Command::Feed(it) => it.common.config.as_deref(),
        Command::Check(it) => it.config.as_deref(),
        Command::Dlq(it) => it.config(),
        Command::Watch(_)
        | Command::Price(_)
        | Command::Trace(_)
        | Command::Metrics
        | Command::Generate(_) => None,
    }
}

/// The settings that flags stand for, in the order of their keys.
pub fn overrides(command: &Command) -> Vec<Override> {
    let mut given = Vec::new();
    let mut add = |flag, key, value: &Option<String>| {
        let value = value.as_ref().map(|value| Value::String(value.clone()));
        given.extend(value.map(|value| Override { flag, key, value }));
    };
    let (common, listen, exchanges) = match command {
        Command::Demo(it) | Command::Gateway(it) => (Some(&it.common), &it.listen, None),
        Command::Run(it) => (Some(&it.common), &it.listen, Some(&it.exchanges)),
        Command::Feed(it) => (Some(&it.common), &None, Some(&it.exchanges)),
        Command::Check(it) => {
            add("--redis-url", "redis_url", &it.redis_url);
            (None, &it.listen, Some(&it.exchanges))
        }
        Command::Dlq(it) => {
            add("--redis-url", "redis_url", it.redis_url());
            (None, &None, None)
        }
        Command::Watch(_)
        | Command::Price(_)
        | Command::Trace(_)
        | Command::Metrics
        | Command::Generate(_) => (None, &None, None),
    };
    let admin_key = match command {
        Command::Feed(_) => "feed.admin_listen",
        _ => "gateway.admin_listen",
    };
    if let Some(common) = common {
        let format = common.log_format.as_ref().map(ToString::to_string);
        // Empty in the environment is as good as not there.
        let level = common.log_level.clone().filter(|level| !level.is_empty());
        add("--log-format", "log_format", &format);
        add("--log-level", "log_level", &level);
        add("--redis-url", "redis_url", &common.redis_url);
        add("--admin-listen", admin_key, &common.admin_listen);
    }
    add("--listen", "gateway.listen", listen);
    if let Command::Feed(Feed { group, partition, .. }) = command {
        add("--group", "feed.group", group);
        add("--partition", "feed.partition", partition);
    }
    if let Some(Exchanges { list }) = exchanges.filter(|exchanges| !exchanges.list.is_empty()) {
        let value = Value::Array(list.clone());
        given.push(Override { flag: "--exchange", key: "feed.exchange", value });
    }
    given
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

    fn keys(args: &[&str]) -> Vec<(&'static str, Value)> {
        let cli = Cli::try_parse_from([&["tickcast"], args].concat()).unwrap();
        overrides(&cli.command).into_iter().map(|given| (given.key, given.value)).collect()
    }

    #[test]
    fn flags_become_settings() {
        assert_eq!(
            keys(&["feed", "--admin-listen", "a", "--exchange", "okx=BTC-USDT,ETH-USDT"]),
            [
                ("feed.admin_listen", json!("a")),
                ("feed.exchange", json!([{"name": "okx", "symbols": ["BTC-USDT", "ETH-USDT"]}])),
            ]
        );
        assert_eq!(
            keys(&["gateway", "--listen", "b", "--redis-url", "r", "--admin-listen", "a"]),
            [
                ("redis_url", json!("r")),
                ("gateway.admin_listen", json!("a")),
                ("gateway.listen", json!("b")),
            ]
        );
        assert_eq!(
            keys(&["feed", "--group", "alts", "--partition", "1/3"]),
            [("feed.group", json!("alts")), ("feed.partition", json!("1/3"))]
        );
        assert_eq!(keys(&["demo"]), []);
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
