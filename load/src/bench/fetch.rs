//! The least of an HTTP client: one GET, one answer.

use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use url::Url;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Status and body of an address.
///
/// # Errors
/// When it does not answer in time, or not in HTTP.
pub async fn get(url: &str) -> io::Result<(u16, String)> {
    let asked = timeout(PATIENCE, ask(url)).await;
    asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn ask(url: &str) -> io::Result<(u16, String)> {
    let url = Url::parse(url).map_err(io::Error::other)?;
    let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or(80));
    let mut stream = TcpStream::connect((host, port)).await?;
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    // Version 1.0: the answer ends with the connection, and comes in one piece.
    let request = format!("GET {}{query} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n", url.path());
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_status_and_body() {
        let answer = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n{\"x\":1}\r\n\r\n";
        assert_eq!(parse(answer), Some((200, "{\"x\":1}\r\n\r\n".to_owned())));
        assert_eq!(parse("HTTP/1.1 200"), None);
    }

    #[tokio::test]
    async fn nobody_listening_is_an_error() {
        assert!(get("http://127.0.0.1:1/x").await.is_err());
    }
}
