//! Connections to a gateway, one after the other, until it makes no sense to go on.

use super::{
    news::News,
    retry::{Lost, Next, SUCCESS_AFTER},
    session::{self, End, Wanted},
};
use crate::outcome::Failure;
use anyhow::anyhow;
use std::time::Instant;
use tokio::sync::mpsc::Sender;

/// Stays connected and tells what comes, until nobody listens or it is over; the last news say why.
pub async fn stay_connected(mut wanted: Wanted, news: Sender<News>) {
    if let Some(failure) = keep_connected(&mut wanted, &news).await {
        // With nobody left to hear it there is nobody to tell.
        let _ = news.send(News::Over(failure)).await;
    }
}

async fn keep_connected(wanted: &mut Wanted, news: &Sender<News>) -> Option<Failure> {
    let mut failures = 0;
    loop {
        let dialled = Instant::now();
        let lost = match session::run(wanted, news).await {
            End::NobodyListens => return None,
            End::NothingAccepted => return Some(anyhow!("no topic was accepted").into()),
            End::Lost(lost) => lost,
        };
        failures = if dialled.elapsed() >= SUCCESS_AFTER { 1 } else { failures + 1 };
        match lost.next(failures, rand::random()) {
            Next::GiveUp(why) => return Some(anyhow!("{}: {why}", wanted.url).into()),
            Next::Again(again_after) => {
                let why = format!("{lost}{}", hint(&lost));
                news.send(News::Lost { why, again_after }).await.ok()?;
                tokio::time::sleep(again_after).await;
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
