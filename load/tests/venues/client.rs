//! A client as any exchange would see it, and plain HTTP requests.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::Duration;
use tickcast_load::venue::{Exchange, Source, Venue, VenueConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, http::Response},
};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub async fn venue(exchange: Exchange, change: impl FnOnce(&mut VenueConfig)) -> Venue {
    let mut config = VenueConfig::new(exchange);
    change(&mut config);
    Venue::start(config, CancellationToken::new()).await.unwrap()
}

pub fn lively() -> Source {
    Source::Walk { rate: 20, seed: 7 }
}

pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub handshake: Response<Option<Vec<u8>>>,
}

impl Client {
    pub async fn dial(url: &str) -> Result<Self, Error> {
        let (socket, handshake) = timeout(PATIENCE, connect_async(url)).await.unwrap()?;
        Ok(Self { socket, handshake })
    }

    /// Dials KuCoin with a fresh token and takes its welcome.
    pub async fn kucoin(venue: &Venue) -> Self {
        let mut client = Self::dial(&kucoin_url(venue).await).await.unwrap();
        assert_eq!(client.json().await["type"], "welcome");
        client
    }

    pub async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next message of any kind; nothing when the connection has ended.
    pub async fn next(&mut self) -> Option<Message> {
        timeout(PATIENCE, self.socket.next()).await.unwrap()?.ok()
    }

    pub async fn text(&mut self) -> String {
        loop {
            match self.next().await.unwrap() {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn json(&mut self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }

    /// The next message that is of interest.
    pub async fn json_where(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.json().await;
            if wanted(&message) {
                return message;
            }
        }
    }

    /// Reads until the end of the connection; the close code, if there was one.
    pub async fn close_code(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(message) = self.next().await {
            if let Message::Close(Some(frame)) = message {
                code = Some(frame.code.into());
            }
        }
        code
    }
}

/// The address that a KuCoin token is good for.
pub async fn kucoin_url(venue: &Venue) -> String {
    let answer = http(venue, "POST", "/api/v1/bullet-public").await;
    let data = &answer.1["data"];
    let endpoint = data["instanceServers"][0]["endpoint"].as_str().unwrap();
    format!("{endpoint}?token={}&connectId=c1", data["token"].as_str().unwrap())
}

/// Status and JSON body.
pub async fn http(venue: &Venue, method: &str, path: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(venue.addr).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        venue.addr
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}
