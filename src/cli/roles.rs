//! Flags of the roles that run until they are told to stop.

use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use tickcast_shared::telemetry::LogFormat;

/// Flags of every role.
#[derive(Debug, Args)]
pub struct Common {
    /// Read this file instead of tickcast.toml in the working directory
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where Redis is, for feed and gateway
    #[arg(long, value_name = "URL")]
    pub(super) redis_url: Option<String>,
    /// Where operators find health, metrics and queues
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin_listen: Option<String>,
    /// How log lines are written: text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, trace or off, or levels by target [default: info;
    /// demo: warn]
    #[arg(long, value_name = "LEVEL", env = "TICKCAST_LOG")]
    pub(super) log_level: Option<String>,
}

/// Flags of `gateway` and `demo`.
#[derive(Debug, Args)]
pub struct Gateway {
    #[command(flatten)]
    pub common: Common,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
}

/// Flags of `feed`.
#[derive(Debug, Args)]
pub struct Feed {
    #[command(flatten)]
    pub common: Common,
    /// Name of the topics written; feeds of the same name stand by for each other
    #[arg(long, value_name = "NAME")]
    pub(super) group: Option<String>,
    /// Take only this part of the symbols, such as 1/3; another feed takes 2/3
    #[arg(long, value_name = "K/N")]
    pub(super) partition: Option<String>,
    #[command(flatten)]
    pub(super) exchanges: Exchanges,
}

/// Flags of `run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub common: Common,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
    #[command(flatten)]
    pub(super) exchanges: Exchanges,
}

/// The exchanges to connect to.
#[derive(Debug, Args)]
pub struct Exchanges {
    /// An exchange and its symbols, such as kucoin=BTC-USDT,ETH-USDT; may be repeated
    #[arg(long = "exchange", value_name = "NAME=SYMBOLS", value_parser = exchange)]
    pub(super) list: Vec<Value>,
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
