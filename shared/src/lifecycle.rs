//! Named tasks under one cancellation token: a process is whole, or it ends.

use crate::{panics::breakable, progress::Progress};
use std::{fmt::Display, future::Future, panic};
use tokio::{signal::unix::SignalKind, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// An essential task ended before it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("{task} {why}")]
pub struct Failed {
    /// Its name.
    pub task: &'static str,
    /// What became of it.
    pub why: String,
}

/// The essential tasks of a process. When one ends or panics early, all are cancelled and
/// [`Tasks::finish`] says which, so that a supervisor restarts the process: it is never half alive.
#[derive(Debug, Default)]
pub struct Tasks {
    token: CancellationToken,
    progress: Progress,
    running: JoinSet<(&'static str, Result<(), String>)>,
}

impl Tasks {
    /// No tasks, not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the process shall end; tasks stop by watching it.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Where tasks mark the turns of their loops, for those that end with a loop that stands still
    /// rather than with its end.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Starts a task that must run until the token is cancelled.
    pub fn essential<E: Display + Send + 'static>(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let guarded = async move {
            match tokio::spawn(breakable(name, task)).await {
                Ok(Ok(())) => (name, Ok(())),
                Ok(Err(error)) => (name, Err(format!("failed: {error}"))),
                Err(join) => (name, Err(panicked(join))),
            }
        };
        self.running.spawn(guarded);
    }

    /// Cancels the token on SIGTERM or SIGINT; a second signal ends the process at once.
    pub fn stop_on_signals(&mut self) {
        let token = self.token();
        self.essential("signals", async move {
            let mut terminate = tokio::signal::unix::signal(SignalKind::terminate())?;
            let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt())?;
            tokio::select! {
                () = token.cancelled() => {}
                _ = terminate.recv() => info!("stopping; a second signal stops at once"),
                _ = interrupt.recv() => info!("stopping; a second signal stops at once"),
            }
            token.cancel();
            tokio::spawn(async move {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                std::process::exit(EXIT_AT_ONCE);
            });
            Ok::<(), std::io::Error>(())
        });
    }

    /// Waits until all tasks have ended after a cancellation, or one has failed.
    ///
    /// # Errors
    /// [`Failed`] names the first task that ended or panicked before the cancellation.
    pub async fn finish(mut self) -> Result<(), Failed> {
        let mut first = None;
        while let Some(ended) = self.running.join_next().await {
            let (task, result) = match ended {
                Ok(ended) => ended,
                Err(join) => ("lifecycle", Err(panicked(join))),
            };
            let why = match result {
                Ok(()) if self.token.is_cancelled() => continue,
                Ok(()) => "ended unasked".to_owned(),
                Err(why) => why,
            };
            error!(task, why, "essential task is gone; stopping the process");
            self.token.cancel();
            first.get_or_insert(Failed { task, why });
        }
        first.map_or(Ok(()), Err)
    }
}

/// Exit code of a process that was told twice to stop: 128 + SIGINT, as shells report it.
const EXIT_AT_ONCE: i32 = 130;

fn panicked(join: tokio::task::JoinError) -> String {
    match join.try_into_panic() {
        Ok(payload) => format!("panicked: {}", panic_text(payload.as_ref())),
        Err(_) => "was cancelled".to_owned(),
    }
}

/// The text a panic was raised with.
fn panic_text(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

/// Keeps raw panic reports off the user's terminal: they go to the log as one line each.
pub fn log_panics() {
    panic::set_hook(Box::new(|report| {
        let text = panic_text(report.payload());
        let at = report.location().map(ToString::to_string).unwrap_or_default();
        error!(at, "panic: {text}");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ends_quietly_once_cancelled() {
        let mut tasks = Tasks::new();
        let token = tasks.token();
        let waiting = token.clone();
        tasks.essential("waits", async move {
            waiting.cancelled().await;
            Ok::<(), Failed>(())
        });
        token.cancel();
        assert!(tasks.finish().await.is_ok());
    }

    #[tokio::test]
    async fn a_panic_stops_everything_and_is_named() {
        let mut tasks = Tasks::new();
        let token = tasks.token();
        tasks.essential("waits", async move {
            token.cancelled().await;
            Ok::<(), Failed>(())
        });
        tasks.essential("breaks", async { panic!("out of luck") as Result<(), Failed> });
        let failed = tasks.finish().await.unwrap_err();
        assert_eq!((failed.task, failed.why.as_str()), ("breaks", "panicked: out of luck"));
    }

    #[tokio::test]
    async fn an_early_end_counts_as_failure() {
        let mut tasks = Tasks::new();
        tasks.essential("gives up", async { Ok::<(), Failed>(()) });
        assert_eq!(tasks.finish().await.unwrap_err().why, "ended unasked");
    }
}
