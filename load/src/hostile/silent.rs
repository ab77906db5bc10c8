//! Clients that stop: reading for a while, or everything for good.

use super::{
    ear::{Ear, Heard},
    outcome::{Outcome, Story},
    stage::Stage,
};
use crate::swarm::{
    frames::{TEXT, masked},
    slow::RECEIVE_BUFFER,
};
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncWriteExt, Interest},
    time::{Instant, timeout, timeout_at},
};

/// How long reading what was missed may take: a server that goes on serving has no end.
const CATCH_UP: Duration = Duration::from_millis(1500);

/// Subscribes, reads nothing, and then all there is. Each client is silent for another time up to
/// the end: a server's patience cannot be seen by those who do not read.
pub(super) async fn stall(stage: &Stage, number: usize) -> Story {
    let mut opening = stage.opening(number);
    opening.receive_buffer = Some(RECEIVE_BUFFER);
    let (mut ear, mut write) = match stage.enter(&opening).await {
        Ok(open) => open,
        Err(story) => return story,
    };
    let begun = Instant::now();
    let topics = json!({"op": "subscribe", "id": 1, "topics": stage.config.topics}).to_string();
    if let Err(error) = write.write_all(&masked(TEXT, topics.as_bytes())).await {
        return Story::of(Outcome::of(error.kind()), begun.elapsed());
    }
    let part = (number + 1) as f64 / stage.config.clients as f64;
    let resume = stage.begun + stage.config.duration.mul_f64(part);
    // A reset takes everything that was to be read with it.
    let reset = timeout_at(resume, ear.stream.ready(Interest::ERROR)).await.is_ok();
    let after = begun.elapsed();
    let outcome = match reset {
        true => Outcome::Reset,
        false => timeout(CATCH_UP, ear.end()).await.unwrap_or(Outcome::Served),
    };
    Story::of(outcome, after)
}

/// Says nothing from the handshake on. What comes is read, which a server cannot see.
pub(super) async fn vanish(stage: &Stage, number: usize) -> Story {
    let (mut ear, write) = match stage.enter(&stage.opening(number)).await {
        Ok(open) => open,
        Err(story) => return story,
    };
    let begun = Instant::now();
    let mut heartbeat = None;
    let outcome = stage.until_end(silence(&mut ear, &mut heartbeat)).await;
    let story = Story { heartbeat, ..Story::of(outcome, begun.elapsed()) };
    drop(write);
    story
}

async fn silence(ear: &mut Ear, heartbeat: &mut Option<Duration>) -> Outcome {
    loop {
        match ear.next().await {
            Heard::Over(outcome) => return outcome,
            Heard::Welcome(promised) => *heartbeat = Some(promised),
            _ => {}
        }
    }
}
