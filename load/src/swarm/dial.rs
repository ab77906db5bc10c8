//! From an address to an open WebSocket: the client's half of the handshake, and no more.

use super::scan::end_of_head;
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use url::{Host, Url};

/// How long connecting and shaking hands may take together.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
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

/// Where to dial and what to ask for.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    host: String,
    /// Path and query.
    resource: String,
}

impl Target {
    /// Finds the address and adds the topics to the query.
    pub(super) async fn find(text: &str, topics: &[String]) -> Result<Self, TargetError> {
        let mut url = Url::parse(text)
            .map_err(|source| TargetError::Url { text: text.to_owned(), source })?;
        if url.scheme() != "ws" {
            return Err(TargetError::Scheme(text.to_owned()));
        }
        if !topics.is_empty() {
            url.query_pairs_mut().append_pair("topics", &topics.join(","));
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
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let resource = format!("{}{query}", url.path());
        Ok(Self { address, host: format!("{named}:{port}"), resource })
    }

    /// Opens one WebSocket; with it comes what the server sent right behind its answer.
    pub(super) async fn dial(&self) -> Result<(TcpStream, Vec<u8>), String> {
        match timeout(DIAL_TIMEOUT, self.connect()).await {
            Ok(outcome) => outcome,
            Err(_) => Err("timed out".to_owned()),
        }
    }

    async fn connect(&self) -> Result<(TcpStream, Vec<u8>), String> {
        let mut stream = TcpStream::connect(self.address).await.map_err(in_short)?;
        let key = generate_key();
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n",
            self.resource, self.host
        );
        stream.write_all(request.as_bytes()).await.map_err(in_short)?;
        let mut answer = Vec::with_capacity(1024);
        let end = loop {
            if let Some(end) = end_of_head(&answer) {
                break end;
            }
            if answer.len() > MAX_HEAD_BYTES {
                return Err("endless answer to the handshake".to_owned());
            }
            if stream.read_buf(&mut answer).await.map_err(in_short)? == 0 {
                return Err("closed during the handshake".to_owned());
            }
        };
        accepted(&answer[..end], &key)?;
        Ok((stream, answer.split_off(end)))
    }
}

fn in_short(error: io::Error) -> String {
    error.kind().to_string()
}

fn accepted(head: &[u8], key: &str) -> Result<(), String> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default();
    if status != "101" {
        return Err(format!("HTTP {status}"));
    }
    let wanted = derive_accept_key(key.as_bytes());
    let proven = lines.filter_map(|line| line.split_once(':')).any(|(name, value)| {
        name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == wanted
    });
    if proven { Ok(()) } else { Err("wrong Sec-WebSocket-Accept".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn topics_go_into_the_query() {
        let topics = ["BTC-USDT".to_owned(), "ticker:*:ETH-USDT".to_owned()];
        let target = Target::find("ws://127.0.0.1:8080/ws?x=1", &topics).await.unwrap();
        let expected = "/ws?x=1&topics=BTC-USDT%2Cticker%3A*%3AETH-USDT";
        assert_eq!((target.resource.as_str(), target.host.as_str()), (expected, "127.0.0.1:8080"));
        let idle = Target::find("ws://[::1]/ws", &[]).await.unwrap();
        assert_eq!((idle.resource.as_str(), idle.address.port()), ("/ws", 80));
    }

    #[tokio::test]
    async fn mistakes_are_named() {
        for (text, named) in [("wss://x/ws", "TLS"), ("127.0.0.1:8080", "ws://")] {
            let error = Target::find(text, &[]).await.unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn the_key_must_be_answered() {
        let good = b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert_eq!(accepted(good, "dGhlIHNhbXBsZSBub25jZQ=="), Ok(()));
        assert!(accepted(good, "other").is_err());
        assert_eq!(accepted(b"HTTP/1.1 503 x\r\n\r\n", "k"), Err("HTTP 503".to_owned()));
    }
}
