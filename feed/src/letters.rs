//! Takes refused messages to the bus, for `tickcast dlq`. Prices never wait for it: it has a
//! connection of its own, and what it cannot keep up with is dropped and counted.

use crate::quality::{DeadLetter, DeadLetters};
use std::{convert::Infallible, time::Duration};
use tickcast_shared::{
    backoff::Backoff,
    bus::{self, Group, Letter},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Letters in one call: a call stays far below a megabyte.
const BATCH: usize = 128;
/// Pause between two calls. With [`BATCH`] it bounds what a venue that sends nothing but rubbish
/// costs the bus to 1280 letters a second.
const PAUSE: Duration = Duration::from_millis(100);
/// Waits while the bus does not take any.
const RETRY: Backoff = Backoff { base: Duration::from_millis(500), cap: Duration::from_secs(10) };

/// Keeps letters on the bus, about `most` in all (0: none), until the token is cancelled; what waits then is
/// tried once more.
///
/// # Errors
/// Never: a bus that is down costs letters, not the feed.
pub async fn run(
    mut kept: bus::DeadLetters,
    letters: DeadLetters,
    group: Group,
    most: usize,
    token: CancellationToken,
) -> Result<(), Infallible> {
    let mut failures = 0;
    while token.run_until_cancelled(letters.waiting()).await.is_some() {
        let pause = match deliver(&mut kept, &letters, &group, most).await {
            Ok(()) => {
                failures = 0;
                PAUSE
            }
            Err(error) => {
                failures += 1;
                report(&error, failures);
                RETRY.random_delay(failures)
            }
        };
        token.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
    if let Err(error) = deliver(&mut kept, &letters, &group, most).await {
        debug!(%error, "the last dead letters are lost");
    }
    Ok(())
}

/// Takes the oldest letters that wait to the bus.
async fn deliver(
    kept: &mut bus::DeadLetters,
    letters: &DeadLetters,
    group: &Group,
    most: usize,
) -> Result<(), bus::Error> {
    let (batch, last) = letters.oldest_waiting(BATCH);
    let sealed: Vec<Letter> = batch.iter().map(|letter| seal(letter, group)).collect();
    if most > 0 {
        kept.append(&sealed, most).await?;
    }
    letters.delivered(last);
    Ok(())
}

fn seal(letter: &DeadLetter, group: &Group) -> Letter {
    Letter {
        exchange: letter.exchange.clone(),
        reason: letter.reason.as_str().to_owned(),
        time: letter.time,
        group: group.clone(),
        raw: letter.raw.clone(),
    }
}

/// The publisher says more often and louder that the bus is down.
fn report(error: &bus::Error, failures: u32) {
    if failures == 1 {
        warn!(%error, action = "none: it is tried again by itself", "dead letters cannot be kept");
    }
}
