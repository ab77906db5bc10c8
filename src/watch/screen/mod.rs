//! `tickcast watch` on a terminal: a screen of prices that keys filter, sort and explain.

mod board;
mod columns;
mod connection;
mod details;
mod filter;
#[cfg(test)]
mod fixture;
mod foot;
mod head;
mod market;
mod order;
mod spark;
mod stage;
mod table;
#[cfg(test)]
mod tests;
mod theme;
mod topic;
mod view;

use super::{news::News, output::note};
use crate::outcome::Failure;
use board::Board;
use crossterm::event::{Event, EventStream, KeyEvent, KeyEventKind};
use futures_util::StreamExt;
pub use stage::let_go;
use stage::{Stage, is_gone};
use std::{io, time::Duration};
use theme::Theme;
use tickcast_shared::clock::Clock;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::Receiver,
    time::{MissedTickBehavior, interval},
};
use view::Wish;

/// How often the screen is drawn at most: more often nobody reads.
const DRAW_EVERY: Duration = Duration::from_millis(66);
/// Warnings that are told again when the screen is gone: it took them with it.
const KEPT_WARNINGS: usize = 20;

/// Shows what comes from `url` until the user leaves or the connection is over.
///
/// # Errors
/// When it is over, or the terminal does not take any more.
pub async fn show(news: Receiver<News>, url: String) -> Result<(), Failure> {
    let mut warnings = Vec::new();
    let ended = run(news, url, &mut warnings).await;
    let ended = match ended {
        // As good as a hangup, which may come later or not at all.
        Err(End::Terminal(error)) if is_gone(&error) => Ok(()),
        Err(End::Terminal(error)) => Err(anyhow::Error::new(error).context(LOST).into()),
        Err(End::Over(failure)) => Err(failure),
        Ok(()) => Ok(()),
    };
    warnings.iter().for_each(|warning: &String| note(warning));
    ended
}

async fn run(mut news: Receiver<News>, url: String, warnings: &mut Vec<String>) -> Result<(), End> {
    let clock = Clock::start();
    let mut board = Board::new(url, Theme::of_environment(), clock.now());
    let mut hangups = signal(SignalKind::hangup())?;
    let mut stage = Stage::enter()?;
    let mut keys = EventStream::new();
    let mut draws = interval(DRAW_EVERY);
    draws.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            piece = news.recv() => match piece {
                Some(News::Over(failure)) => return Err(End::Over(failure)),
                None => return Ok(()),
                Some(piece) => {
                    if let News::Warning(text) = &piece && warnings.len() < KEPT_WARNINGS {
                        warnings.push(text.clone());
                    }
                    board.hear(piece, clock.now());
                }
            },
            event = keys.next() => match event {
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => {
                    if !press(&mut board, &mut stage, key, &clock)? {
                        return Ok(());
                    }
                }
                Some(Ok(Event::Resize(..))) => board.resized(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            _ = draws.tick() => {
                let now = clock.now();
                if board.is_due(now) {
                    stage.draw(|frame| board.draw(frame, now))?;
                }
            }
            _ = hangups.recv() => return Ok(()),
        }
    }
}

/// What went wrong when the terminal fails.
const LOST: &str = "cannot use the terminal";

/// Why a screen ends that the user did not leave.
enum End {
    /// The connection is over.
    Over(Failure),
    /// The terminal failed.
    Terminal(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Terminal(error)
    }
}

/// Does what a key asks for; says whether to go on.
fn press(board: &mut Board, stage: &mut Stage, key: KeyEvent, clock: &Clock) -> io::Result<bool> {
    #[cfg(feature = "testing")]
    panic_if_asked(key);
    match board.key(key, clock.now()) {
        Wish::Quit => return Ok(false),
        Wish::Repaint => stage.repaint()?,
        Wish::Pause | Wish::None => {}
    }
    Ok(true)
}

/// F12: what a panic leaves of the terminal can be seen in a test only.
#[cfg(feature = "testing")]
fn panic_if_asked(key: KeyEvent) {
    assert!(key.code != crossterm::event::KeyCode::F(12), "asked to panic");
}
