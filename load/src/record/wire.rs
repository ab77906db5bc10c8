//! One connection to an exchange, written down from its dial to its end.

use super::{
    RecordError,
    address::{Address, Socket},
    tape::Tape,
    wishes,
};
use crate::venue::Exchange;
use futures_util::{SinkExt, StreamExt};
use std::{collections::VecDeque, time::Duration};
use tickcast_shared::market::Symbol;
use tokio::{
    net::TcpStream,
    time::{Instant, MissedTickBehavior, interval, interval_at, sleep_until, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// How long a dial may take.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between two subscriptions: Binance takes five messages a second.
const PACE: Duration = Duration::from_millis(250);
/// A connection without a frame for so long is dead: every exchange sends pings, pongs or
/// heartbeats more often.
const SILENCE: Duration = Duration::from_secs(60);

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Dials, subscribes and writes down everything until the connection ends. Returns how many frames
/// were received.
pub(super) async fn connection(
    exchange: Exchange,
    symbols: &[Symbol],
    address: &mut Address,
    tape: &mut Tape,
) -> Result<u64, RecordError> {
    let socket = address.socket().await?;
    let stream = dial(&socket).await?;
    tape.connect(&socket.shown)?;
    let ping_every = wishes::ping_every(socket.ping_every);
    let wire = Wire {
        exchange,
        stream,
        wishes: wishes::subscriptions(exchange, symbols).into(),
        // KuCoin wants to welcome a client before it hears anything.
        is_welcome: exchange != Exchange::Kucoin,
        heard: 0,
        last_heard: Instant::now(),
        pings: 0,
    };
    wire.run(ping_every, tape).await
}

async fn dial(socket: &Socket) -> Result<Stream, RecordError> {
    match timeout(DIAL_TIMEOUT, connect_async(&socket.url)).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(source)) => {
            Err(RecordError::Dial { addr: socket.shown.clone(), source: source.into() })
        }
        Err(_) => Err(RecordError::Silent(socket.shown.clone())),
    }
}

struct Wire {
    exchange: Exchange,
    stream: Stream,
    wishes: VecDeque<String>,
    is_welcome: bool,
    heard: u64,
    last_heard: Instant,
    pings: u64,
}

impl Wire {
    async fn run(mut self, ping_every: Duration, tape: &mut Tape) -> Result<u64, RecordError> {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pings = interval_at(Instant::now() + ping_every, ping_every);
        loop {
            tokio::select! {
                message = self.stream.next() => match message {
                    Some(Ok(message)) => {
                        if !self.receive(&message, tape)? {
                            return Ok(self.heard);
                        }
                    }
                    Some(Err(_)) | None => return Ok(self.heard),
                },
                _ = pace.tick(), if self.is_welcome && !self.wishes.is_empty() => {
                    let wish = self.wishes.pop_front().unwrap_or_default();
                    if !self.send(wish, tape).await? {
                        return Ok(self.heard);
                    }
                }
                _ = pings.tick() => {
                    self.pings += 1;
                    if let Some(ping) = wishes::ping(self.exchange, self.pings)
                        && !self.send(ping, tape).await?
                    {
                        return Ok(self.heard);
                    }
                }
                () = sleep_until(self.last_heard + SILENCE) => return Ok(self.heard),
            }
        }
    }

    /// Whether it goes on.
    fn receive(&mut self, message: &Message, tape: &mut Tape) -> Result<bool, RecordError> {
        self.last_heard = Instant::now();
        match message {
            Message::Text(text) => {
                self.heard += 1;
                self.is_welcome = true;
                tape.received(text)?;
            }
            Message::Binary(_) => tape.binary(),
            Message::Close(_) => return Ok(false),
            // Answered by the library.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Ok(true)
    }

    /// Whether it goes on.
    async fn send(&mut self, text: String, tape: &mut Tape) -> Result<bool, RecordError> {
        tape.sent(&text)?;
        Ok(self.stream.send(Message::text(text)).await.is_ok())
    }
}
