//! A server that says what a test tells it to, for what a gateway does not do on demand.

use crate::support::DEADLINE;
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Mutex, mpsc, watch},
    task::JoinSet,
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
        format!("ws://{}/ws", self.address())
    }

    /// The same without the path.
    pub fn address(&self) -> String {
        self.0.local_addr().expect("an address").to_string()
    }

    /// The next client.
    pub async fn client(&self) -> Actor {
        let stream = self.stream().await;
        Actor::new(accept_hdr_async(stream, choose_json).await.expect("a handshake"))
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

/// The server's end of one connection. Heartbeats are answered all the time, whatever a test does.
#[derive(Debug)]
pub struct Actor {
    mouth: Mouth,
    /// What the client said but for heartbeats; ends with the connection.
    heard: mpsc::Receiver<String>,
    /// Heartbeats so far.
    beats: watch::Receiver<usize>,
    _ears: JoinSet<()>,
}

/// Most messages that a test has not asked for; the client waits then.
const UNHEARD: usize = 100;

type Mouth = Arc<Mutex<SplitSink<WebSocketStream<TcpStream>, Message>>>;

impl Actor {
    fn new(socket: WebSocketStream<TcpStream>) -> Self {
        let (mouth, ears) = socket.split();
        let mouth = Arc::new(Mutex::new(mouth));
        let (tell, heard) = mpsc::channel(UNHEARD);
        let (count, beats) = watch::channel(0);
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(ears, Arc::clone(&mouth), tell, count));
        Self { mouth, heard, beats, _ears: tasks }
    }

    /// Says something.
    pub async fn say(&mut self, message: Value) {
        assert!(self.offer(message).await, "it listens");
    }

    /// Says something, and returns whether somebody listens.
    pub async fn offer(&mut self, message: Value) -> bool {
        self.mouth.lock().await.send(Message::text(message.to_string())).await.is_ok()
    }

    /// What the client says next, but for heartbeats.
    pub async fn hear(&mut self) -> String {
        let heard = timeout(DEADLINE, self.heard.recv()).await.expect("it says something");
        heard.expect("a message")
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

    /// Waits for the question that precedes an action.
    pub async fn question(&mut self) -> Value {
        let question: Value = serde_json::from_str(&self.hear().await).expect("a question");
        assert_eq!(question["op"], "ping");
        question["id"].clone()
    }

    /// Answers it.
    pub async fn pong(&mut self, id: Value) {
        self.say(json!({"type": "pong", "id": id, "time": 1})).await;
    }

    /// Waits for a heartbeat that was sent after everything said so far was looked at.
    ///
    /// # Panics
    /// When anything else comes before.
    pub async fn only_heartbeats(&mut self) {
        // One may be on its way already; before the next, everything was read.
        let enough = *self.beats.borrow() + 2;
        let waited = timeout(DEADLINE, self.beats.wait_for(|beats| *beats >= enough)).await;
        waited.expect("heartbeats").expect("a connection");
        let heard = self.heard.try_recv();
        assert_eq!(heard, Err(mpsc::error::TryRecvError::Empty), "more than heartbeats");
    }

    /// Closes as a gateway does; `closing` comes first, when there is one.
    pub async fn close(mut self, code: u16, reason: &str, closing: Option<Value>) {
        if let Some(closing) = closing {
            self.say(closing).await;
        }
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        let closed = self.mouth.lock().await.send(Message::Close(Some(frame))).await;
        closed.expect("it listens");
        // Until it has read the frame.
        while let Ok(Some(_)) = timeout(DEADLINE, self.heard.recv()).await {}
    }
}

/// Passes on what a client says, and answers its heartbeats, until the connection ends.
async fn listen(
    mut ears: SplitStream<WebSocketStream<TcpStream>>,
    mouth: Mouth,
    tell: mpsc::Sender<String>,
    count: watch::Sender<usize>,
) {
    while let Some(Ok(message)) = ears.next().await {
        match message {
            Message::Text(text) if text == "ping" => {
                count.send_modify(|beats| *beats += 1);
                // One that has hung up needs no answer.
                let _ = mouth.lock().await.send(Message::text("pong")).await;
            }
            Message::Text(text) => {
                let _ = tell.send(text.to_string()).await;
            }
            _ => {}
        }
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
