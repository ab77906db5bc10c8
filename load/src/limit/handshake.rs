//! The least that makes a TCP connection a WebSocket: the key in, the accept key out.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// How long a client may take for its request; longer ones would hold up the others.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest request read, in bytes.
const MAX_REQUEST_BYTES: usize = 8192;
/// The one header that matters.
const KEY: &str = "sec-websocket-key:";

/// The next client, shaken hands with; nothing when none came or it was no WebSocket client.
pub(super) fn accept(listener: &TcpListener) -> Option<TcpStream> {
    let (mut stream, _) = listener.accept().ok()?;
    match shake(&mut stream) {
        Ok(()) => Some(stream),
        Err(error) => {
            tracing::debug!(%error, "no handshake");
            None
        }
    }
}

fn shake(stream: &mut TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
    stream.set_nodelay(true)?;
    let mut request = Vec::with_capacity(512);
    let mut piece = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut piece)?;
        if read == 0 || request.len() + read > MAX_REQUEST_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        request.extend_from_slice(&piece[..read]);
    }
    let Some(key) = key_of(&request) else {
        stream.write_all(b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n\r\n")?;
        return Err(io::ErrorKind::InvalidData.into());
    };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(answer.as_bytes())?;
    stream.set_nonblocking(true)
}

fn key_of(request: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(request);
    let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(KEY))?;
    Some(line[KEY.len()..].trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_key_in_any_case() {
        let request = b"GET / HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key:  abc==\r\n\r\n";
        assert_eq!(key_of(request).as_deref(), Some("abc=="));
        assert_eq!(key_of(b"GET / HTTP/1.1\r\n\r\n"), None);
    }
}
