//! The answer to a connection that is not let in, written before it has asked for anything.

use super::reply::Refusal;
use crate::door::Refused;
use axum::{body::to_bytes, response::IntoResponse};
use socket2::SockRef;
use std::{
    fmt::Write as _,
    mem::MaybeUninit,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
};

/// Connections that are being told at once; they hold descriptors of the reserve. Whoever comes on
/// top is told as well, but not waited for.
const AT_ONCE: usize = 128;
/// How long a client may take to read that it is refused. Closing with its request unread would
/// destroy the answer on its way.
const PATIENCE: Duration = Duration::from_millis(500);
/// Longest body of a refusal.
const MAX_BODY_BYTES: usize = 4096;

static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));

/// Says why, and lets the connection go; returns at once.
pub fn tell(socket: TcpStream, refused: Refused) {
    let place = PLACES.clone().try_acquire_owned();
    tokio::spawn(async move {
        let answer = written(refused.into()).await;
        let Ok(_place) = place else {
            // One attempt, and what the client sent by now is read: then nothing destroys the answer.
            // By the system's own calls: the event loop has not looked at this socket yet.
            let socket = SockRef::from(&socket);
            let mut unread = [MaybeUninit::uninit(); 4096];
            let (_, _) = (socket.send(&answer), socket.recv(&mut unread));
            return;
        };
        // A client that does not take its answer within that time does without.
        let _ = tokio::time::timeout(PATIENCE, deliver(socket, &answer)).await;
    });
}

async fn deliver(mut socket: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    socket.write_all(answer).await?;
    socket.shutdown().await?;
    let mut unread = [0; 1024];
    while socket.read(&mut unread).await? > 0 {}
    Ok(())
}

/// The same answer as a request would get, as HTTP/1.1.
async fn written(refusal: Refusal) -> Vec<u8> {
    let (parts, body) = refusal.into_response().into_parts();
    let body = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    let mut head = format!("HTTP/1.1 {}\r\nconnection: close\r\n", parts.status);
    for (name, value) in &parts.headers {
        // Writing to a String cannot fail.
        let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    if !parts.headers.contains_key("content-length") {
        let _ = write!(head, "content-length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", &body].concat()
}
