//! REST requests without a pause.

use super::{
    outcome::{Outcome, Sighting, Story},
    stage::Stage,
};
use crate::swarm::{dial::status_of, scan::end_of_head};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

/// What is asked for: an answer that costs something.
const PATH: &str = "/v1/topics?limit=500";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The header that says how long a body is.
const LENGTH: &str = "content-length:";

/// One of many that share the rate, on a connection that it keeps while the server does.
pub(super) async fn run(stage: &Stage, number: usize) -> Story {
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: {}\r\n\r\n", stage.target.host);
    let opening = stage.opening(number);
    let mut ticks = interval(stage.pace(stage.config.clients));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut story, mut kept) = (Story::default(), None);
    while Instant::now() < stage.end {
        ticks.tick().await;
        let begun = Instant::now();
        let asking = async {
            let mut stream = match kept.take() {
                Some(stream) => stream,
                None => stage.target.open(&opening).await?,
            };
            let answer = ask(&mut stream, &request).await?;
            Ok::<_, io::Error>((stream, answer))
        };
        let outcome = match timeout(PATIENCE, asking).await {
            Ok(Ok((stream, 200))) => {
                kept = Some(stream);
                Outcome::Served
            }
            Ok(Ok((stream, status))) => {
                kept = Some(stream);
                Outcome::Status(status)
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Outcome::Ended,
            Ok(Err(error)) => Outcome::of(error.kind()),
            Err(_) => Outcome::NoAnswer,
        };
        story.sent += 1;
        story.sightings.push(Sighting { outcome, after: begun.elapsed() });
    }
    story
}

/// One request and its whole answer: the status.
async fn ask(stream: &mut TcpStream, request: &str) -> io::Result<u16> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(1024);
    loop {
        if let Some(end) = end_of_head(&answer) {
            let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix(LENGTH));
            let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            if answer.len() >= end + length {
                return status_of(&head).ok_or_else(|| io::ErrorKind::InvalidData.into());
            }
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
