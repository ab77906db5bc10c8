//! From an exchange's name to an open socket, all within one time limit.

use super::{
    Loss, Venue,
    rest::{chain, seconds},
};
use crate::exchange::{Endpoint, Keepalive};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Error, protocol::WebSocketConfig},
};

/// Largest message or frame that is read; a ticker has some 400 bytes, an acknowledgement of 100
/// symbols some 10 000.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Read buffer of a connection: many tickers a system call.
const READ_BUFFER_BYTES: usize = 64 << 10;
/// The handshake's header by which a simulated venue owns up.
const SIMULATED_HEADER: &str = "x-tickcast-simulated";

/// An open socket.
pub(super) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection that has just been made.
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) keepalive: Keepalive,
    /// The venue says that it is a simulator.
    pub(super) simulated: bool,
}

/// Dials the venue: token if it wants one (always a new one), DNS, TCP, TLS and handshake.
pub(super) async fn dial(venue: &Venue, nonce: u64) -> Result<Opened, Loss> {
    let within = Duration::from_millis(venue.timing.dial_ms);
    match timeout(within, Box::pin(open(venue, nonce, within))).await {
        Ok(result) => result,
        Err(_) => Err(Loss::DialTimeout(within)),
    }
}

async fn open(venue: &Venue, nonce: u64, within: Duration) -> Result<Opened, Loss> {
    let socket = match venue.exchange.endpoint(&venue.addresses) {
        Endpoint::Socket(socket) => socket,
        Endpoint::Token { url } => {
            let answer = venue.rest.post(&url, within).await?;
            answer.read(|body| venue.exchange.socket(body, nonce))?
        }
    };
    let limits = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let no_delay = true;
    let (stream, response) = connect_async_with_config(socket.url, Some(limits), no_delay)
        .await
        .map_err(|error| failure(&error))?;
    let simulated = response.headers().contains_key(SIMULATED_HEADER);
    Ok(Opened { stream, keepalive: venue.timing.apply_to(socket.keepalive), simulated })
}

fn failure(error: &Error) -> Loss {
    match error {
        Error::Http(response) => {
            let after = response.headers().get("retry-after");
            let after = after.and_then(|value| seconds(value.to_str().ok()?));
            Loss::from_status(response.status().as_u16(), after)
        }
        Error::Io(_) | Error::Tls(_) | Error::Url(_) => Loss::Unreachable(chain(error)),
        _ => Loss::Broken(chain(error)),
    }
}
