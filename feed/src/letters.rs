//! Takes refused messages to the bus, for `tickcast dlq`. Prices never wait for it: it has a
//! connection of its own, and what it cannot keep up with is dropped and counted.

use crate::quality::{DeadLetter, DeadLetters};
use std::{convert::Infallible, time::Duration};
use tickcast_shared::{
    admin::{Readiness, Service},
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

/// Whose letters are kept, and how many.
#[derive(Debug)]
pub struct Keeping {
    /// Whose.
    pub group: Group,
    /// About so many in all; 0: none.
    pub most: usize,
    /// A standby is sent the same messages as the feed that it stands by for, which keeps them.
    pub readiness: Readiness,
}

impl Keeping {
    fn any(&self) -> bool {
        self.most > 0 && self.readiness.service() != Service::Standby
    }
}

/// Keeps letters on the bus until the token is cancelled; what waits then is tried once more.
///
/// # Errors
/// Never: a bus that is down costs letters, not the feed.
pub async fn run(
    mut kept: bus::DeadLetters,
    letters: DeadLetters,
    keeping: Keeping,
    token: CancellationToken,
) -> Result<(), Infallible> {
    let mut failures = 0;
    while token.run_until_cancelled(letters.waiting()).await.is_some() {
        let pause = match deliver(&mut kept, &letters, &keeping).await {
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
    if let Err(error) = deliver(&mut kept, &letters, &keeping).await {
        debug!(%error, "the last dead letters are lost");
    }
    Ok(())
}

/// Takes the oldest letters that wait to the bus.
async fn deliver(
    kept: &mut bus::DeadLetters,
    letters: &DeadLetters,
    keeping: &Keeping,
) -> Result<(), bus::Error> {
    let (batch, last) = letters.oldest_waiting(BATCH);
    let sealed: Vec<Letter> = batch.iter().map(|letter| seal(letter, &keeping.group)).collect();
    if keeping.any() {
        kept.append(&sealed, keeping.most).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::Refusal;
    use tickcast_shared::{
        admin::Queues,
        bus::{Bus, Kept, memory::Memory},
        clock::Micros,
    };
    use tokio::time::timeout;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// What is on a bus once so many letters were written and all is delivered that will be.
    async fn delivered(written: i64, most: usize, service: Service) -> Vec<Kept> {
        let bus = Bus::Memory(Memory::default());
        let queues = Queues::default();
        let letters = DeadLetters::new(&queues);
        let token = CancellationToken::new();
        let readiness = Readiness::default();
        readiness.enter(service);
        let keeping = Keeping { group: Group::new("main"), most, readiness };
        let (kept, from, stop) = (bus.dead_letters(), letters.clone(), token.clone());
        let task = tokio::spawn(run(kept, from, keeping, stop));
        for time in 0..written {
            letters.push(&"okx".parse().unwrap(), Refusal::NotText, Micros(time), "raw");
        }
        let gone = async {
            while queues.rows().iter().any(|row| row.name.ends_with("undelivered") && row.depth > 0)
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, gone).await.expect("letters are not taken");
        letters.push(&"okx".parse().unwrap(), Refusal::NotText, Micros(written), "last");
        token.cancel();
        timeout(PATIENCE, task).await.expect("it does not end").unwrap().unwrap();
        bus.dead_letters().read(1000, None).await.unwrap()
    }

    #[tokio::test]
    async fn letters_arrive_in_order_the_last_ones_at_the_end() {
        let kept = delivered(300, 1000, Service::Active).await;
        assert_eq!(kept.len(), 301);
        let newest = &kept[0].letter;
        assert_eq!((newest.time, newest.raw.as_str()), (Micros(300), "last"));
        assert_eq!((newest.reason.as_str(), newest.group.as_str()), ("not_text", "main"));
        assert!(kept.windows(2).all(|pair| pair[0].letter.time > pair[1].letter.time));
    }

    #[tokio::test]
    async fn none_are_kept_where_none_are_wanted_and_by_a_standby() {
        assert!(delivered(3, 0, Service::Active).await.is_empty());
        assert!(delivered(3, 9, Service::Standby).await.is_empty());
    }
}
