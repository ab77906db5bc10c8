//! Prices as lines, until Ctrl-C: one connection of tokio-tungstenite, nothing but the protocol.
//!
//! ```sh
//! cargo run --example watch                    # BTC-USDT of a gateway on this machine
//! cargo run --example watch 'ticker:*:ETH-USDT' --url ws://10.0.0.5:8080/ws
//! ```
//!
//! In a crate of your own: `tokio` (features `rt`, `macros`, `signal`), `tokio-tungstenite`,
//! `futures-util` and `serde_json`; for `wss://` one of the TLS features of `tokio-tungstenite`.
//! It ends when the connection does; `bot.py` shows how to come back.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::process::ExitCode;
use tokio_tungstenite::{connect_async, tungstenite::Message};

const USAGE: &str = "usage: watch [TOPIC...] [--url ws://127.0.0.1:8080/ws]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some((url, topics)) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => ExitCode::SUCCESS,
        ended = watch(&url, &topics) => {
            eprintln!("{url}: {ended}");
            ExitCode::FAILURE
        }
    }
}

/// Where to connect, and what is wanted; none when help is.
fn arguments() -> Option<(String, Vec<String>)> {
    let (mut url, mut topics) = ("ws://127.0.0.1:8080/ws".to_owned(), Vec::new());
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--url" => url = given.next()?,
            other if other.starts_with('-') => return None,
            topic => topics.push(topic.to_owned()),
        }
    }
    if topics.is_empty() {
        topics.push("BTC-USDT".to_owned());
    }
    Some((url, topics))
}

/// Prints prices until the connection ends, and says why it did.
async fn watch(url: &str, topics: &[String]) -> String {
    let mut socket = match connect_async(url).await {
        Ok((socket, _)) => socket,
        Err(error) => return format!("no connection: {error}"),
    };
    // At most four values a second of each topic, always the newest.
    let subscribe = json!({"op": "subscribe", "id": 1, "topics": topics, "interval_ms": 250});
    if let Err(error) = socket.send(Message::text(subscribe.to_string())).await {
        return error.to_string();
    }
    // The library answers the server's pings while it is read from.
    while let Some(message) = socket.next().await {
        match message {
            Ok(Message::Text(text)) => match serde_json::from_str(&text) {
                Ok(message) => show(&message),
                Err(error) => return error.to_string(),
            },
            Ok(Message::Close(Some(frame))) => return format!("closed with {frame}"),
            Ok(_) => {}
            Err(error) => return error.to_string(),
        }
    }
    "the connection ended".to_owned()
}

/// One message of the server. Types that are not known are skipped: the protocol grows.
fn show(message: &Value) {
    let text = |key: &str| message[key].as_str().unwrap_or("-");
    match text("type") {
        "ticker" => {
            // Only a `live` price is the market's present one; a price that is null: none yet.
            let simulated = if message["simulated"] == true { " SIMULATED" } else { "" };
            let (topic, price, state) = (text("topic"), text("last_price"), text("state"));
            println!("{topic:28} {price:>14} {state}{simulated}");
        }
        "subscribed" => {
            for rejected in message["rejected"].as_array().into_iter().flatten() {
                eprintln!("{}: {}", rejected["topic"], rejected["message"]);
            }
        }
        "closing" | "error" => eprintln!("the server says: {message}"),
        _ => {}
    }
}
