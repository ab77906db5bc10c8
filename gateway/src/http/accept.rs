//! The accept loop: bounded heads and handshakes, and the raw socket back after an upgrade.

use super::tls::Acceptor;
use axum::{Router, extract::Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, io::ErrorKind, net::SocketAddr, time::Duration};
use tickcast_shared::backoff::Backoff;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;
use tracing::{debug, warn};

/// Largest HTTP head, in bytes; the smallest buffer that hyper takes.
const MAX_HEAD_BYTES: usize = 8192;
/// Waits after a failed accept (descriptors used up): short at first, never a busy loop.
const ACCEPT_BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(10), cap: Duration::from_secs(1) };
/// How long answers under way may take once the listener is closed.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Where a request comes from, for handlers.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Accepts until cancelled.
pub async fn run(
    listener: TcpListener,
    tls: Option<Acceptor>,
    routes: Router,
    head_timeout: Duration,
    token: CancellationToken,
) -> Result<(), Infallible> {
    let requests = TaskTracker::new();
    let mut failures = 0;
    loop {
        let accepted = tokio::select! {
            () = token.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                failures = 0;
                requests.spawn(serve(socket, peer, tls.clone(), routes.clone(), head_timeout));
            }
            // The client has gone again before it was accepted.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if failures == 0 {
                    warn!(%error, "cannot accept connections; trying again");
                }
                failures += 1;
                tokio::time::sleep(ACCEPT_BACKOFF.delay(failures, 1.0)).await;
            }
        }
    }
    drop(listener);
    requests.close();
    // What is not answered by then has lost its client's patience anyway.
    let _ = tokio::time::timeout(LAST_ANSWERS, requests.wait()).await;
    Ok(())
}

/// One connection up to its upgrade or its end.
///
/// What hyper needs for it (its state and an 8 KiB buffer) is allocated only once there is something
/// to read: in a storm of dials thousands of them at once would leave the heap full of holes, and
/// the connections that stay would keep them there.
async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<Acceptor>,
    routes: Router,
    head_timeout: Duration,
) {
    let deadline = Instant::now() + head_timeout;
    if !matches!(timeout_at(deadline, socket.readable()).await, Ok(Ok(()))) {
        debug!(%peer, "nothing was asked in time");
        return;
    }
    match tls {
        None => Box::pin(answer(socket, peer, routes, head_timeout)).await,
        Some(tls) => {
            if let Some(stream) = Box::pin(tls.accept(socket, peer, deadline)).await {
                Box::pin(answer(stream, peer, routes, head_timeout)).await;
            }
        }
    }
}

async fn answer<S>(socket: S, peer: SocketAddr, routes: Router, head_timeout: Duration)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        routes.clone().call(request)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    if let Err(error) = served.await {
        debug!(%peer, %error, "connection ended");
    }
}
