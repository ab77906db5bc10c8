//! Recorded sessions of real exchanges: their ticker messages, in order and verbatim.

use crate::venue::{Catalogue, Channel, Exchange, Instrument};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Deserialize;
use serde_json::value::RawValue;
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

#[derive(Deserialize)]
struct Record<'a> {
    t: String,
    #[serde(borrow)]
    ts: &'a RawValue,
    data: Option<String>,
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
    let mut frames = Vec::new();
    for (index, line) in reader.lines().enumerate() {
        let line = line.map_err(unreadable)?;
        let record: Record = serde_json::from_str(&line).map_err(|source| {
            RecordingError::Line { file: file.to_owned(), line: index + 1, source }
        })?;
        let ("recv", Some(text)) = (record.t.as_str(), record.data) else { continue };
        let Some((channel, name)) = subject_of(exchange, &text) else { continue };
        let symbol = instrument(exchange, &name).symbol;
        let received = micros(record.ts.get());
        frames.push(Frame { symbol, name: name.into(), channel, text, received });
    }
    if frames.is_empty() {
        return Err(RecordingError::Empty { file: file.to_owned(), exchange });
    }
    Ok(frames)
}

/// What the recorded exchange listed, as far as the recording tells.
#[must_use]
pub fn catalogue(exchange: Exchange, frames: &[Frame]) -> Catalogue {
    Catalogue::new(frames.iter().map(|frame| instrument(exchange, &frame.name)))
}

/// Seconds with a fraction, as text, to microseconds; 0 when it is not a number.
fn micros(seconds: &str) -> Micros {
    let exact = Decimal::from_str_exact(seconds).ok();
    let micros = exact.and_then(|seconds| (seconds * Decimal::from(1_000_000)).to_i64());
    Micros(micros.unwrap_or(0))
}

#[derive(Deserialize)]
struct Envelope {
    topic: Option<String>,
    subject: Option<String>,
    stream: Option<String>,
    arg: Option<Argument>,
    data: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    channel: String,
    inst_id: Option<String>,
}

/// Channel and instrument of a ticker message; nothing for any other.
fn subject_of(exchange: Exchange, text: &str) -> Option<(Channel, String)> {
    let envelope: Envelope = serde_json::from_str(text).ok()?;
    envelope.data.as_ref()?;
    match exchange {
        Exchange::Kucoin => match envelope.topic?.strip_prefix("/market/ticker:")? {
            "all" => Some((Channel::Quote, envelope.subject?)),
            name => Some((Channel::Quote, name.to_owned())),
        },
        Exchange::Binance => {
            let stream = envelope.stream?;
            let (name, channel) = stream.split_once('@')?;
            let channel = match channel {
                "bookTicker" => Channel::Quote,
                "ticker" => Channel::Summary,
                _ => return None,
            };
            Some((channel, name.to_ascii_uppercase()))
        }
        Exchange::Okx => {
            let argument = envelope.arg.filter(|argument| argument.channel == "tickers")?;
            Some((Channel::Quote, argument.inst_id?))
        }
    }
}

/// Quote currencies that end the names of Binance's pairs, longest first. Good for recordings
/// only, where the list of instruments of that day is gone.
const BINANCE_QUOTES: [&str; 12] =
    ["FDUSD", "USDT", "USDC", "BUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "GBP", "TRY", "USD"];

fn instrument(exchange: Exchange, name: &str) -> Instrument {
    let pair = match exchange {
        Exchange::Binance => BINANCE_QUOTES
            .iter()
            .find_map(|quote| name.strip_suffix(quote).map(|base| (base, *quote))),
        Exchange::Kucoin | Exchange::Okx => name.split_once('-'),
    };
    match pair.and_then(|(base, quote)| Symbol::of(base, quote).ok()) {
        Some(symbol) => Instrument { name: name.into(), ..Instrument::spot(exchange, &symbol) },
        None => Instrument::derivative(name),
    }
}
