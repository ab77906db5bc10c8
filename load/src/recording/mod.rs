//! Recorded sessions of real exchanges: their ticker messages, in order and verbatim.
//!
//! - `session`: the lines of a file
//! - `subject`: which of them are ticker messages, and of what

mod session;
mod subject;

use crate::venue::{Catalogue, Channel, Exchange, Instrument};
use session::{Received, Session};
use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};
use tickcast_shared::{clock::Micros, market::Symbol};

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read.
    #[error("cannot read the recording {}: {source}", file.display())]
    Read {
        /// Its path.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is not a record.
    #[error("{} line {line} is not a record of a session: {source}", file.display())]
    Line {
        /// Its path.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It has nothing to play.
    #[error("{} has no ticker message of {exchange}", file.display())]
    Empty {
        /// Its path.
        file: PathBuf,
        /// The exchange whose messages were looked for.
        exchange: Exchange,
    },
}

/// A ticker message of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Our name of the symbol; the exchange's own for what is not spot.
    pub symbol: Arc<str>,
    /// The exchange's own name.
    pub name: Arc<str>,
    /// What kind of message it is.
    pub channel: Channel,
    /// The message, verbatim.
    pub text: String,
    /// When it was received.
    pub received: Micros,
}

/// The folder of recordings, if there is one: `$TICKCAST_RECORDINGS`, else `shared/recordings`
/// beside the project.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recordings");
    let folder = std::env::var_os("TICKCAST_RECORDINGS").map_or(beside.into(), PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// All ticker messages of a recorded session, in order.
///
/// # Errors
/// [`RecordingError`] names the file, and the line where there is one.
pub fn ticker_frames(file: &Path, exchange: Exchange) -> Result<Vec<Frame>, RecordingError> {
    let unreadable = |source| RecordingError::Read { file: file.to_owned(), source };
    let reader = BufReader::new(File::open(file).map_err(unreadable)?);
    let mut session = Session::default();
    let mut frames = Vec::new();
    for (index, line) in reader.lines().enumerate() {
        let line = line.map_err(unreadable)?;
        let received = session.read(&line).map_err(|source| RecordingError::Line {
            file: file.to_owned(),
            line: index + 1,
            source,
        })?;
        let Some(Received { text, at, addr }) = received else { continue };
        let Some((channel, name)) = subject::of(exchange, &text, addr) else { continue };
        let symbol = instrument(exchange, &name).symbol;
        frames.push(Frame { symbol, name: name.into(), channel, text, received: at });
    }
    if frames.is_empty() {
        return Err(RecordingError::Empty { file: file.to_owned(), exchange });
    }
    Ok(frames)
}

/// The exchange's name of the instrument that a message is a ticker of, if it is one. `addr` is what
/// its connection was dialled under.
pub(crate) fn ticker_of(exchange: Exchange, text: &str, addr: &str) -> Option<String> {
    subject::of(exchange, text, addr).map(|(_, name)| name)
}

/// What the recorded exchange listed, as far as the recording tells.
#[must_use]
pub fn catalogue(exchange: Exchange, frames: &[Frame]) -> Catalogue {
    Catalogue::new(frames.iter().map(|frame| instrument(exchange, &frame.name)))
}

/// Quote currencies that end the names of pairs without anything between, longest first. Good for
/// recordings only, where the list of instruments of that day is gone.
const QUOTES: [&str; 12] =
    ["FDUSD", "USDT", "USDC", "BUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "GBP", "TRY", "USD"];

fn instrument(exchange: Exchange, name: &str) -> Instrument {
    let pair = match exchange {
        Exchange::Binance | Exchange::Bybit => {
            QUOTES.iter().find_map(|quote| name.strip_suffix(quote).map(|base| (base, *quote)))
        }
        Exchange::Kucoin | Exchange::Okx | Exchange::Coinbase => name.split_once('-'),
        Exchange::Kraken => name.split_once('/'),
    };
    match pair.and_then(|(base, quote)| Symbol::of(base, quote).ok()) {
        Some(symbol) => Instrument { name: name.into(), ..Instrument::spot(exchange, &symbol) },
        None => Instrument::derivative(name),
    }
}
