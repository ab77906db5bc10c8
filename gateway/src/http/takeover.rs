//! Connections that stop being HTTP with a response that has no end: its head is written here, and the
//! socket goes to a shard like that of a WebSocket.

use super::tls::Taken;
use crate::{
    auth::Access, client::Dialled, door::Seat, http::wanted::Wanted, hub::Hub, wire::Encoding,
};
use axum::{http::header, response::Response};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};
use tokio::sync::Notify;
use tracing::debug;

/// Who is to be served when the socket is free, as an extension of the response.
#[derive(Debug, Clone)]
pub struct Takeover(Arc<Mutex<Option<Listener>>>);

/// A client that listens only.
#[derive(Debug)]
pub struct Listener {
    /// The way to the shards.
    pub hub: Hub,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// Its place on the node.
    pub seat: Arc<Seat>,
    /// What it asked for.
    pub wanted: Wanted,
    /// What it may do.
    pub access: Access,
}

impl Takeover {
    /// Marks a response as the last of its connection.
    #[must_use]
    pub fn by(listener: Listener) -> Self {
        Self(Arc::new(Mutex::new(Some(listener))))
    }

    /// Whether a response is so marked.
    #[must_use]
    pub fn is_due(response: &Response) -> bool {
        response.extensions().get::<Self>().is_some()
    }
}

/// Where a connection leaves its HTTP, if it does.
#[derive(Debug, Default)]
pub struct Exit {
    taken: Mutex<Option<(Listener, Vec<u8>)>>,
    told: Notify,
}

impl Exit {
    /// Lets a response go on to be written, unless it is the last: then the connection is to be taken
    /// apart instead, and this does not return.
    pub async fn pass(&self, mut response: Response) -> Response {
        let takeover = response.extensions_mut().remove::<Takeover>();
        let listener =
            takeover.and_then(|it| it.0.lock().unwrap_or_else(PoisonError::into_inner).take());
        let Some(listener) = listener else { return response };
        let left = (listener, head(&response));
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
        self.told.notify_one();
        std::future::pending().await
    }

    /// Waits for the last response: whom it is for, and its head.
    pub async fn taken(&self) -> (Listener, Vec<u8>) {
        loop {
            self.told.notified().await;
            if let Some(taken) = self.taken.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return taken;
            }
        }
    }
}

impl Listener {
    /// Gives the socket to a shard, which sends `head` first.
    pub async fn serve(self, Taken { socket, tls, leftover }: Taken, head: Vec<u8>) {
        let Self { hub, peer, seat, wanted: Wanted { topics, asked }, access } = self;
        let (encoding, greeting) = (Encoding::EVENTS, head);
        let dialled = Dialled {
            socket,
            tls,
            leftover,
            greeting,
            peer,
            seat,
            topics,
            asked,
            encoding,
            access,
        };
        if hub.serve(dialled).await.is_err() {
            debug!(%peer, "shards are gone; connection dropped");
        }
    }
}

/// The head of a response whose body is whatever follows until the connection ends (RFC 9112,
/// section 6.3).
fn head(response: &Response) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    let date = httpdate::fmt_http_date(SystemTime::now());
    // The router counts the body that it sees, which is none.
    for (name, value) in response.headers().iter().filter(|it| it.0 != header::CONTENT_LENGTH) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(format!("connection: close\r\ndate: {date}\r\n\r\n").as_bytes());
    head
}
