//! The arguments of `tickcast dlq`.

use clap::Subcommand;
use std::path::{Path, PathBuf};

/// Letters shown unless told otherwise.
const SHOWN: usize = 50;

const EXAMPLES: &str = "\
Examples:
  tickcast dlq list
  tickcast dlq retry --all
";
const LIST_EXAMPLES: &str = "\
Examples:
  tickcast dlq list --exchange kucoin --reason unconfirmed
  tickcast dlq list --url http://127.0.0.1:9091 --json
";
const SHOW_EXAMPLES: &str = "\
Example:
  tickcast dlq show 1729757700001-0
";
const RETRY_EXAMPLES: &str = "\
Examples:
  tickcast dlq retry 1729757700001-0
  tickcast dlq retry --all --reason unconfirmed
";

const EXIT_CODES: &str = "\
Exit codes:
  0  done; nothing there is no failure
  1  Redis or the feed cannot be reached, or there is no such letter
  2  a mistake in flags, environment or file
  3  retry: a message would be refused again";

/// Arguments of `dlq`.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists dead letters, newest first
    List(List),
    /// Shows a dead letter with its whole text
    Show(Show),
    /// Judges dead letters with the present code and says what would be published; publishes nothing
    Retry(Retry),
}

/// Arguments of `dlq list`.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{LIST_EXAMPLES}\n{EXIT_CODES}"))]
pub struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pub filter: Filter,
    /// Print a line of JSON for each
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `dlq show`.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{SHOW_EXAMPLES}\n{EXIT_CODES}"))]
pub struct Show {
    /// Its number, as `list` shows it
    pub id: String,
    #[command(flatten)]
    place: Place,
    /// Print it as a line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `dlq retry`.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{RETRY_EXAMPLES}\n{EXIT_CODES}"))]
pub struct Retry {
    /// Its number, as `list` shows it
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub id: Option<String>,
    /// All that `list` would show
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pub filter: Filter,
    /// Print a line of JSON for each
    #[arg(long)]
    pub json: bool,
}

/// Where the letters are.
#[derive(Debug, clap::Args)]
struct Place {
    /// Read this file instead of tickcast.toml in the working directory
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The Redis that the feed writes to
    #[arg(long, value_name = "URL")]
    redis_url: Option<String>,
    /// Ask the admin listener of a running feed instead, such as http://127.0.0.1:9091
    #[arg(long, value_name = "URL", conflicts_with = "redis_url")]
    url: Option<String>,
}

/// Which letters.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Only this exchange's
    #[arg(long, value_name = "NAME")]
    pub exchange: Option<String>,
    /// Only those refused for this reason, such as unconfirmed
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = SHOWN, value_parser = most)]
    pub limit: usize,
}

fn most(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a number above zero".to_owned()),
    }
}

impl Args {
    fn place(&self) -> &Place {
        match &self.command {
            Command::List(it) => &it.place,
            Command::Show(it) => &it.place,
            Command::Retry(it) => &it.place,
        }
    }

    /// The configuration file, if one is named.
    pub fn config(&self) -> Option<&Path> {
        self.place().config.as_deref()
    }

    /// The Redis, if one is named.
    pub fn redis_url(&self) -> &Option<String> {
        &self.place().redis_url
    }

    /// The feed to ask instead.
    pub fn url(&self) -> Option<&str> {
        self.place().url.as_deref()
    }
}
