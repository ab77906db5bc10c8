//! From an address to an open WebSocket: the client's half of the handshake, and no more.

use super::scan::end_of_head;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream, lookup_host},
    time::timeout,
};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use url::{Host, Url};

/// How long connecting and shaking hands may take together.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Clients that share a source address. Linux looks for a free port among one half of its 28 000 or
/// so first, one by one: with more clients to a destination each dial would take longer and longer.
const CLIENTS_PER_SOURCE: usize = 8192;
/// Longest head of an answer, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The address is not one that the swarm can dial.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not an address at all.
    #[error("{text:?} is no address: {source}; write it like ws://127.0.0.1:8080/ws")]
    Url {
        /// What was given.
        text: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// Another scheme.
    #[error("{0:?} does not begin with ws://; the swarm speaks no TLS, dial the gateway itself")]
    Scheme(String),
    /// The host has no address.
    #[error("cannot find {host}: {source}")]
    Host {
        /// Its name.
        host: String,
        /// Why.
        source: io::Error,
    },
}

/// Why a dial did not become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotIn {
    /// Another answer than 101.
    #[error("HTTP {0}")]
    Status(u16),
    /// Nothing was answered in time.
    #[error("timed out")]
    TimedOut,
    /// The server closed before it answered.
    #[error("closed during the handshake")]
    Closed,
    /// The answer is none that RFC 6455 knows.
    #[error("{0}")]
    Wrong(&'static str),
    /// The system says no, often in the server's name.
    #[error("{0}")]
    System(io::ErrorKind),
}

impl From<io::Error> for NotIn {
    fn from(error: io::Error) -> Self {
        Self::System(error.kind())
    }
}

/// Where to dial.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    url: Url,
    /// Plain bytes instead of WebSocket.
    pub(crate) is_raw: bool,
}

/// What one client asks for.
#[derive(Debug, Default)]
pub(crate) struct Opening<'a> {
    /// Added to the query.
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) subprotocol: Option<&'a str>,
    /// Extensions offered.
    pub(crate) extensions: Option<&'a str>,
    /// Further header lines.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Where to dial from; nothing: as the system likes.
    pub(crate) source: Option<Ipv4Addr>,
    /// Size of the receive buffer in bytes, where it shall not be the system's.
    pub(crate) receive_buffer: Option<u32>,
}

impl Target {
    /// Finds the address.
    pub(crate) async fn find(text: &str) -> Result<Self, TargetError> {
        let url = Url::parse(text)
            .map_err(|source| TargetError::Url { text: text.to_owned(), source })?;
        if !matches!(url.scheme(), "ws" | "tcp") {
            return Err(TargetError::Scheme(text.to_owned()));
        }
        let port = url.port().unwrap_or(80);
        let named = url.host_str().unwrap_or_default().to_owned();
        let missing = |source| TargetError::Host { host: named.clone(), source };
        let address = match url.host() {
            Some(Host::Ipv4(ip)) => (ip, port).into(),
            Some(Host::Ipv6(ip)) => (ip, port).into(),
            _ => {
                let mut found = lookup_host((named.as_str(), port)).await.map_err(missing)?;
                found.next().ok_or_else(|| missing(io::ErrorKind::NotFound.into()))?
            }
        };
        let is_raw = url.scheme() == "tcp";
        Ok(Self { address, host: format!("{named}:{port}"), url, is_raw })
    }

    /// Opens one connection; with it comes what the server sent right behind its answer.
    pub(crate) async fn dial(&self, opening: &Opening<'_>) -> Result<(TcpStream, Vec<u8>), NotIn> {
        timeout(DIAL_TIMEOUT, self.connect(opening)).await.unwrap_or(Err(NotIn::TimedOut))
    }

    /// Opens one connection and says nothing.
    pub(crate) async fn open(&self, opening: &Opening<'_>) -> io::Result<TcpStream> {
        let socket = match self.address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        if let Some(bytes) = opening.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(source) = opening.source.filter(|_| self.address.ip().is_loopback()) {
            socket.bind((source, 0).into())?;
        }
        socket.connect(self.address).await
    }

    async fn connect(&self, opening: &Opening<'_>) -> Result<(TcpStream, Vec<u8>), NotIn> {
        let mut stream = self.open(opening).await?;
        if self.is_raw {
            return Ok((stream, Vec::new()));
        }
        let key = generate_key();
        stream.write_all(self.request(opening, &key).as_bytes()).await?;
        let mut answer = Vec::with_capacity(1024);
        let end = loop {
            if let Some(end) = end_of_head(&answer) {
                break end;
            }
            if answer.len() > MAX_HEAD_BYTES {
                return Err(NotIn::Wrong("endless answer to the handshake"));
            }
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(NotIn::Closed);
            }
        };
        accepted(&answer[..end], &key)?;
        Ok((stream, answer.split_off(end)))
    }

    /// The head of the handshake.
    pub(crate) fn request(&self, opening: &Opening<'_>, key: &str) -> String {
        let mut url = self.url.clone();
        if !opening.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&opening.query);
        }
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let line = |name: &str, value: Option<&str>| {
            value.map(|value| format!("{name}: {value}\r\n")).unwrap_or_default()
        };
        let further = opening.headers.iter().map(|(name, value)| line(name, Some(value)));
        format!(
            "GET {}{query} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{}{}{}\r\n",
            url.path(),
            self.host,
            line("Sec-WebSocket-Protocol", opening.subprotocol),
            line("Sec-WebSocket-Extensions", opening.extensions),
            further.collect::<String>()
        )
    }
}

/// Where a client dials from when there are many on one machine: another loopback address for each
/// few thousand.
pub(crate) fn source(client: usize) -> Option<Ipv4Addr> {
    let block = u8::try_from(client / CLIENTS_PER_SOURCE).unwrap_or(u8::MAX);
    (block > 0).then(|| Ipv4Addr::new(127, 0, 1, block))
}

/// The status code of an answer's first line.
pub(crate) fn status_of(head: &str) -> Option<u16> {
    head.lines().next()?.split(' ').nth(1)?.parse().ok()
}

fn accepted(head: &[u8], key: &str) -> Result<(), NotIn> {
    let head = String::from_utf8_lossy(head);
    match status_of(&head) {
        Some(101) => {}
        Some(status) => return Err(NotIn::Status(status)),
        None => return Err(NotIn::Wrong("an answer that is not HTTP")),
    }
    let lines = head.lines().skip(1);
    let wanted = derive_accept_key(key.as_bytes());
    let mut headers = lines.filter_map(|line| line.split_once(':'));
    let proven = headers.any(|(name, value)| {
        name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == wanted
    });
    if proven { Ok(()) } else { Err(NotIn::Wrong("wrong Sec-WebSocket-Accept")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn topics_go_into_the_query() {
        let target = Target::find("ws://127.0.0.1:8080/ws?x=1").await.unwrap();
        let query = vec![("topics", "BTC-USDT,ticker:*:ETH-USDT".to_owned())];
        let opening = Opening { query, subprotocol: Some("a.b"), ..Opening::default() };
        let request = target.request(&opening, "k");
        let first = "GET /ws?x=1&topics=BTC-USDT%2Cticker%3A*%3AETH-USDT HTTP/1.1\r\n";
        assert!(request.starts_with(first), "{request}");
        assert!(request.contains("Host: 127.0.0.1:8080\r\n"), "{request}");
        assert!(request.ends_with("Sec-WebSocket-Protocol: a.b\r\n\r\n"), "{request}");
        let idle = Target::find("ws://[::1]/ws").await.unwrap();
        assert_eq!(idle.address.port(), 80);
        let request = idle.request(&Opening::default(), "k");
        assert!(request.starts_with("GET /ws HTTP/1.1\r\nHost: [::1]:80\r\n"), "{request}");
    }

    #[tokio::test]
    async fn mistakes_are_named() {
        for (text, named) in [("wss://x/ws", "TLS"), ("127.0.0.1:8080", "ws://")] {
            let error = Target::find(text).await.unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn many_clients_dial_from_several_addresses() {
        assert_eq!((source(0), source(8191)), (None, None));
        assert_eq!(source(8192), Some(Ipv4Addr::new(127, 0, 1, 1)));
        assert_eq!(source(99_999), Some(Ipv4Addr::new(127, 0, 1, 12)));
    }

    #[test]
    fn the_key_must_be_answered() {
        let good = b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert_eq!(accepted(good, "dGhlIHNhbXBsZSBub25jZQ=="), Ok(()));
        assert!(accepted(good, "other").is_err());
        assert_eq!(accepted(b"HTTP/1.1 503 x\r\n\r\n", "k"), Err(NotIn::Status(503)));
    }
}
