//! A venue whose every step the test takes itself.

use futures_util::{SinkExt, StreamExt};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        http::HeaderValue,
    },
};

/// Whatever a test waits for comes within this long, or the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Connections that may wait for the test to accept them.
const WAITING: usize = 64;

/// What a venue answers to a plain HTTP request: status line, further headers, body.
#[derive(Debug, Clone)]
pub(crate) struct Reply(pub(crate) &'static str, pub(crate) &'static str, pub(crate) String);

/// Answers HTTP requests by their first line, `POST /api/... HTTP/1.1`, and the venue's address.
/// Asked for WebSocket handshakes, too: `None` accepts them, and does not know other requests.
pub(crate) type Answers = Arc<dyn Fn(&str, SocketAddr) -> Option<Reply> + Send + Sync>;

/// The venue's side of the house: its address and the connections it has accepted.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    peers: mpsc::Receiver<Peer>,
    dials: Arc<AtomicUsize>,
}

/// The venue's end of one connection.
pub(crate) struct Peer {
    pub(crate) path: String,
    socket: WebSocketStream<TcpStream>,
}

impl Scripted {
    pub(crate) async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, peers) = mpsc::channel(WAITING);
        let dials = Arc::new(AtomicUsize::new(0));
        let counted = dials.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers.clone(), sender.clone(), counted.clone()));
            }
        });
        Self { address, peers, dials }
    }

    /// The next connection.
    pub(crate) async fn accept(&mut self) -> Peer {
        timeout(PATIENCE, self.peers.recv()).await.expect("no dial in time").unwrap()
    }

    /// WebSocket handshakes so far, refused ones included.
    pub(crate) fn dials(&self) -> usize {
        self.dials.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut stream: TcpStream,
    answers: Answers,
    peers: mpsc::Sender<Peer>,
    dials: Arc<AtomicUsize>,
) {
    let mut head = vec![0; 8192];
    let text = loop {
        let seen = stream.peek(&mut head).await.unwrap_or(0);
        let text = String::from_utf8_lossy(&head[..seen]).into_owned();
        if seen == 0 || text.contains("\r\n\r\n") {
            break text;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    let first = text.lines().next().unwrap_or_default();
    let upgrade = text.to_ascii_lowercase().contains("upgrade: websocket");
    if upgrade {
        dials.fetch_add(1, Ordering::SeqCst);
    }
    let answer = answers(first, stream.local_addr().unwrap());
    let unknown = || Reply("404 Not Found", "", String::new());
    match answer.or_else(|| (!upgrade).then(unknown)) {
        Some(Reply(status, headers, body)) => {
            let _ = stream.read(&mut head).await;
            let length = body.len();
            let reply = format!(
                "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(reply.as_bytes()).await;
        }
        None => {
            let mut path = String::new();
            #[allow(clippy::result_large_err, reason = "the library's own signature")]
            let shake = |request: &Request, mut response: Response| {
                path = request.uri().to_string();
                let one = HeaderValue::from_static("1");
                response.headers_mut().insert("x-tickcast-simulated", one);
                Ok(response)
            };
            if let Ok(socket) = accept_hdr_async(stream, shake).await {
                let _ = peers.send(Peer { path, socket }).await;
            }
        }
    }
}

impl Peer {
    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        let _ = self.socket.send(Message::text(text.into())).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        let _ = self.socket.send(message).await;
    }

    /// The next frame from the feed; `None` when it has hung up.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        let frame = timeout(PATIENCE, self.socket.next()).await.expect("no frame in time");
        frame.and_then(Result::ok)
    }

    /// The next text that holds `part`; others are passed over.
    pub(crate) async fn text_with(&mut self, part: &str) -> String {
        loop {
            match self.message().await {
                Some(Message::Text(text)) if text.contains(part) => return text.to_string(),
                Some(_) => {}
                None => panic!("the feed hung up instead of sending {part}"),
            }
        }
    }

    /// Waits until the feed has hung up.
    pub(crate) async fn gone(&mut self) {
        while let Some(message) = self.message().await {
            if message.is_close() {
                return;
            }
        }
    }
}
