//! The way out of a process that cannot go the usual one: all of it waits for a terminal or a pipe that
//! takes nothing more.

use super::screen;
use crate::outcome::Failure;
use anyhow::Context;
use futures_util::future::select_all;
use std::{process, thread, time::Duration};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    time::sleep,
};

/// What an output that does take something needs for its end, on a machine that is busy.
const GRACE: Duration = Duration::from_secs(3);

/// From here on one of these signals ends the process, even if nothing else in it moves any more. The
/// usual end gets the chance to come first.
///
/// # Errors
/// When the system has no thread or signal left.
pub fn open(signals: &[SignalKind]) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start an event loop")?;
    let mut signals = {
        let _in_it = runtime.enter();
        let signals: std::io::Result<Vec<_>> = signals.iter().copied().map(signal).collect();
        signals.context("cannot watch for signals")?
    };
    let wait = async move {
        select_all(signals.iter_mut().map(|it| Box::pin(it.recv()))).await;
        sleep(GRACE).await;
    };
    let thread = thread::Builder::new().name("way out".to_owned()).spawn(move || {
        runtime.block_on(wait);
        screen::let_go();
        process::exit(0);
    });
    thread.context("cannot start a thread")?;
    Ok(())
}
