//! One connection to a gateway, from dialling to its end.

use super::{
    message::{Advice, Incoming, Rejected, Subscribed},
    news::News,
    retry::Lost,
    trip::Trip,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{
    net::TcpStream,
    sync::mpsc::Sender,
    time::{Interval, interval, sleep_until, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, Utf8Bytes, http::Response, protocol::CloseFrame},
};

/// Time for name lookup, TCP, TLS and upgrade together.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the gateway is asked for a sign of life, and the round trip measured: more often than
/// `protocol.md` asks for, because somebody looks at it.
const PING_EVERY: Duration = Duration::from_secs(5);
/// Silence after which a connection is given up (`protocol.md`, Heartbeat).
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

/// Why a session came back to its caller.
#[derive(Debug)]
pub enum End {
    /// Nobody wants its news any more.
    NobodyListens,
    /// None of the topics was ever accepted.
    NothingAccepted,
    /// The connection ended.
    Lost(Lost),
}

/// What is wanted, and what holds over all connections.
pub struct Wanted {
    /// The gateway's WebSocket address.
    pub url: String,
    /// Topics and patterns as the user wrote them.
    pub topics: Vec<String>,
    /// Whether any topic was ever accepted.
    pub accepted: bool,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects, subscribes and tells what comes until something ends it.
pub async fn run(wanted: &mut Wanted, news: &Sender<News>) -> End {
    match Session::open(wanted, news).await {
        Ok(mut session) => loop {
            if let Err(end) = session.step().await {
                break end;
            }
        },
        Err(end) => end,
    }
}

async fn tell(news: &Sender<News>, piece: News) -> Result<(), End> {
    news.send(piece).await.map_err(|_| End::NobodyListens)
}

/// An open connection.
struct Session<'a> {
    socket: Socket,
    wanted: &'a mut Wanted,
    news: &'a Sender<News>,
    heard: Instant,
    pings: Interval,
    trip: Trip,
    advice: Option<Advice>,
}

impl<'a> Session<'a> {
    async fn open(wanted: &'a mut Wanted, news: &'a Sender<News>) -> Result<Self, End> {
        tell(news, News::Dialling).await?;
        let mut socket = dial(&wanted.url).await.map_err(End::Lost)?;
        let subscribe = json!({"op": "subscribe", "id": 1, "topics": wanted.topics});
        let sent = socket.send(Message::text(subscribe.to_string())).await;
        sent.map_err(|error| End::Lost(Lost::Dial(format!("{}: {error}", wanted.url))))?;
        tell(news, News::Connected).await?;
        let (now, pings) = (Instant::now(), interval(PING_EVERY));
        let trip = Trip::default();
        Ok(Self { socket, wanted, news, heard: now, pings, trip, advice: None })
    }

    async fn step(&mut self) -> Result<(), End> {
        tokio::select! {
            message = self.socket.next() => {
                self.heard = Instant::now();
                self.received(message).await
            }
            _ = self.pings.tick() => self.ping().await,
            () = sleep_until((self.heard + SILENCE_LIMIT).into()) => Err(End::Lost(Lost::Silent)),
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        self.trip.begin(Instant::now());
        self.socket.send(Message::text("ping")).await.map_err(|error| self.lost(&error))
    }

    async fn received(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<(), End> {
        match message {
            Some(Ok(Message::Text(text))) if text.as_str() == "pong" => {
                let trip = self.trip.end(self.heard);
                tell(self.news, trip.map_or(News::Alive, News::Answered)).await
            }
            Some(Ok(Message::Text(text))) => self.text(text).await,
            Some(Ok(Message::Close(frame))) => Err(self.closed(frame)),
            Some(Ok(_)) => tell(self.news, News::Alive).await,
            Some(Err(error)) => Err(self.lost(&error)),
            None => Err(self.closed(None)),
        }
    }

    async fn text(&mut self, text: Utf8Bytes) -> Result<(), End> {
        // A message that does not read is one of a later protocol: not ours to judge.
        let message = serde_json::from_str(text.as_str()).unwrap_or(Incoming::Other);
        let (warnings, end) = match &message {
            Incoming::Subscribed(answer) => self.subscribed(answer),
            Incoming::Error { code, message } => (vec![format!("{code}: {message}")], None),
            Incoming::Closing(advice) => {
                self.advice = Some(advice.clone());
                (Vec::new(), None)
            }
            _ => (Vec::new(), None),
        };
        tell(self.news, News::Message(text, message)).await?;
        for warning in warnings {
            tell(self.news, News::Warning(warning)).await?;
        }
        end.map_or(Ok(()), Err)
    }

    /// What the user is to be told of the answer, and whether there is anything to stay for.
    fn subscribed(&mut self, answer: &Subscribed) -> (Vec<String>, Option<End>) {
        let told =
            |Rejected { topic, code, message }: &Rejected| format!("{topic}: {code}: {message}");
        match (answer.is_empty(), self.wanted.accepted) {
            (true, false) => {
                (answer.rejected.iter().map(told).collect(), Some(End::NothingAccepted))
            }
            // It knew some before, and may know them again.
            (true, true) => (Vec::new(), Some(End::Lost(Lost::Unknown))),
            (false, _) => {
                self.wanted.accepted = true;
                (answer.rejected.iter().map(told).collect(), None)
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
