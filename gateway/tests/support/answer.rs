//! A request as bytes, and everything that comes back.

use super::DEADLINE;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// What a WebSocket client asks for.
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// An answer and the connection that it came on.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    /// What follows the head, as far as it has come.
    pub body: Vec<u8>,
    pub socket: TcpStream,
}

impl Answer {
    /// Dials from an address of this machine.
    pub async fn dial(to: SocketAddr, from: impl Into<IpAddr>) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.into(), 0)).unwrap();
        socket.connect(to).await.unwrap()
    }

    /// Asks for `path` with further header lines.
    pub async fn get(socket: TcpStream, path: &str, headers: &str) -> Self {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        Self::of(socket, head.as_bytes()).await
    }

    /// Asks for an upgrade with further header lines.
    pub async fn upgrade(socket: TcpStream, headers: &str) -> Self {
        Self::get(socket, "/ws", &format!("{UPGRADE}{headers}")).await
    }

    /// Sends bytes and reads a head, and the body that it announces.
    pub async fn of(mut socket: TcpStream, bytes: &[u8]) -> Self {
        // Whoever is refused before it has asked is not read from any more.
        let _ = socket.write_all(bytes).await;
        Self::read(socket).await.expect("an answer")
    }

    /// Reads a head and the body that it announces; none if the connection ends before.
    pub async fn read(mut socket: TcpStream) -> Option<Self> {
        let mut read = Vec::new();
        loop {
            if let Some(at) = read.windows(4).position(|it| it == b"\r\n\r\n") {
                let head = String::from_utf8(read[..at + 4].to_vec()).unwrap().to_lowercase();
                let (status, length) = (head[9..12].parse().unwrap(), length(&head));
                let mut body = read.split_off(at + 4);
                while body.len() < length {
                    assert!(more(&mut socket, &mut body).await, "{head}");
                }
                return Some(Self { status, head, body, socket });
            }
            if !more(&mut socket, &mut read).await {
                return None;
            }
        }
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let start = format!("\r\n{name}: ");
        let (_, rest) = self.head.split_once(&start)?;
        rest.split_once("\r\n").map(|(value, _)| value)
    }

    /// The code of the error in the body.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Refused with this status and code, and told when to come back.
    pub fn assert_refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.head);
        let seconds: u64 = self.header("retry-after").expect("a time").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{}", self.head);
    }
}

fn length(head: &str) -> usize {
    let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    line.map_or(0, |text| text.parse().unwrap())
}

async fn more(socket: &mut TcpStream, read: &mut Vec<u8>) -> bool {
    let count = timeout(DEADLINE, socket.read_buf(read)).await.expect("nothing came in time");
    // A reset is an end as well.
    count.unwrap_or(0) > 0
}
