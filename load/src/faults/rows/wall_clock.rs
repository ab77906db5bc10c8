//! The wall clock of feed and gateway jumps; monotonic time goes on as it was.
//!
//! It takes libfaketime, which moves the clock of single processes; the machine's is left alone.

use crate::faults::{FaultsConfig, FaultsError, figure::Figure, market::Market};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::sleep;

/// An hour, in seconds.
const HOUR: i64 = 3600;
/// How long each time is watched: some leases and silences long.
const WATCHED: Duration = Duration::from_secs(15);
/// Largest age of a price that moves, milliseconds.
const AGE_MS: f64 = 10_000.0;

/// Skipped where there is no libfaketime.
pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let why = "libfaketime is not installed (Debian: apt-get install libfaketime)";
    let library = library().ok_or_else(|| FaultsError::Missing(why.to_owned()))?;
    let folder = tempfile::tempdir()?;
    let clock = folder.path().join("clock");
    set(&clock, 0)?;
    let mut market = Market::open(config).await?;
    let (library, file) = (library.to_string_lossy(), clock.to_string_lossy());
    let environment = [
        ("LD_PRELOAD", library.as_ref()),
        ("FAKETIME_TIMESTAMP_FILE", file.as_ref()),
        // Seconds until the file is read again.
        ("FAKETIME_CACHE_DURATION", "1"),
        // One of these names is that of the installed version.
        ("DONT_FAKE_MONOTONIC", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    market.environment = environment.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let (gateway, witness) = market.usual().await?;
    let mut figures = Vec::new();
    for by in [HOUR, -HOUR] {
        let epochs = witness.heard().epochs.len();
        witness.heard().reset();
        set(&clock, by)?;
        sleep(super::hold(config, WATCHED)).await;
        let (_, price) = gateway.price("T0-USDT").await?;
        let heard = witness.heard();
        let figure = |what: &str| format!("{by:+} s: {what}");
        figures.extend([
            Figure::at_most(figure("tickers not live"), 0.0, Some(heard.not_live as f64)),
            Figure::at_most(figure("new epochs"), 0.0, Some((heard.epochs.len() - epochs) as f64)),
            Figure::at_most(figure("age of a price, ms"), AGE_MS, price["age_ms"].as_f64()),
            Figure::holds(figure("the client stayed connected"), heard.closed.is_none()),
        ]);
    }
    if let Some(feed) = market.feeds.first() {
        let lost = feed.metric("tickcast_feed_link_losses_total", "").await?;
        figures.push(Figure::at_most("links to the exchange that were lost", 0.0, Some(lost)));
    }
    Ok(figures)
}

/// In one step: it is read while it is changed.
fn set(clock: &Path, by: i64) -> io::Result<()> {
    let next = clock.with_extension("next");
    fs::write(&next, format!("{by:+}\n"))?;
    fs::rename(next, clock)
}

/// Where Debian's package puts the library.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut paths = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    paths.find(|path| path.is_file())
}
