//! Flags of the commands that ask a gateway.

use super::{DEFAULT_ADMIN, DEFAULT_URL};
use crate::trace;
use clap::Args;

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
