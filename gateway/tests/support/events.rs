//! A client of server-sent events that sees every line.

use super::{DEADLINE, NARROW_BYTES, Stage, schema};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// What stands between two empty lines.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// The text of `data`, and the value of `retry` where there is one.
    Data(String, Option<u64>),
    /// A line that clients ignore.
    Comment,
    /// The end of the stream.
    End,
}

/// A stream whose head has been read.
pub struct Listener<S = TcpStream> {
    pub socket: S,
    pub head: String,
    received: String,
}

impl Listener {
    /// Asks for `/v1/stream{query}`; `headers` are added to the request.
    pub async fn ask(stage: &Stage, query: &str, headers: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(NARROW_BYTES).unwrap();
        let socket = socket.connect(stage.address).await.unwrap();
        Self::ask_on(socket, "GET", query, headers).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Listener<S> {
    /// The same on a connection of the test's own.
    pub async fn ask_on(mut socket: S, method: &str, query: &str, headers: &str) -> Self {
        let request = format!("{method} /v1/stream{query} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut client = Self { socket, head: String::new(), received: String::new() };
        client.head = client.until("\r\n\r\n").await.expect("an answer");
        client
    }

    pub fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    /// Everything up to `end`, without it; none if the connection ended before.
    async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some(at) = self.received.find(end) {
                let rest = self.received.split_off(at + end.len());
                let mut text = std::mem::replace(&mut self.received, rest);
                text.truncate(at);
                return Some(text);
            }
            let mut buffer = [0; 4096];
            let read = timeout(DEADLINE, self.socket.read(&mut buffer)).await;
            match read.expect("nothing came in time").unwrap_or(0) {
                0 => return None,
                count => self.received += std::str::from_utf8(&buffer[..count]).unwrap(),
            }
        }
    }

    pub async fn event(&mut self) -> Event {
        let Some(text) = self.until("\n\n").await else { return Event::End };
        let (mut data, mut retry) = (None, None);
        for line in text.lines() {
            match line.split_once(':').unwrap() {
                ("data", value) => data = Some(value.strip_prefix(' ').unwrap().to_owned()),
                ("retry", value) => retry = Some(value.trim().parse().unwrap()),
                ("", "") => {}
                other => panic!("a line {other:?}"),
            }
        }
        data.map_or(Event::Comment, |data| Event::Data(data, retry))
    }

    /// The next message of that type; others and comments are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            match self.event().await {
                Event::Data(text, _) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    schema::check(&message);
                    if message["type"] == kind {
                        return message;
                    }
                }
                Event::Comment => {}
                Event::End => panic!("the stream ended before {kind}"),
            }
        }
    }

    /// The announced close, the time to come back, and that nothing comes after it.
    pub async fn closed(&mut self) -> (Value, Option<u64>) {
        let mut last = None;
        loop {
            match self.event().await {
                Event::Data(text, retry) => last = Some((text, retry)),
                Event::Comment => {}
                Event::End => break,
            }
        }
        let (text, retry) = last.expect("a closing");
        let message: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(message["type"], "closing", "{message}");
        (message, retry)
    }

    /// The body of an answer that is no stream.
    pub async fn refusal(&mut self) -> Value {
        while self.until("\0").await.is_some() {}
        serde_json::from_str(&self.received).unwrap()
    }
}
