//! Asks the venue's REST for what the socket does not tell.

use super::desk::Desk;
use crate::exchange::Instrument;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// Asks, one request at a time, for ever.
pub(super) async fn read(desk: &Desk) {
    let mut checks = interval(Duration::from_millis(desk.venue.timing.check_ms));
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = Instant::now();
        desk.book().pass_polls(now);
        let question = desk.book().question(now);
        let Some(question) = question else {
            checks.tick().await;
            continue;
        };
        let asked: Vec<&Instrument> = question.instruments.iter().collect();
        // What REST has told ages while another answer is waited for.
        let mut answer = Box::pin(desk.venue.tickers(&asked));
        let answer = loop {
            tokio::select! {
                answer = &mut answer => break answer,
                _ = checks.tick() => desk.book().pass_polls(Instant::now()),
            }
        };
        desk.book().answer(&question, answer, Instant::now());
    }
}
