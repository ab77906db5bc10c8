//! The command line of `hostile`.

use crate::hostile::{HostileConfig, Kind};
use clap::Args;
use std::{net::Ipv4Addr, time::Duration};

/// Arguments of `hostile`.
#[derive(Debug, Args)]
pub struct HostileArgs {
    /// What the clients do.
    #[arg(long, value_enum)]
    pub kind: Kind,
    /// The gateway's WebSocket, such as ws://127.0.0.1:8080/ws.
    #[arg(long)]
    pub url: String,
    /// How many clients [default: as suits the kind].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_HOSTILE))]
    pub clients: Option<u32>,
    /// How long they go on at most, in seconds [default: as suits the kind].
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub secs: Option<u64>,
    /// Dials or requests a second of all, commands or fragments a second of each client
    /// [default: as suits the kind].
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: Option<u32>,
    /// Topics that `stalled` clients subscribe to: what moves fast shows more.
    #[arg(long, value_name = "TOPIC,...", value_delimiter = ',', default_value = "*-USDT")]
    pub topics: Vec<String>,
    /// Dial from this loopback address, such as 127.0.0.2.
    #[arg(long, value_name = "IP")]
    pub from: Option<Ipv4Addr>,
    /// Seconds within which the server shall answer [default: as it should by default].
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub within: Option<u64>,
    /// Attack a server on another machine: it is yours, or you were asked to.
    #[arg(long)]
    pub i_own_this_server: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Most hostile clients of a process: it has no more descriptors in many a place.
const MAX_HOSTILE: i64 = 20_000;

impl From<HostileArgs> for HostileConfig {
    fn from(args: HostileArgs) -> Self {
        let own = Self::new(args.url, args.kind);
        Self {
            // Bounded by the command line.
            clients: args.clients.map_or(own.clients, |clients| clients as usize),
            duration: args.secs.map_or(own.duration, Duration::from_secs),
            rate: args.rate.unwrap_or(own.rate),
            topics: args.topics,
            source: args.from,
            within: args.within.map(Duration::from_secs),
            is_own_server: args.i_own_this_server,
            progress: true,
            ..own
        }
    }
}
