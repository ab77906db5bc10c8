//! A swarm in a process of its own, told by lines what to do.
//!
//! It is given its configuration as one line of JSON and answers with lines of [`Said`]. Then come
//! the lines `open`, `close` and `finish`. When its input ends, it ends.

use super::{Part, Swarm, SwarmConfig, SwarmError};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead, Write},
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{self, Receiver};
use tokio_util::sync::CancellationToken;

/// Opens the window.
pub const OPEN: &str = "open";
/// Closes it.
pub const CLOSE: &str = "close";
/// Ends the clients and asks for the result.
pub const FINISH: &str = "finish";
/// Lines read ahead ("swarm-orders"); the reader waits when it is full.
const ORDERS_QUEUE: usize = 4;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// So many clients are in or never will be.
    Settling(usize),
    /// All are.
    Settled,
    /// The window is closed.
    Closed,
    /// What was seen, at the end.
    Part(Box<Part>),
}

/// Runs one swarm as told on the standard input.
///
/// # Errors
/// [`SwarmError`] when it cannot run.
pub async fn run(token: CancellationToken) -> Result<(), SwarmError> {
    let mut orders = orders(token.clone())?;
    let Some(line) = orders.recv().await else { return Ok(()) };
    let config: SwarmConfig =
        serde_json::from_str(&line).map_err(|error| SwarmError::Broken(error.to_string()))?;
    let mut swarm = Swarm::start(&config).await?;
    let mut told = Instant::now();
    swarm
        .settle(&token, |settled| {
            if told.elapsed() > TELL_EVERY {
                told = Instant::now();
                say(&Said::Settling(settled));
            }
        })
        .await;
    say(&Said::Settled);
    while let Some(order) = orders.recv().await {
        match order.as_str() {
            OPEN => swarm.open()?,
            CLOSE => {
                swarm.close()?;
                say(&Said::Closed);
            }
            FINISH => {
                say(&Said::Part(Box::new(swarm.finish().await?)));
                return Ok(());
            }
            other => return Err(SwarmError::Broken(format!("unknown order {other:?}"))),
        }
    }
    Ok(())
}

/// The lines of the standard input; the token is cancelled when there are no more.
fn orders(token: CancellationToken) -> io::Result<Receiver<String>> {
    let (order, orders) = mpsc::channel(ORDERS_QUEUE);
    let read = move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if order.blocking_send(line).is_err() {
                break;
            }
        }
        token.cancel();
    };
    std::thread::Builder::new().name("swarm-orders".to_owned()).spawn(read)?;
    Ok(orders)
}

fn say(said: &Said) {
    let Ok(line) = serde_json::to_string(said) else { return };
    // With nobody left to listen, the end of the input follows.
    let _ = writeln!(io::stdout().lock(), "{line}");
}
