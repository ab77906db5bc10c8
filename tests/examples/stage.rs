//! A server that says what a test tells it to, for what a gateway does not do on demand.

use crate::support::DEADLINE;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        protocol::CloseFrame,
    },
};

/// The topic of every value.
pub const TOPIC: &str = "ticker:kucoin:BTC-USDT";

/// Where clients come.
#[derive(Debug)]
pub struct Stage(TcpListener);

impl Stage {
    /// On a free port.
    pub async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a port"))
    }

    /// Where to connect.
    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.0.local_addr().expect("an address"))
    }

    /// The next client.
    pub async fn client(&self) -> Actor {
        let stream = self.stream().await;
        Actor(accept_hdr_async(stream, choose_json).await.expect("a handshake"))
    }

    /// Answers the next dial with HTTP instead.
    pub async fn refuse(&self, head: &str) {
        let mut stream = self.stream().await;
        let mut asked = [0; 4096];
        let read = stream.read(&mut asked).await.expect("a request");
        assert!(read > 0, "a request");
        let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("it listens");
    }

    async fn stream(&self) -> TcpStream {
        let accepted = timeout(DEADLINE, self.0.accept()).await.expect("a client comes");
        accepted.expect("a client").0
    }
}

/// The server's end of one connection.
#[derive(Debug)]
pub struct Actor(WebSocketStream<TcpStream>);

impl Actor {
    /// Says something.
    pub async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("it listens");
    }

    /// What the client says next.
    pub async fn hear(&mut self) -> String {
        let heard = timeout(DEADLINE, self.0.next()).await.expect("it says something");
        heard.expect("a message").expect("a message").to_string()
    }

    /// Takes a subscription and returns it; the value follows, and `synced`.
    pub async fn subscribe(&mut self, value: Option<Value>) -> Value {
        let asked: Value = serde_json::from_str(&self.hear().await).expect("a subscription");
        assert_eq!(asked["op"], "subscribe");
        self.say(json!({"type": "welcome", "protocol": "tickcast.v1"})).await;
        self.say(json!({"type": "subscribed", "id": asked["id"], "topics": [{"topic": TOPIC}],
            "aliases": {"BTC-USDT": TOPIC}, "patterns": [], "rejected": []}))
            .await;
        if let Some(value) = value {
            self.say(value).await;
        }
        self.say(json!({"type": "synced", "id": asked["id"]})).await;
        asked
    }

    /// Waits for the question that precedes an action, past heartbeats.
    pub async fn question(&mut self) -> Value {
        loop {
            let heard = self.hear().await;
            if heard != "ping" {
                let question: Value = serde_json::from_str(&heard).expect("a question");
                assert_eq!(question["op"], "ping");
                return question["id"].clone();
            }
            self.0.send(Message::text("pong")).await.expect("it listens");
        }
    }

    /// Answers it.
    pub async fn pong(&mut self, id: Value) {
        self.say(json!({"type": "pong", "id": id, "time": 1})).await;
    }

    /// Reads heartbeats until one that was sent after everything said so far was looked at.
    ///
    /// # Panics
    /// When anything else comes before.
    pub async fn only_heartbeats(&mut self) {
        // One may be on its way already; before the next, everything was read.
        for _ in 0..2 {
            assert_eq!(self.hear().await, "ping");
            self.0.send(Message::text("pong")).await.expect("it listens");
        }
    }

    /// Closes as a gateway does; `closing` comes first, when there is one.
    pub async fn close(mut self, code: u16, reason: &str, closing: Option<Value>) {
        if let Some(closing) = closing {
            self.say(closing).await;
        }
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        self.0.send(Message::Close(Some(frame))).await.expect("it listens");
        // Until it has read the frame.
        while let Ok(Some(Ok(_))) = timeout(DEADLINE, self.0.next()).await {}
    }
}

/// A value of the topic.
pub fn ticker(price: &str, seq: u64) -> Value {
    json!({"type": "ticker", "topic": TOPIC, "last_price": price, "state": "live",
        "simulated": false, "epoch": 7, "seq": seq})
}

/// The same with another value of one key.
pub fn but(mut ticker: Value, key: &str, value: impl Into<Value>) -> Value {
    ticker[key] = value.into();
    ticker
}

#[expect(clippy::result_large_err, reason = "the type of a callback is not ours")]
fn choose_json(
    _: &Request,
    mut response: Response,
) -> Result<Response, tokio_tungstenite::tungstenite::handshake::server::ErrorResponse> {
    let json = "tickcast.v1.json".parse().expect("a header");
    response.headers_mut().insert("sec-websocket-protocol", json);
    Ok(response)
}
