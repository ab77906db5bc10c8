//! `tickcast watch`: a terminal client that stays connected.

mod message;
mod output;
mod retry;
mod row;
mod screen;
mod session;

pub use message::{Belief, Quote};
pub use row::{Row, age_text};

use crate::{cli, outcome::Failure};
use anyhow::anyhow;
use output::Output;
use retry::{Lost, Next, SUCCESS_AFTER};
use session::{End, Wanted};
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};

/// Shows topics until the user, the reader of our output or the gateway ends it.
///
/// # Errors
/// When no topic was accepted, or the gateway asks not to come back.
pub async fn watch(args: cli::Watch) -> Result<(), Failure> {
    check_url(&args.url)?;
    let mut output = Output::choose(args.json);
    let wanted = Wanted { url: args.url, topics: args.topics, left: args.count, accepted: false };
    let ended = tokio::select! {
        ended = keep_watching(wanted, &mut output) => ended,
        () = told_to_stop() => Ok(()),
    };
    match output.close() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow!(error).context("cannot write to the terminal").into())
        }
        _ => ended,
    }
}

/// The address must be one that can be dialled at all.
fn check_url(url: &str) -> Result<(), Failure> {
    let wrong = |why: &str| {
        Err(Failure::Mistake(format!(
            "--url = {url:?} does not fit: {why}, for example {}",
            cli::DEFAULT_URL
        )))
    };
    match url::Url::parse(url) {
        Err(error) => wrong(&error.to_string()),
        Ok(parsed) if !matches!(parsed.scheme(), "ws" | "wss") => wrong("expected ws:// or wss://"),
        Ok(_) => Ok(()),
    }
}

async fn keep_watching(mut wanted: Wanted, output: &mut Output) -> Result<(), Failure> {
    let mut failures = 0;
    loop {
        let dialled = Instant::now();
        let lost = match session::run(&mut wanted, output).await {
            End::Enough | End::ReaderGone => return Ok(()),
            End::NothingAccepted => return Err(anyhow!("no topic was accepted").into()),
            End::Output(error) => return Err(anyhow!(error).context("cannot write").into()),
            End::Lost(lost) => lost,
        };
        failures = if dialled.elapsed() >= SUCCESS_AFTER { 1 } else { failures + 1 };
        match lost.next(failures, rand::random()) {
            Next::GiveUp(why) => return Err(anyhow!("{}: {why}", wanted.url).into()),
            Next::Again(after) => {
                let hint = hint(&lost);
                let text = format!("{lost}; trying again in {:.1} s{hint}", after.as_secs_f64());
                // A reader that has gone is noticed with the next price.
                let _ = output.lost(&text);
                tokio::time::sleep(after).await;
            }
        }
    }
}

/// What a user who has just begun may have missed.
fn hint(lost: &Lost) -> &'static str {
    match lost {
        Lost::Dial(_) => " (is a gateway running? `tickcast demo` starts one)",
        _ => "",
    }
}

/// Ctrl-C or SIGTERM.
pub async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
