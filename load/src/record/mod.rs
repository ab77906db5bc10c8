//! Live traffic written down, in the form that simulated exchanges can replay.
//!
//! - `address`: where to dial, KuCoin's token included
//! - `wishes`: what is sent there: subscriptions and pings
//! - `wire`: one connection from its dial to its end
//! - `tape`: the file
//! - [`summary`]: what was recorded

mod address;
pub mod summary;
mod tape;
mod wire;
mod wishes;

pub use summary::Summary;

use crate::venue::Exchange;
use address::Address;
use std::{io, path::PathBuf, sync::Once, time::Duration};
use tape::Tape;
use tickcast_shared::market::{ParseError, Symbol};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite;
use tokio_util::sync::CancellationToken;

/// Wait before the first dial that follows a connection's end; doubled up to
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// this, which no exchange minds.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What to record.
#[derive(Debug, Clone)]
pub struct RecordConfig {
    /// Of which exchange.
    pub exchange: Exchange,
    /// Symbols, our spelling.
    pub symbols: Vec<String>,
    /// Base address in place of the exchange's own: of its WebSocket, for KuCoin of its REST.
    pub url: Option<String>,
    /// The file.
    pub out: PathBuf,
    /// Replace a file that is there.
    pub force: bool,
    /// For how long; nothing: until the token is cancelled.
    pub duration: Option<Duration>,
    /// Show how far it is.
    pub progress: bool,
}

/// Why nothing was recorded, or not to the end.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A recording cannot be made again.
    #[error("{} is there already; --force replaces it", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("cannot write {}: {source}", file.display())]
    File {
        /// Its path.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A symbol is not written `BASE-QUOTE`.
    #[error(transparent)]
    Symbol(#[from] ParseError),
    /// The address is none.
    #[error("{text:?} is no address: {source}")]
    Url {
        /// What was given.
        text: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// The exchange cannot be asked for a token.
    #[error("cannot get a token from {url}: {source}")]
    Token {
        /// Where it was asked for.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The exchange does not give one.
    #[error("the exchange refuses a token: {0}")]
    Refused(String),
    /// The socket cannot be dialled.
    #[error("cannot dial {addr}: {source}")]
    Dial {
        /// Without its token.
        addr: String,
        /// Why.
        source: Box<tungstenite::Error>,
    },
    /// It does not answer.
    #[error("{0} does not answer")]
    Silent(String),
}

/// Records until the time is over or the token is cancelled. A connection that ends is followed by
/// another.
///
/// # Errors
/// [`RecordError`] when the first connection cannot be had, or the file not be written.
pub async fn run(config: RecordConfig, token: CancellationToken) -> Result<Summary, RecordError> {
    install_crypto();
    let parsed: Result<Vec<Symbol>, _> = config.symbols.iter().map(|text| text.parse()).collect();
    let symbols = parsed?;
    let mut address = Address::new(config.exchange, config.url.as_deref())?;
    let mut tape = Tape::create(&config, &symbols)?;
    let over = async {
        match config.duration {
            Some(duration) => sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        () = token.cancelled() => Ok(()),
        () = over => Ok(()),
        ended = connections(config.exchange, &symbols, &mut address, &mut tape) => ended,
    };
    match ended {
        Err(error) if !tape.has_frames() => {
            tape.discard();
            Err(error)
        }
        Err(error) => Err(error),
        Ok(()) => tape.finish(),
    }
}

/// One connection after the other, for ever.
async fn connections(
    exchange: Exchange,
    symbols: &[Symbol],
    address: &mut Address,
    tape: &mut Tape,
) -> Result<(), RecordError> {
    let mut wait = FIRST_WAIT;
    loop {
        let heard = match wire::connection(exchange, symbols, address, tape).await {
            Ok(heard) => heard,
            Err(error @ RecordError::File { .. }) => return Err(error),
            Err(error) if !tape.has_frames() => return Err(error),
            // The exchange has been heard before: it will be back.
            Err(_) => 0,
        };
        wait = if heard > 0 { FIRST_WAIT } else { (wait * 2).min(LONGEST_WAIT) };
        sleep(wait).await;
    }
}

/// Chooses the one crypto provider of the process, once.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Refused only if the process has chosen one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
