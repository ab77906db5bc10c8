//! `tickcast watch`: a terminal client that stays connected.

mod line;
mod link;
mod message;
mod news;
mod output;
mod retry;
mod screen;
mod session;
mod times;
mod trip;
pub mod way_out;

pub use line::quote_line;
pub use message::{Belief, Quote};
pub use times::age_text;

use crate::{cli, outcome::Failure};
use news::WAITING_NEWS;
use output::Form;
use session::Wanted;
use std::io::{self, IsTerminal};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// Shows topics until the user, the reader of our output or the gateway ends it.
///
/// # Errors
/// When no topic was accepted, or the gateway asks not to come back.
pub async fn watch(args: cli::Watch) -> Result<(), Failure> {
    check_url(&args.url)?;
    let form = form(&args);
    // A screen ends with its terminal. Lines do as the system says: `nohup` may have told it otherwise.
    let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    way_out::open(if form.is_some() { &signals[..2] } else { &signals })?;
    let (tell, news) = mpsc::channel(WAITING_NEWS);
    let url = args.url.clone();
    let shown = async {
        match form {
            Some(form) => output::print(news, form, args.count, url).await,
            None => screen::show(news, url).await,
        }
    };
    let wanted = Wanted { url: args.url.clone(), topics: args.topics.clone(), accepted: false };
    tokio::select! {
        ended = shown => ended,
        // What was told last still has to be shown.
        () = async { link::stay_connected(wanted, tell).await; std::future::pending().await } => Ok(()),
        () = told_to_stop() => Ok(()),
    }
}

/// How lines are written; none for a screen, which takes a terminal for the output and one for keys.
fn form(args: &cli::Watch) -> Option<Form> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
    let is_terminal = io::stdout().is_terminal() && io::stdin().is_terminal() && !is_dumb;
    match (args.json, is_terminal && !args.plain && args.count.is_none()) {
        (true, _) => Some(Form::Json),
        (false, false) => Some(Form::Text),
        (false, true) => None,
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
