//! Clients that are to be turned away at the door.

use super::{
    ear::{Ear, Heard},
    outcome::{Outcome, Sighting, Story},
    stage::Stage,
    tokens::{self, PLACES, Place},
};
use crate::swarm::{
    TargetError,
    dial::{Opening, Target},
    frames::{TEXT, masked},
};
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, timeout},
};

/// The protocol named before a token in a subprotocol.
const PROTOCOL: &str = "tickcast.v1.json";

/// A page of an origin that is not listed: a stranger, no page at all, and names that contain the
/// server's own.
pub(super) async fn origin(stage: &Stage, number: usize) -> Story {
    let host = &stage.target.host;
    let origins = [
        "https://hostile.example".to_owned(),
        "null".to_owned(),
        format!("http://{host}.hostile.example"),
        format!("http://hostile.example/?http://{host}"),
    ];
    let origin = &origins[number % origins.len()];
    let mut opening = stage.opening(number);
    opening.headers.push(("Origin", origin.clone()));
    let begun = Instant::now();
    let entered = stage.enter(&opening).await;
    let mut story = entered.err().unwrap_or_else(|| Story::of(Outcome::Served, begun.elapsed()));
    story.sent = 1;
    story
}

/// A token that nobody has signed, in one of the places for it.
pub(super) async fn token(stage: &Stage, number: usize) -> Story {
    let place = PLACES[number % PLACES.len()];
    let token = tokens::bad(number / PLACES.len());
    let mut opening = stage.opening(number);
    let subprotocols = format!("{PROTOCOL}, tickcast.bearer.{token}");
    match place {
        Place::Header => opening.headers.push(("Authorization", format!("Bearer {token}"))),
        Place::Query => opening.query.push(("token", token.clone())),
        Place::Subprotocol => opening.headers.push(("Sec-WebSocket-Protocol", subprotocols)),
        Place::Message => {}
    }
    let begun = Instant::now();
    let (mut ear, mut write) = match stage.enter(&opening).await {
        Ok(open) => open,
        Err(story) => return Story { sent: 1, ..story },
    };
    let mut story = Story::default();
    let refused = async {
        if place == Place::Message {
            let text = json!({"op": "auth", "id": 1, "token": token}).to_string();
            if let Err(error) = write.write_all(&masked(TEXT, text.as_bytes())).await {
                return Outcome::of(error.kind());
            }
        }
        loop {
            match ear.next().await {
                Heard::Over(outcome) => return outcome,
                Heard::Error(code) if code == "unauthorized" => return Outcome::Told(code),
                Heard::Error(code) => story.errors.add(code, 1),
                _ => {}
            }
        }
    };
    let outcome = stage.until_end(refused).await;
    Story { sent: 1, errors: story.errors, ..Story::of(outcome, begun.elapsed()) }
}

/// Enters with a good token and stays until the server has enough of it; when that was, counted
/// from now.
///
/// # Errors
/// [`TargetError`] when the address cannot be dialled.
pub async fn with_token(
    url: &str,
    token: &str,
    patience: Duration,
) -> Result<Sighting, TargetError> {
    let target = Target::find(url).await?;
    let begun = Instant::now();
    let bearer = format!("Bearer {token}");
    let opening = Opening { headers: vec![("Authorization", bearer)], ..Opening::default() };
    let outcome = match target.dial(&opening).await {
        Ok((stream, early)) => {
            let (read, _write) = stream.into_split();
            let mut ear = Ear::new(read, early);
            timeout(patience, ear.end()).await.unwrap_or(Outcome::Served)
        }
        Err(refused) => refused.into(),
    };
    Ok(Sighting { outcome, after: begun.elapsed() })
}
