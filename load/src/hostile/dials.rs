//! More connections than anybody needs.

use super::{
    Kind,
    ear::Heard,
    outcome::{Outcome, Story},
    stage::Stage,
};
use rand::RngExt;
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep_until},
};

/// One of many dials; it leaves as soon as it is in.
pub(super) async fn storm(stage: &Stage, number: usize) -> Story {
    let turn = u32::try_from(number).unwrap_or(u32::MAX);
    sleep_until(stage.begun + stage.pace(1) * turn).await;
    let mut opening = stage.opening(0);
    if stage.config.kind == Kind::ForgedForwarded {
        let [a, b, c] = rand::rng().random::<[u8; 3]>();
        opening.headers.push(("X-Forwarded-For", format!("198.{}.{b}.{c}", 18 + (a & 1))));
    }
    // Not one after the other: that would be slower than asked for.
    let begun = Instant::now();
    let outcome = match stage.target.dial(&opening).await {
        Ok(_) => Outcome::Served,
        Err(refused) => refused.into(),
    };
    Story { sent: 1, ..Story::of(outcome, begun.elapsed()) }
}

/// One of many connections that stay; it answers pings.
pub(super) async fn hold(stage: &Stage, number: usize) -> Story {
    let begun = Instant::now();
    let (mut ear, mut write) = match stage.enter(&stage.opening(number)).await {
        Ok(open) => open,
        Err(story) => return story,
    };
    let stay = async {
        loop {
            match ear.next().await {
                Heard::Over(outcome) => return outcome,
                // If it cannot be written, the next read tells why.
                Heard::Ping(pong) => _ = write.write_all(&pong).await,
                _ => {}
            }
        }
    };
    let outcome = stage.until_end(stay).await;
    Story { sent: 1, ..Story::of(outcome, begun.elapsed()) }
}
