//! Commands without a pause, and subscriptions to what nobody lists.

use super::{
    Kind,
    ear::{Ear, Heard},
    outcome::{Outcome, Sighting, Story},
    stage::Stage,
};
use crate::swarm::frames::{PING, TEXT, masked};
use serde_json::json;
use std::{future::pending, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::tcp::OwnedWriteHalf,
    time::{Instant, sleep_until, timeout_at},
};

/// Unknown symbols of a client.
const UNKNOWN: usize = 10_000;
/// Of them, in one message: many, but within the message limit.
const UNKNOWN_A_MESSAGE: usize = 100;
/// Commands that go out together: timers are no finer.
const TOGETHER: Duration = Duration::from_millis(5);
/// Errors by which a server says that there is too much of something.
const LIMITS: [&str; 5] =
    ["rate_limited", "too_many_topics", "message_too_big", "overloaded", "not_allowed"];

pub(super) async fn run(stage: &Stage, number: usize) -> Story {
    let (mut ear, mut write) = match stage.enter(&stage.opening(number)).await {
        Ok(open) => open,
        Err(story) => return story,
    };
    let mut story = Story::default();
    let mut sent = 0;
    let begun = Instant::now();
    let (outcome, limited) = tokio::select! {
        heard = listen(&mut ear, stage.end, begun, &mut story) => heard,
        never = talk(stage, number, &mut write, &mut sent) => never,
    };
    // Being told comes first; being closed is for those who go on.
    let after = limited.unwrap_or_else(|| begun.elapsed());
    story.sightings.push(Sighting { outcome, after });
    Story { sent, ..story }
}

/// How it ends, and when the server first said that it is too much.
type Answered = (Outcome, Option<Duration>);

async fn listen(ear: &mut Ear, end: Instant, begun: Instant, story: &mut Story) -> Answered {
    let mut told: Option<(String, Duration)> = None;
    loop {
        match timeout_at(end, ear.next()).await {
            Ok(Heard::Error(code)) => {
                if told.is_none() && LIMITS.contains(&code.as_str()) {
                    told = Some((code.clone(), begun.elapsed()));
                }
                story.errors.add(code, 1);
            }
            Ok(Heard::Over(outcome)) => return (outcome, told.map(|(_, after)| after)),
            Ok(_) => {}
            Err(_) => {
                return match told {
                    Some((code, after)) => (Outcome::Told(code), Some(after)),
                    None => (Outcome::Served, None),
                };
            }
        }
    }
}

/// Sends at the rate until the server takes no more, and then says nothing.
async fn talk(
    stage: &Stage,
    number: usize,
    write: &mut OwnedWriteHalf,
    sent: &mut u64,
) -> Answered {
    let (begun, mut due) = (Instant::now(), 0_u64);
    let most = match stage.config.kind {
        Kind::UnknownTopics => (UNKNOWN / UNKNOWN_A_MESSAGE) as u64,
        _ => u64::MAX,
    };
    while due < most {
        let elapsed = begun.elapsed() + TOGETHER;
        // A rate and a few minutes: far below what a float tells apart.
        due =
            ((elapsed.as_secs_f64() * f64::from(stage.config.rate)) as u64).clamp(*sent + 1, most);
        let batch: Vec<u8> = (*sent..due).flat_map(|at| command(stage, number, at)).collect();
        if write.write_all(&batch).await.is_err() {
            break;
        }
        *sent = due;
        sleep_until(begun + stage.pace(1).mul_f64(due as f64).max(elapsed)).await;
    }
    pending().await
}

fn command(stage: &Stage, client: usize, at: u64) -> Vec<u8> {
    if stage.config.kind == Kind::UnknownTopics {
        let symbol = |n: u64| format!("NOPE{client}X{n}-USDT");
        let first = at * UNKNOWN_A_MESSAGE as u64;
        let topics: Vec<String> = (first..first + UNKNOWN_A_MESSAGE as u64).map(symbol).collect();
        let text = json!({"op": "subscribe", "id": at, "topics": topics}).to_string();
        return masked(TEXT, text.as_bytes());
    }
    match client % 3 {
        0 => masked(TEXT, format!(r#"{{"op":"ping","id":{at}}}"#).as_bytes()),
        1 => masked(TEXT, b"ping"),
        _ => masked(PING, &at.to_be_bytes()),
    }
}
