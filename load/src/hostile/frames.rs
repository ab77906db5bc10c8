//! Frames that RFC 6455 or a limit forbids.

use super::{Kind, outcome::Story, stage::Stage};
use crate::swarm::frames::{CONTINUATION, TEXT, masked};
use rand::RngExt;
use std::{future::pending, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::tcp::OwnedWriteHalf,
    time::{Instant, interval},
};

/// Says that a frame is the last of its message (RFC 6455 section 5.2).
const FIN: u8 = 0x80;
/// Reserved bits that no extension here claims.
const RESERVED: u8 = 0x30;
/// Random bytes of a write.
const JUNK_BYTES: usize = 4096;
/// Between two writes of junk.
const JUNK_EVERY: Duration = Duration::from_millis(100);
/// Fragments of a write.
const FRAGMENTS: u32 = 10;
/// What a trickled frame announces, in bytes: within every limit.
const TRICKLED_BYTES: usize = 1000;
/// Between two of them.
const TRICKLE_EVERY: Duration = Duration::from_secs(1);

/// What is written at first, and then again and again.
#[derive(Debug, Default)]
struct Script {
    first: Vec<u8>,
    then: Vec<u8>,
    /// Between two writes.
    every: Duration,
}

impl Script {
    fn of(stage: &Stage) -> Self {
        let text = |payload: &[u8]| masked(TEXT, payload);
        let once = |first: Vec<u8>| Self { first, ..Self::default() };
        match stage.config.kind {
            Kind::Giant => {
                let mut header = vec![FIN | TEXT, 0xFF];
                header.extend((1_u64 << 30).to_be_bytes());
                header.extend([0; 4]);
                once(header)
            }
            Kind::BadUtf8 => once(text(b"\xC3\x28")),
            Kind::ReservedBits => once(changed(text(b"ping"), |first| first | RESERVED)),
            Kind::Unmasked => once([&[FIN | TEXT, 4][..], b"ping"].concat()),
            Kind::Fragments => {
                let next = changed(masked(CONTINUATION, b"x"), |first| first & !FIN);
                let first = changed(text(b"x"), |first| first & !FIN);
                let then = next.repeat(FRAGMENTS as usize);
                Self { first, then, every: stage.pace(1) * FRAGMENTS }
            }
            Kind::Trickle => {
                let mut first = text(&[b'x'; TRICKLED_BYTES]);
                first.truncate(first.len() - TRICKLED_BYTES);
                Self { first, then: vec![b'x'], every: TRICKLE_EVERY }
            }
            _ => Self { first: junk(), then: junk(), every: JUNK_EVERY },
        }
    }

    /// Plays it until the server takes no more.
    async fn play(&self, write: &mut OwnedWriteHalf, sent: &mut u64) {
        let mut piece = &self.first;
        let mut ticks = interval(self.every.max(Duration::from_millis(1)));
        ticks.tick().await;
        while write.write_all(piece).await.is_ok() {
            *sent += piece.len() as u64;
            if self.then.is_empty() {
                return;
            }
            piece = &self.then;
            ticks.tick().await;
        }
    }
}

fn changed(mut frame: Vec<u8>, first: impl FnOnce(u8) -> u8) -> Vec<u8> {
    if let Some(byte) = frame.first_mut() {
        *byte = first(*byte);
    }
    frame
}

fn junk() -> Vec<u8> {
    let mut bytes = vec![0; JUNK_BYTES];
    rand::rng().fill(&mut bytes[..]);
    bytes
}

pub(super) async fn run(stage: &Stage, number: usize) -> Story {
    let (mut ear, mut write) = match stage.enter(&stage.opening(number)).await {
        Ok(open) => open,
        Err(story) => return story,
    };
    let script = Script::of(stage);
    let mut sent = 0;
    let begun = Instant::now();
    let talk = async {
        script.play(&mut write, &mut sent).await;
        pending().await
    };
    let over = async {
        tokio::select! {
            outcome = ear.end() => outcome,
            outcome = talk => outcome,
        }
    };
    let outcome = stage.until_end(over).await;
    Story { sent, ..Story::of(outcome, begun.elapsed()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hostile::HostileConfig, swarm::dial::Target};

    async fn script(kind: Kind) -> Script {
        let url = "ws://127.0.0.1:1/ws";
        let target = Target::find(url).await.unwrap();
        Script::of(&Stage::new(HostileConfig::new(url, kind), target))
    }

    #[tokio::test]
    async fn frames_are_wrong_in_the_way_that_they_should_be() {
        let giant = script(Kind::Giant).await.first;
        assert_eq!(giant[..10], [0x81, 0xFF, 0, 0, 0, 0, 0x40, 0, 0, 0]);
        assert_eq!(script(Kind::ReservedBits).await.first[..2], [0xB1, 0x84]);
        assert_eq!(script(Kind::Unmasked).await.first[..2], [0x81, 4]);
        let fragments = script(Kind::Fragments).await;
        assert_eq!((&fragments.first[..2], &fragments.then[..2]), (&[1, 0x81][..], &[0, 0x81][..]));
        assert_eq!(fragments.then.len(), 70);
        let trickle = script(Kind::Trickle).await;
        assert_eq!(
            (&trickle.first[..], trickle.then.len()),
            (&[0x81, 0xFE, 3, 232, 0, 0, 0, 0][..], 1)
        );
        assert_eq!(script(Kind::Junk).await.first.len(), JUNK_BYTES);
    }
}
