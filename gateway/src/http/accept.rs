//! The accept loop: who is let in, bounded heads and handshakes, and the raw socket back after an
//! upgrade.

use super::{App, farewell, proxy, routes, visitor::Caller};
use crate::{
    client::session,
    door::{Door, Handshake},
    listen::{Entrance, Kind},
};
use axum::{Router, extract::Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use std::{
    convert::Infallible,
    io::{self, ErrorKind},
    sync::{Arc, Mutex, Once, PoisonError},
    time::Duration,
};
use tickcast_shared::backoff::Backoff;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
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

/// What every connection meets.
#[derive(Debug, Clone)]
pub struct Reception {
    /// Who is let in.
    pub door: Arc<Door>,
    /// What is answered.
    pub routes: Router,
    /// Time for a connection to ask for something.
    pub head_timeout: Duration,
    /// Time for a client to take its answers.
    pub patience: Duration,
}

impl Reception {
    /// With the paths of [`routes`], and the times of the configuration.
    #[must_use]
    pub fn new(app: App) -> Self {
        let limits = &app.config.limits;
        Self {
            door: app.door.clone(),
            head_timeout: Duration::from_millis(limits.handshake_timeout_ms),
            patience: session::kernel_patience(limits),
            routes: routes::build(app),
        }
    }
}

/// Accepts until `closed` is cancelled. A listener that somebody else keeps open goes on telling
/// that the process is shutting down until `drained` is cancelled.
pub async fn run(
    Entrance { listener, kind, is_inherited }: Entrance,
    reception: Reception,
    closed: CancellationToken,
    drained: CancellationToken,
) -> Result<(), Infallible> {
    let requests = TaskTracker::new();
    let stop = if is_inherited { drained } else { closed };
    tokio::select! {
        () = accept(&listener, kind, &reception, &requests) => {}
        () = stop.cancelled() => {}
    }
    if !is_inherited {
        turn_away_waiting(&listener, &reception).await;
    }
    drop(listener);
    requests.close();
    // What is not answered by then has lost its client's patience anyway.
    let _ = tokio::time::timeout(LAST_ANSWERS, requests.wait()).await;
    Ok(())
}

async fn accept(listener: &TcpListener, kind: Kind, reception: &Reception, requests: &TaskTracker) {
    let mut failures = 0;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                failures = 0;
                match reception.door.knock(peer.ip()) {
                    Ok((seat, handshake)) => {
                        let caller = Caller { peer, seat };
                        requests.spawn(serve(socket, caller, handshake, kind, reception.clone()));
                    }
                    Err(refused) => farewell::tell(socket, refused),
                }
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
}

/// Connections that the kernel has accepted already get an answer rather than a reset.
async fn turn_away_waiting(listener: &TcpListener, reception: &Reception) {
    reception.door.drain();
    // Ready at once for as long as any wait.
    while let Ok(Ok((socket, peer))) = tokio::time::timeout(Duration::ZERO, listener.accept()).await
    {
        if let Err(refused) = reception.door.knock(peer.ip()) {
            farewell::tell(socket, refused);
        }
    }
}

/// One connection up to its upgrade or its end.
///
/// What hyper needs for it (its state and an 8 KiB buffer) is allocated only once there is something
/// to read: in a storm of dials thousands of them at once would leave the heap full of holes, and
/// the connections that stay would keep them there.
async fn serve(
    mut socket: TcpStream,
    mut caller: Caller,
    handshake: Handshake,
    kind: Kind,
    reception: Reception,
) {
    let deadline = tokio::time::Instant::now() + reception.head_timeout;
    let begun = tokio::time::timeout_at(deadline, async {
        // A client that takes no answers is given up by the kernel (RFC 5482).
        SockRef::from(&socket).set_tcp_user_timeout(Some(reception.patience))?;
        if kind == Kind::Proxied {
            announced(&mut socket, &mut caller, &reception.door).await?;
        }
        socket.readable().await
    });
    match begun.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return debug!(peer = %caller.peer, %error, "connection ended"),
        Err(_) => return debug!(peer = %caller.peer, "nothing was asked in time"),
    }
    if kind == Kind::Proxied
        && !reception.door.trusts(caller.peer.ip())
        && let Err(refused) = reception.door.seat_for(&caller.seat, caller.peer.ip())
    {
        return farewell::tell(socket, refused);
    }
    Box::pin(answer(socket, caller, handshake, reception, deadline)).await;
}

/// Takes the PROXY header off the socket: whoever it names is the caller.
async fn announced(socket: &mut TcpStream, caller: &mut Caller, door: &Door) -> io::Result<()> {
    if !door.trusts(caller.peer.ip()) {
        static WARNED: Once = Once::new();
        let peer = caller.peer.ip();
        WARNED.call_once(|| {
            warn!(%peer, "refusing a peer of proxy_listen that is not in trusted_proxies; said once");
        });
        return Err(ErrorKind::PermissionDenied.into());
    }
    if let Some(client) = proxy::read(socket).await? {
        caller.peer = client;
    }
    Ok(())
}

async fn answer(
    socket: TcpStream,
    caller: Caller,
    handshake: Handshake,
    Reception { routes, head_timeout, .. }: Reception,
    deadline: tokio::time::Instant,
) {
    let peer = caller.peer;
    let first = Arc::new(First { handshake: Mutex::new(Some(handshake)), came: Notify::new() });
    let coming = first.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        coming.came();
        request.extensions_mut().insert(caller.clone());
        routes.clone().call(request)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::select! {
        served = served => {
            if let Err(error) = served {
                debug!(%peer, %error, "connection ended");
            }
        }
        () = first.overdue(deadline) => debug!(%peer, "nothing was asked in time"),
    }
}

/// The first request of a connection: until it comes, the connection is a handshake.
#[derive(Debug)]
struct First {
    handshake: Mutex<Option<Handshake>>,
    came: Notify,
}

impl First {
    fn came(&self) {
        if self.handshake.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.came.notify_one();
        }
    }

    /// Returns when it has not come by the deadline, and never if it has.
    async fn overdue(&self, deadline: tokio::time::Instant) {
        if tokio::time::timeout_at(deadline, self.came.notified()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    }
}
