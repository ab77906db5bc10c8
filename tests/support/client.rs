//! A WebSocket client that expects things.

use super::{DEADLINE, schema};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{fmt::Debug, net::Ipv4Addr, sync::Arc, time::Instant};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, client_async, connect_async,
    connect_async_tls_with_config,
    tungstenite::{Error, Message, protocol::CloseFrame},
};

/// How many of the newest messages a failure shows.
const SHOWN_MESSAGES: usize = 5;

/// A connected client.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    newest: Vec<String>,
}

impl Client {
    /// Connects and takes the `welcome`.
    ///
    /// # Panics
    /// When the gateway does not let it in.
    pub async fn connect(url: &str) -> Self {
        let mut client = Self::dial(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let welcome = client.next().await;
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        client
    }

    /// Connects, whatever comes of it; `welcome` is still to be read.
    ///
    /// # Errors
    /// Why the gateway did not let it in.
    pub async fn dial(url: &str) -> Result<Self, Error> {
        let dialled = timeout(DEADLINE, connect_async(url)).await.expect("an answer in time");
        dialled.map(|(socket, _)| Self::of(socket))
    }

    /// The same from an address of this machine.
    ///
    /// # Errors
    /// Why it was not let in.
    pub async fn dial_from(source: Ipv4Addr, url: &str) -> Result<Self, Error> {
        let target = url.split('/').nth(2).and_then(|host| host.parse().ok()).expect("an address");
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((source, 0).into()).expect("a loopback address");
        let dialled = timeout(DEADLINE, async {
            let stream = socket.connect(target).await?;
            client_async(url, MaybeTlsStream::Plain(stream)).await
        });
        dialled.await.expect("an answer in time").map(|(socket, _)| Self::of(socket))
    }

    /// The same by TLS, where these certificates are trusted.
    ///
    /// # Errors
    /// Why it was not let in.
    pub async fn dial_tls(url: &str, trusted: rustls::ClientConfig) -> Result<Self, Error> {
        let connector = Connector::Rustls(Arc::new(trusted));
        let dialling = connect_async_tls_with_config(url, None, true, Some(connector));
        let dialled = timeout(DEADLINE, dialling).await.expect("an answer in time");
        dialled.map(|(socket, _)| Self::of(socket))
    }

    /// What TLS has agreed on (ALPN, RFC 7301).
    pub fn protocol(&self) -> Option<String> {
        match self.socket.get_ref() {
            MaybeTlsStream::Rustls(stream) => {
                let agreed = stream.get_ref().1.alpn_protocol();
                agreed.map(|name| String::from_utf8_lossy(name).into_owned())
            }
            _ => None,
        }
    }

    fn of(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self { socket, newest: Vec::new() }
    }

    /// Connects, subscribes and returns with the answer; present values follow.
    ///
    /// # Panics
    /// When a topic is rejected.
    pub async fn subscribed(url: &str, topics: &[&str]) -> Self {
        let mut client = Self::connect(url).await;
        let answer = client.subscribe(topics).await;
        assert_eq!(answer["rejected"], json!([]), "{answer}");
        client
    }

    /// Subscribes and returns the `subscribed` message; what comes before it is skipped.
    pub async fn subscribe(&mut self, topics: &[&str]) -> Value {
        self.send(&json!({"op": "subscribe", "id": "s", "topics": topics})).await;
        self.next_of("subscribed").await
    }

    /// Sends JSON.
    pub async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    /// Sends text as it is.
    pub async fn send_text(&mut self, text: &str) {
        self.send_frame(Message::text(text)).await;
    }

    /// Sends any message.
    pub async fn send_frame(&mut self, message: Message) {
        self.socket.send(message).await.expect("the gateway still reads");
    }

    /// The next message. Bare text such as `pong` comes as a JSON string.
    ///
    /// # Panics
    /// When none comes before the deadline, or the connection ends.
    pub async fn next(&mut self) -> Value {
        match self.next_or_close().await {
            Ok(message) => message,
            Err(closed) => panic!("closed with {closed:?} after {:#?}", self.newest),
        }
    }

    /// The next message, or the close frame if the gateway sent one.
    ///
    /// # Panics
    /// When neither comes before the deadline.
    pub async fn next_or_close(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let next = timeout(DEADLINE, self.socket.next()).await;
            let next = next.unwrap_or_else(|_| panic!("silence after {:#?}", self.newest));
            match next {
                Some(Ok(Message::Text(text))) => return Ok(self.keep(text.as_str())),
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Reads until the connection ends; the code and reason of the close frame, if there was one.
    pub async fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            if let Err(frame) = self.next_or_close().await {
                return frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
            }
        }
    }

    /// The next message that `wanted` agrees to; others are skipped.
    ///
    /// # Panics
    /// When none comes before the deadline.
    pub async fn wait_for(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let message = self.next().await;
            if wanted(&message) {
                return message;
            }
            assert!(began.elapsed() < DEADLINE, "no {what} among {:#?}", self.newest);
        }
    }

    /// The next message of a type.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        self.wait_for(kind, |message| message["type"] == kind).await
    }

    /// The next ticker of a topic, which is named in full.
    pub async fn ticker(&mut self, topic: &str) -> Value {
        self.ticker_where(topic, |_| true).await
    }

    /// The next ticker of a topic that `wanted` agrees to.
    pub async fn ticker_where(&mut self, topic: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let is_it = |message: &Value| {
            message["type"] == "ticker" && message["topic"] == topic && wanted(message)
        };
        self.wait_for(topic, is_it).await
    }

    fn keep(&mut self, text: &str) -> Value {
        if self.newest.len() == SHOWN_MESSAGES {
            self.newest.remove(0);
        }
        self.newest.push(text.to_owned());
        let message = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        schema::check(&message);
        message
    }
}
