//! What was recorded, in a line.

use std::{fmt, path::PathBuf, time::Duration};

/// What a recording holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How long it took.
    pub lasted: Duration,
    /// Connections, one after the other.
    pub connections: u64,
    /// Frames sent.
    pub sent: u64,
    /// Text frames received.
    pub received: u64,
    /// Ticker messages among them.
    pub tickers: u64,
    /// Binary frames, which are not recorded.
    pub binary: u64,
    /// Symbols of which no ticker message came.
    pub missing: Vec<String>,
}

impl Summary {
    /// How far it is.
    pub(super) fn progress(&self) -> String {
        let Self { received, tickers, connections, .. } = self;
        format!("{received} frames, {tickers} tickers, connection {connections}")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, tickers, sent, connections, bytes, binary, .. } = self;
        write!(
            f,
            "recorded {received} frames ({tickers} tickers), sent {sent}, connections {connections}, \
             {:.1} s, {bytes} bytes in {}",
            self.lasted.as_secs_f64(),
            self.file.display()
        )?;
        if *binary > 0 {
            write!(f, "; {binary} binary frames left out")?;
        }
        if !self.missing.is_empty() {
            write!(f, "; no ticker of {}", self.missing.join(", "))?;
        }
        Ok(())
    }
}
