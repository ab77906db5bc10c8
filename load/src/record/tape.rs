//! The file of a recording: one record a line, and what is to be said about it at its end.

use super::{RecordConfig, RecordError, Summary};
use crate::{recording, venue::Exchange};
use indicatif::{ProgressBar, ProgressDrawTarget};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::PathBuf,
    time::{Duration, Instant},
};
use tickcast_shared::{clock::Clock, market::Symbol};

/// How often what was recorded goes to the disk and the display: a crash costs no more.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// A recording while it is made.
#[derive(Debug)]
pub(super) struct Tape {
    exchange: Exchange,
    path: PathBuf,
    file: BufWriter<File>,
    clock: Clock,
    flushed: Instant,
    /// Name and address of the present connection.
    conn: String,
    addr: String,
    /// Names of which no ticker has come yet, and our names for them.
    missing: BTreeSet<(String, String)>,
    summary: Summary,
    begun: Instant,
    progress: ProgressBar,
}

impl Tape {
    pub(super) fn create(config: &RecordConfig, symbols: &[Symbol]) -> Result<Self, RecordError> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true);
        let options = if config.force { options.truncate(true) } else { options.create_new(true) };
        let file = options.open(&config.out).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => RecordError::Exists(config.out.clone()),
            _ => RecordError::File { file: config.out.clone(), source },
        })?;
        let spelt = |symbol: &Symbol| config.exchange.spelling(symbol.base(), symbol.quote());
        let missing = symbols.iter().map(|it| (spelt(it), it.to_string())).collect();
        // Hidden by itself where nobody looks.
        let target = if config.progress {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Ok(Self {
            exchange: config.exchange,
            path: config.out.clone(),
            file: BufWriter::new(file),
            clock: Clock::start(),
            flushed: Instant::now(),
            conn: String::new(),
            addr: String::new(),
            missing,
            summary: Summary::default(),
            begun: Instant::now(),
            progress: ProgressBar::with_draw_target(None, target),
        })
    }

    /// Whether anything was received.
    pub(super) fn has_frames(&self) -> bool {
        self.summary.received > 0
    }

    /// Another connection begins.
    pub(super) fn connect(&mut self, addr: &str) -> Result<(), RecordError> {
        self.summary.connections += 1;
        let name = self.exchange.name().to_ascii_uppercase();
        self.conn = format!("{name}.ws.{}", self.summary.connections);
        addr.clone_into(&mut self.addr);
        self.line("connect", true, None)
    }

    pub(super) fn sent(&mut self, text: &str) -> Result<(), RecordError> {
        self.summary.sent += 1;
        self.line("send", true, Some(text))
    }

    pub(super) fn received(&mut self, text: &str) -> Result<(), RecordError> {
        self.summary.received += 1;
        if let Some(name) = recording::ticker_of(self.exchange, text, &self.addr) {
            self.summary.tickers += 1;
            self.missing.retain(|(missing, _)| *missing != name);
        }
        self.line("recv", false, Some(text))
    }

    /// The form knows text frames only.
    pub(super) fn binary(&mut self) {
        self.summary.binary += 1;
    }

    /// Takes away a file that nothing came for.
    pub(super) fn discard(self) {
        self.progress.finish_and_clear();
        // It stays behind empty: no harm.
        let _ = fs::remove_file(&self.path);
    }

    pub(super) fn finish(mut self) -> Result<Summary, RecordError> {
        self.flush()?;
        self.progress.finish_and_clear();
        self.summary.bytes = fs::metadata(&self.path).map_or(0, |data| data.len());
        self.summary.lasted = self.begun.elapsed();
        self.summary.missing = self.missing.into_iter().map(|(_, symbol)| symbol).collect();
        self.summary.file = self.path;
        Ok(self.summary)
    }

    /// Writes a record. Its time is a bare number of seconds with six digits behind the point,
    /// which no float would keep.
    fn line(&mut self, kind: &str, with_addr: bool, text: Option<&str>) -> Result<(), RecordError> {
        let now = self.clock.now().0;
        let (seconds, micros) = (now.div_euclid(1_000_000), now.rem_euclid(1_000_000));
        let mut line =
            format!(r#"{{"t":"{kind}","conn":{},"ts":{seconds}.{micros:06}"#, json(&self.conn));
        if with_addr {
            line += &format!(r#","addr":{}"#, json(&self.addr));
        }
        if let Some(text) = text {
            line += &format!(r#","data":{}"#, json(text));
        }
        line += "}\n";
        self.file.write_all(line.as_bytes()).map_err(|source| self.failed(source))?;
        if self.flushed.elapsed() >= FLUSH_EVERY {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), RecordError> {
        self.flushed = Instant::now();
        self.file.flush().map_err(|source| self.failed(source))?;
        self.progress.set_message(self.summary.progress());
        self.progress.tick();
        Ok(())
    }

    fn failed(&self, source: io::Error) -> RecordError {
        RecordError::File { file: self.path.clone(), source }
    }
}

/// A text as a JSON string.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
