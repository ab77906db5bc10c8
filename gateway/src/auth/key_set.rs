//! A JSON Web Key Set that changes while the gateway runs.

use super::{
    config::JwtAlgorithm,
    fetch::Fetcher,
    keys::{SetKey, of_set},
};
use crate::metrics::Metrics;
use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often a file is looked at.
const FILE_EVERY: Duration = Duration::from_secs(2);
/// The same when tokens name keys that are not in it.
const FILE_REST: Duration = Duration::from_millis(500);
/// How often a set is fetched from its address: withdrawn keys are given up within this time.
const URL_EVERY: Duration = Duration::from_secs(300);
/// The same when tokens name keys that are not in it: strangers must not make us a nuisance.
const URL_REST: Duration = Duration::from_secs(10);
/// How long a client waits for the set to be read again; longer than a fetch may take.
const LOOK_WITHIN: Duration = Duration::from_secs(4);

/// A set of keys, read again and again. What was read last stays while reading fails.
#[derive(Debug)]
pub struct KeySet {
    source: Source,
    algorithm: JwtAlgorithm,
    rhythm: Rhythm,
    read: watch::Sender<Read>,
    wanted: Notify,
}

/// How often a set is read.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// Without a reason.
    pub every: Duration,
    /// Least time between two readings.
    pub rest: Duration,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Url(Fetcher),
}

/// What came of reading it.
#[derive(Debug, Default)]
struct Read {
    keys: Arc<[SetKey]>,
    /// When it was last tried.
    tried: Option<Instant>,
    /// What went wrong then.
    failure: Option<String>,
    /// The file as it was then: a file that has not changed is not read.
    mark: Option<Mark>,
}

/// When a file was written, and its length.
type Mark = (SystemTime, u64);

impl KeySet {
    /// A set in a file, which must be there.
    ///
    /// # Errors
    /// A line that says why it cannot be used.
    pub fn of_file(path: &Path, algorithm: JwtAlgorithm) -> Result<Self, String> {
        let mark = mark(path).ok();
        let keys = of_set(&super::read(path)?, algorithm)?.into();
        let rhythm = Rhythm { every: FILE_EVERY, rest: FILE_REST };
        let read = Read { keys, tried: Some(Instant::now()), failure: None, mark };
        Ok(Self::new(Source::File(path.to_owned()), algorithm, rhythm, read))
    }

    /// A set at an address; nothing is fetched yet.
    ///
    /// # Errors
    /// A line that says why it cannot be fetched at all.
    pub fn of_url(url: &str, algorithm: JwtAlgorithm) -> Result<Self, String> {
        let rhythm = Rhythm { every: URL_EVERY, rest: URL_REST };
        Ok(Self::new(Source::Url(Fetcher::new(url)?), algorithm, rhythm, Read::default()))
    }

    fn new(source: Source, algorithm: JwtAlgorithm, rhythm: Rhythm, read: Read) -> Self {
        let (read, _) = watch::channel(read);
        Self { source, algorithm, rhythm, read, wanted: Notify::new() }
    }

    /// The same in another rhythm.
    #[cfg(test)]
    pub(super) fn with_rhythm(self, rhythm: Rhythm) -> Self {
        Self { rhythm, ..self }
    }

    /// The keys as they were last read.
    #[must_use]
    pub fn keys(&self) -> Arc<[SetKey]> {
        self.read.borrow().keys.clone()
    }

    /// Whether a key of it has that name; nothing needs none.
    #[must_use]
    pub fn names(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.keys().iter().any(|key| key.kid.as_deref() == Some(kid)))
    }

    /// What went wrong when it was last read, if anything did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.read.borrow().failure.clone()
    }

    /// Has it read again, unless that was tried just now, and waits for it.
    pub async fn look_again(&self) {
        let mut seen = self.read.subscribe();
        let tried = seen.borrow_and_update().tried;
        if tried.is_some_and(|at| at.elapsed() < self.rhythm.rest) {
            return;
        }
        self.wanted.notify_one();
        // In time or not: the token is checked with the keys that are there then.
        let _ = timeout(LOOK_WITHIN, seen.changed()).await;
    }

    /// Reads it whenever it is time to or a token asks for it.
    pub async fn follow(
        self: Arc<Self>,
        metrics: Metrics,
        stop: CancellationToken,
    ) -> Result<(), Infallible> {
        loop {
            let next = self.next_reading();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(next) => {}
                () = self.wanted.notified() => {
                    // Asked for while it was being read.
                    if self.read.borrow().tried.is_some_and(|at| at.elapsed() < self.rhythm.rest) {
                        continue;
                    }
                }
            }
            self.read_again(&metrics).await;
        }
    }

    fn next_reading(&self) -> Instant {
        let read = self.read.borrow();
        let wait = if read.failure.is_some() { self.rhythm.rest } else { self.rhythm.every };
        read.tried.map_or_else(Instant::now, |at| at + wait)
    }

    async fn read_again(&self, metrics: &Metrics) {
        let before = self.read.borrow().mark;
        let (text, mark) = match &self.source {
            Source::Url(fetcher) => (Some(fetcher.get().await), None),
            Source::File(path) => match mark(path) {
                Ok(mark) if Some(mark) == before => (None, before),
                Ok(mark) => (Some(super::read(path)), Some(mark)),
                Err(why) => (Some(Err(why)), None),
            },
        };
        let outcome = text.map(|text| text.and_then(|text| of_set(&text, self.algorithm)));
        self.read.send_modify(|read| {
            read.tried = Some(Instant::now());
            read.mark = mark;
            if let Some(outcome) = outcome {
                metrics.key_set_read(outcome.is_ok());
                self.keep(read, outcome);
            }
        });
    }

    /// Each cause of failure is logged once, and its end.
    fn keep(&self, read: &mut Read, outcome: Result<Vec<SetKey>, String>) {
        let source = self.name();
        match outcome {
            Ok(keys) => {
                if read.failure.take().is_some() {
                    info!(source, "key set can be read again");
                }
                read.keys = keys.into();
            }
            Err(why) => {
                if read.failure.as_ref() != Some(&why) {
                    warn!(source, why, "key set cannot be read; the keys read before stay valid");
                }
                read.failure = Some(why);
            }
        }
    }

    fn name(&self) -> String {
        match &self.source {
            Source::File(path) => path.display().to_string(),
            Source::Url(fetcher) => fetcher.name(),
        }
    }
}

fn mark(path: &Path) -> Result<Mark, String> {
    let read = std::fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len())));
    read.map_err(|error| error.to_string())
}
