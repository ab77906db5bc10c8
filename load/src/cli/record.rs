//! The command line of `record`.

use crate::{record::RecordConfig, venue::Exchange};
use clap::Args;
use std::{path::PathBuf, time::Duration};

/// Arguments of `record`.
#[derive(Debug, Args)]
#[command(override_usage = "\
    tickcast-load record [OPTIONS] --exchange <EXCHANGE>
                            --symbols <SYMBOL,...> --out <FILE>")]
pub struct RecordArgs {
    /// Which exchange.
    #[arg(long, value_enum)]
    pub exchange: Exchange,
    /// Symbols, such as BTC-USDT,ETH-USDT.
    #[arg(long, value_name = "SYMBOL,...", value_delimiter = ',', required = true)]
    pub symbols: Vec<String>,
    /// Where the recording goes, to be replayed with `venue --recording`.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Stop after so many seconds [default: on Ctrl-C].
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    pub secs: Option<u64>,
    /// Another address than the exchange's own, such as ws://127.0.0.1:9001; for KuCoin that of its
    /// REST, such as http://127.0.0.1:9001.
    #[arg(long)]
    pub url: Option<String>,
    /// Replace a file that is there.
    #[arg(long)]
    pub force: bool,
}

impl From<RecordArgs> for RecordConfig {
    fn from(args: RecordArgs) -> Self {
        Self {
            exchange: args.exchange,
            symbols: args.symbols,
            url: args.url,
            out: args.out,
            force: args.force,
            duration: args.secs.map(Duration::from_secs),
            progress: true,
        }
    }
}
