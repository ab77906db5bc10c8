//! Simulated exchanges that speak the real ones' protocols on one listener each.
//!
//! - [`exchange`]: which ones, and their patience
//! - [`source`]: random walk, recording or script
//! - [`control`], `market`: faults, counters, listings and bars, while it runs
//! - [`faults`]: what it does wrong on purpose
//! - `http` -> `connection` -> `session` -> `kucoin`, `binance`, ...: from the socket inwards
//! - `protocol`: the one place that chooses among the exchanges' folders
//! - `publish`, `bars`: what is told on the socket and by REST

mod age;
mod bars;
mod binance;
mod bybit;
mod coinbase;
mod connection;
pub mod control;
pub mod exchange;
pub mod faults;
mod http;
pub mod instrument;
mod kraken;
mod kucoin;
mod level;
mod market;
mod okx;
mod outgoing;
mod protocol;
mod publish;
mod rfc3339;
pub mod schedule;
mod session;
pub mod source;
mod stage;
mod subscriptions;
pub mod tick;
pub mod walk;

pub use bars::VenueBar;
pub(crate) use bybit::wire::{LINEAR, parse_topic as bybit_topic};
pub use control::VenueControl;
pub use exchange::{Exchange, Timings};
pub use faults::{Counts, Disorder, Faults, Framing, NamedFault, OddPrices, OddTicks};
pub use http::SIMULATED_HEADER;
pub use instrument::{Catalogue, DEFAULT_SYMBOLS, Instrument};
pub(crate) use kraken::spelling::new as kraken_asset;
pub use kucoin::tokens::TokenRule;
pub use source::{ReplayStart, Replayed, Source};
pub use subscriptions::Channel;
pub use tick::Tick;

use crate::recording::{self, Frame, RecordingError};
use axum::serve::ListenerExt;
use stage::Stage;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tickcast_shared::market::ParseError;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Why a simulated exchange did not start.
#[derive(Debug, thiserror::Error)]
pub enum VenueError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A symbol is not written `BASE-QUOTE`.
    #[error(transparent)]
    Symbol(#[from] ParseError),
    /// The recording cannot be used.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// No thread for the random walk.
    #[error("cannot start the random walk: {0}")]
    Thread(io::Error),
}

/// What a simulated exchange shall be.
#[derive(Debug)]
pub struct VenueConfig {
    /// Which one.
    pub exchange: Exchange,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Listed symbols, our spelling; ignored for a recording, which has its own.
    pub symbols: Vec<String>,
    /// Where the market data come from.
    pub source: Source,
    /// Carry the due time of each update in the size of its best bid.
    pub stamp: bool,
    /// How patient it is.
    pub timings: Timings,
    /// How long a KuCoin token is good.
    pub tokens: TokenRule,
    /// Faults from the beginning.
    pub faults: Faults,
}

impl VenueConfig {
    /// An exchange on a free local port with the usual symbols, silent until told.
    #[must_use]
    pub fn new(exchange: Exchange) -> Self {
        Self {
            exchange,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            symbols: DEFAULT_SYMBOLS.map(str::to_owned).to_vec(),
            source: Source::Idle,
            stamp: false,
            timings: Timings::of(exchange),
            tokens: TokenRule::default(),
            faults: Faults::default(),
        }
    }
}

/// A running simulated exchange. It ends when it is dropped.
#[derive(Debug)]
pub struct Venue {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Faults and counters.
    pub control: VenueControl,
    server: JoinHandle<()>,
    _stop: DropGuard,
}

impl Venue {
    /// Starts listening and sending.
    ///
    /// # Errors
    /// [`VenueError`] when the address is taken, a symbol malformed or the recording unusable.
    pub async fn start(config: VenueConfig, token: CancellationToken) -> Result<Self, VenueError> {
        let exchange = config.exchange;
        let (frames, catalogue) = match &config.source {
            Source::Recording { file, .. } => {
                let frames = recording::ticker_frames(file, exchange)?;
                let catalogue = recording::catalogue(exchange, &frames);
                (frames, catalogue)
            }
            _ => (Vec::new(), Catalogue::of_symbols(exchange, &config.symbols)?),
        };
        let refused = |source| VenueError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(refused)?;
        let addr = listener.local_addr().map_err(refused)?;
        let stop = token.child_token();
        let stage = Arc::new(Stage::new(&config, catalogue, stop.clone()));
        let server = tokio::spawn(listen(listener, stage.clone()));
        begin(&stage, config.source, frames)?;
        let control = VenueControl { stage };
        Ok(Self { addr, control, server, _stop: stop.drop_guard() })
    }

    /// Base address of its REST: `http://HOST:PORT`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Base address of its WebSocket, without a path: `ws://HOST:PORT`. The real exchange's path
    /// works, and `/` too.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.addr)
    }

    /// Symbols that it lists, in our spelling.
    #[must_use]
    pub fn symbols(&self) -> Vec<String> {
        let catalogue = self.control.stage.catalogue();
        catalogue.all().iter().map(|instrument| instrument.symbol.to_string()).collect()
    }

    /// Cuts all connections and stops listening; the port is free when this returns.
    pub async fn stop(self) {
        self.control.stage.stop.cancel();
        // A panic in a handler has been reported by its own task.
        let _ = self.server.await;
    }
}

/// Starts whatever sends market data by itself.
fn begin(stage: &Arc<Stage>, source: Source, frames: Vec<Frame>) -> Result<(), VenueError> {
    if stage.exchange == Exchange::Bybit {
        tokio::spawn(bybit::resend(stage.clone()));
    }
    match source {
        Source::Idle => {}
        Source::Walk { seed, .. } => {
            let catalogue = stage.catalogue();
            let numbered = catalogue.all().iter().zip(seed..);
            let walks = numbered.map(|(it, seed)| walk::Walk::new(stage.exchange, it, seed));
            if let Some(walking) = stage.walking {
                source::start_walk(stage.clone(), walks.collect(), walking)
                    .map_err(VenueError::Thread)?;
            }
        }
        Source::Recording { speed, start, .. } => {
            tokio::spawn(source::replay(stage.clone(), frames, speed, start));
        }
        Source::Script(ticks) => _ = tokio::spawn(source::script(stage.clone(), ticks)),
    }
    Ok(())
}

async fn listen(listener: TcpListener, stage: Arc<Stage>) {
    let stop = stage.stop.clone();
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
    });
    let stopped = stop.clone().cancelled_owned();
    let serving = axum::serve(listener, http::router(stage)).with_graceful_shutdown(stopped);
    if let Err(error) = serving.await {
        tracing::error!(%error, "simulated exchange stopped listening");
    }
}
