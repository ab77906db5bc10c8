//! Connections that never finish their HTTP head.

use super::{
    Kind,
    outcome::{Outcome, Story},
    stage::Stage,
};
use crate::swarm::dial::status_of;
use std::{future::pending, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedReadHalf},
    time::{Instant, interval},
};

/// Between two bytes.
const EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(stage: &Stage, number: usize) -> Story {
    let opening = stage.opening(number);
    let begun = Instant::now();
    let stream = match stage.target.open(&opening).await {
        Ok(stream) => stream,
        Err(error) => return Story::of(Outcome::of(error.kind()), begun.elapsed()),
    };
    // From here on: waiting in the listener's queue is not the server's patience.
    let begun = Instant::now();
    let head = stage.target.request(&opening, "AAAAAAAAAAAAAAAAAAAAAA==").into_bytes();
    let (outcome, sent) = trickle(stage, stream, &head).await;
    Story { sent, ..Story::of(outcome, begun.elapsed()) }
}

/// Sends the head, a byte at a time if at all, until the server has had enough.
async fn trickle(stage: &Stage, stream: TcpStream, head: &[u8]) -> (Outcome, u64) {
    let (read, mut write) = stream.into_split();
    let mut sent = 0;
    let talk = async {
        let mut ticks = interval(EVERY);
        // The last byte would make it a request.
        for byte in &head[..head.len() - 1] {
            if stage.config.kind == Kind::IdleDial {
                break;
            }
            ticks.tick().await;
            if write.write_all(&[*byte]).await.is_err() {
                break;
            }
            sent += 1;
        }
        pending().await
    };
    let outcome = stage
        .until_end(async {
            tokio::select! {
                outcome = answer(read) => outcome,
                outcome = talk => outcome,
            }
        })
        .await;
    (outcome, sent)
}

/// The status if there is one, or how the connection ended.
async fn answer(mut read: OwnedReadHalf) -> Outcome {
    let mut answer = Vec::new();
    let end = read.read_to_end(&mut answer).await;
    match (status_of(&String::from_utf8_lossy(&answer)), end) {
        (Some(status), _) => Outcome::Status(status),
        (None, Ok(_)) => Outcome::Ended,
        (None, Err(error)) => Outcome::of(error.kind()),
    }
}
