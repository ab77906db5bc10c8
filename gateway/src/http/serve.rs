//! One connection from its first byte to its upgrade or its end: whom it is made for, its TLS, its
//! requests, and the time that it may take for them.

use super::{
    accept::{Reception, Times},
    patience::{self, Patient},
    proxy,
    takeover::Exit,
    tls::{self, Taken},
    visitor::Caller,
};
use crate::{
    client::conn::SEND_BUFFER_BYTES,
    door::{Door, Handshake, Refused},
    listen::Kind,
};
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use std::{
    convert::Infallible,
    io::{self, ErrorKind},
    sync::{Arc, Mutex, Once, PoisonError},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Notify,
    time::{Instant, timeout_at},
};
use tower::Service;
use tracing::{debug, warn};

/// Largest HTTP head, in bytes; the smallest buffer that hyper takes.
const MAX_HEAD_BYTES: usize = 8192;

/// One connection up to its upgrade or its end.
///
/// What hyper needs for it (its state and an 8 KiB buffer) is allocated only once there is something
/// to read: in a storm of dials thousands of them at once would leave the heap full of holes, and
/// the connections that stay would keep them there.
pub async fn serve(
    mut socket: TcpStream,
    mut caller: Caller,
    mut handshake: Handshake,
    kind: Kind,
    reception: Reception,
) {
    let times = reception.times();
    let deadline = Instant::now() + times.head;
    let begun = timeout_at(deadline, async {
        bound(&socket, &times)?;
        if kind == Kind::Proxied {
            announced(&mut socket, &mut caller, &reception.door).await?;
            // From here on it is its client's, whatever comes or does not come on it.
            if let Err(refused) = count_for_client(&reception.door, &caller, &mut handshake) {
                return Ok(Some(refused));
            }
        }
        socket.readable().await.map(|()| None)
    });
    match begun.await {
        Ok(Ok(None)) => {}
        Ok(Ok(Some(refused))) => return reception.turn_away(socket, refused),
        Ok(Err(error)) => return debug!(peer = %caller.peer, %error, "connection ended"),
        Err(_) => {
            reception.door.asks_nothing();
            return debug!(peer = %caller.peer, "nothing was asked in time");
        }
    }
    match reception.tls.clone() {
        None => {
            let stream = Patient::new(socket, |it| it, times.answer);
            let answered =
                answer(stream, tls::plain, caller, handshake, reception, times, deadline);
            Box::pin(answered).await;
        }
        Some(tls) => {
            if let Some(stream) = Box::pin(tls.accept(socket, caller.peer, deadline)).await {
                let stream = Patient::new(stream, |it| it.get_ref().0, times.answer);
                let answered =
                    answer(stream, tls::encrypted, caller, handshake, reception, times, deadline);
                Box::pin(answered).await;
            }
        }
    }
}

/// Counts a connection that a proxy announced as its client's, unless that is a proxy again.
fn count_for_client(
    door: &Door,
    caller: &Caller,
    handshake: &mut Handshake,
) -> Result<(), Refused> {
    let client = caller.peer.ip();
    if door.trusts(client) {
        return Ok(());
    }
    door.seat_for(&caller.seat, client)?;
    door.handshake_for(handshake, client)
}

/// Bounds what the kernel does for a client that takes no answers.
fn bound(socket: &TcpStream, times: &Times) -> io::Result<()> {
    let options = SockRef::from(socket);
    // It gives up a client that acknowledges nothing (RFC 5482).
    options.set_tcp_user_timeout(Some(times.acknowledgement))?;
    options.set_send_buffer_size(SEND_BUFFER_BYTES)
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

async fn answer<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: Patient<S>,
    take: fn(S) -> io::Result<Taken>,
    caller: Caller,
    handshake: Handshake,
    reception: Reception,
    times: Times,
    deadline: Instant,
) {
    let (peer, door) = (caller.peer, reception.door.clone());
    let first = Arc::new(First { handshake: Mutex::new(Some(handshake)), came: Notify::new() });
    let exit = Arc::new(Exit::default());
    let (coming, leaving) = (first.clone(), exit.clone());
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        coming.came();
        request.extensions_mut().insert(caller.clone());
        let (answered, leaving) = (reception.routes().call(request), leaving.clone());
        async move { Ok::<_, Infallible>(leaving.pass(answered.await?).await) }
    });
    let mut served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(times.head)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        served = &mut served => {
            if let Err(error) = served {
                if patience::ran_out(&error) {
                    door.reads_slowly();
                }
                debug!(%peer, %error, "connection ended");
            }
        }
        () = first.overdue(deadline) => {
            door.asks_nothing();
            debug!(%peer, "nothing was asked in time");
        }
        (listener, head) = exit.taken() => {
            let Some(parts) = served.into_parts() else { return };
            match take(parts.io.into_inner().into_inner()) {
                Ok(taken) => {
                    let leftover = parts.read_buf.to_vec();
                    listener.serve(Taken { leftover, ..taken }, head).await;
                }
                Err(error) => debug!(%peer, %error, "socket could not be taken over"),
            }
        }
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
    async fn overdue(&self, deadline: Instant) {
        if timeout_at(deadline, self.came.notified()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    }
}
