//! One connection to a gateway, from dialling to its end.

use super::{
    message::{Advice, Incoming, Quote, Rejected, Subscribed},
    output::Output,
    retry::Lost,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::{
    io,
    time::{Duration, Instant},
};
use tickcast_shared::{
    clock::{Clock, Micros},
    market::Bar,
};
use tokio::{
    net::TcpStream,
    time::{Interval, MissedTickBehavior, interval, sleep_until, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, http::Response, protocol::CloseFrame},
};

/// Time for name lookup, TCP, TLS and upgrade together.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the gateway is asked for a sign of life (`protocol.md`, Heartbeat).
const PING_EVERY: Duration = Duration::from_secs(15);
/// Silence after which a connection is given up: two pings unanswered.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// How often the screen is redrawn: faster than this nobody reads.
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// Why a session came back to its caller.
#[derive(Debug)]
pub enum End {
    /// As many messages as wanted have been shown.
    Enough,
    /// Whoever read our output has gone.
    ReaderGone,
    /// None of the topics was ever accepted.
    NothingAccepted,
    /// The connection ended.
    Lost(Lost),
    /// Output failed for another reason.
    Output(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Output(error),
        }
    }
}

/// What is wanted, and what holds over all connections.
pub struct Wanted {
    /// The gateway's WebSocket address.
    pub url: String,
    /// Topics and patterns as the user wrote them.
    pub topics: Vec<String>,
    /// Messages still to be shown; `None` for no end.
    pub left: Option<u64>,
    /// Whether any topic was ever accepted.
    pub accepted: bool,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects, subscribes and shows what comes until something ends it.
pub async fn run(wanted: &mut Wanted, output: &mut Output) -> End {
    match Session::open(wanted, output).await {
        Ok(mut session) => loop {
            if let Err(end) = session.step().await {
                break end;
            }
        },
        Err(end) => end,
    }
}

/// An open connection.
struct Session<'a> {
    socket: Socket,
    wanted: &'a mut Wanted,
    output: &'a mut Output,
    clock: Clock,
    gateway_ahead: i64,
    heard: Instant,
    pings: Interval,
    redraws: Interval,
    advice: Option<Advice>,
}

impl<'a> Session<'a> {
    async fn open(wanted: &'a mut Wanted, output: &'a mut Output) -> Result<Self, End> {
        let mut socket = dial(&wanted.url).await.map_err(End::Lost)?;
        let subscribe = json!({"op": "subscribe", "id": 1, "topics": wanted.topics});
        let sent = socket.send(Message::text(subscribe.to_string())).await;
        sent.map_err(|error| End::Lost(Lost::Dial(format!("{}: {error}", wanted.url))))?;
        output.note(&format!("connected to {}", wanted.url))?;
        let mut pings = interval(PING_EVERY);
        pings.reset();
        let mut redraws = interval(REDRAW_EVERY);
        redraws.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Ok(Self {
            socket,
            wanted,
            output,
            clock: Clock::start(),
            gateway_ahead: 0,
            heard: Instant::now(),
            pings,
            redraws,
            advice: None,
        })
    }

    async fn step(&mut self) -> Result<(), End> {
        tokio::select! {
            message = self.socket.next() => {
                self.heard = Instant::now();
                self.received(message)
            }
            _ = self.pings.tick() => self.ping().await,
            _ = self.redraws.tick(), if self.output.is_redrawn() => {
                Ok(self.output.redraw(self.now())?)
            }
            () = sleep_until((self.heard + SILENCE_LIMIT).into()) => Err(End::Lost(Lost::Silent)),
        }
    }

    /// The gateway's clock as far as its greeting told it.
    fn now(&self) -> Micros {
        Micros(self.clock.now().0 + self.gateway_ahead)
    }

    async fn ping(&mut self) -> Result<(), End> {
        self.socket.send(Message::text("ping")).await.map_err(|error| self.lost(&error))
    }

    fn received(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<(), End> {
        match message {
            Some(Ok(Message::Text(text))) if text.as_str() == "pong" => Ok(()),
            Some(Ok(Message::Text(text))) => self.text(text.as_str()),
            Some(Ok(Message::Close(frame))) => Err(self.closed(frame)),
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(self.lost(&error)),
            None => Err(self.closed(None)),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), End> {
        if self.output.is_raw() {
            self.output.raw(text)?;
        }
        // A message that does not read is one of a later protocol: not ours to judge.
        let message = serde_json::from_str(text).unwrap_or(Incoming::Other);
        let is_quote = matches!(
            message,
            Incoming::Ticker(_) | Incoming::Kline { .. } | Incoming::Klines { .. }
        );
        match message {
            Incoming::Welcome { time } => self.gateway_ahead = time.0 - self.clock.now().0,
            Incoming::Subscribed(subscribed) => self.subscribed(&subscribed)?,
            Incoming::Ticker(quote) => self.output.quote(*quote, self.now())?,
            Incoming::Kline { topic, bar } => self.bars(&topic, vec![bar])?,
            Incoming::Klines { topic, bars } => self.bars(&topic, bars)?,
            Incoming::Lagging { active: true } => {
                self.output.note("this terminal is slow: newest prices only")?;
            }
            Incoming::Error { code, message } => self.output.warn(&format!("{code}: {message}"))?,
            Incoming::Closing(advice) => self.advice = Some(advice),
            Incoming::Lagging { active: false } | Incoming::Other => {}
        }
        if is_quote || self.output.is_raw() { self.count() } else { Ok(()) }
    }

    fn bars(&mut self, topic: &str, bars: Vec<Bar>) -> io::Result<()> {
        let now = self.now();
        let quotes = bars.into_iter().map(|bar| Quote::of_bar(topic.to_owned(), bar));
        quotes.into_iter().try_for_each(|quote| self.output.quote(quote, now))
    }

    /// Counts a message that was shown.
    fn count(&mut self) -> Result<(), End> {
        if let Some(left) = &mut self.wanted.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.output.redraw(self.now())?;
                return Err(End::Enough);
            }
        }
        Ok(())
    }

    fn subscribed(&mut self, answer: &Subscribed) -> Result<(), End> {
        if !(answer.is_empty() && self.wanted.accepted) {
            for Rejected { topic, code, message } in &answer.rejected {
                self.output.warn(&format!("{topic}: {code}: {message}"))?;
            }
        }
        match (answer.is_empty(), self.wanted.accepted) {
            (true, false) => Err(End::NothingAccepted),
            (true, true) => Err(End::Lost(Lost::Unknown)),
            (false, _) => {
                self.wanted.accepted = true;
                Ok(())
            }
        }
    }

    fn closed(&mut self, frame: Option<CloseFrame>) -> End {
        /// RFC 6455 section 7.4.1: no status code was present.
        const NO_STATUS: u16 = 1005;
        let (code, reason) = match frame {
            Some(frame) => (frame.code.into(), frame.reason.to_string()),
            None => (NO_STATUS, String::new()),
        };
        End::Lost(Lost::Closed { code, reason, advice: self.advice.take() })
    }

    fn lost(&mut self, error: &tungstenite::Error) -> End {
        /// RFC 6455 section 7.4.1: the connection ended without a close frame.
        const ABNORMAL: u16 = 1006;
        let reason = format!("({error})");
        End::Lost(Lost::Closed { code: ABNORMAL, reason, advice: self.advice.take() })
    }
}

async fn dial(url: &str) -> Result<Socket, Lost> {
    match timeout(DIAL_TIMEOUT, connect_async(url)).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(tungstenite::Error::Http(response))) => Err(refused(&response)),
        Ok(Err(error)) => Err(Lost::Dial(format!("cannot reach {url}: {error}"))),
        Err(_) => Err(Lost::Dial(format!("cannot reach {url}: no answer for 10 s"))),
    }
}

/// The gateway's own answer to an upgrade it did not grant.
fn refused(response: &Response<Option<Vec<u8>>>) -> Lost {
    let retry_after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let body = response.body().as_deref().unwrap_or_default();
    let message = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|body| Some(body.get("error")?.get("message")?.as_str()?.to_owned()))
        .unwrap_or_else(|| "no reason given".to_owned());
    Lost::Refused { status: response.status().as_u16(), retry_after, message }
}
