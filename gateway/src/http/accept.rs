//! The accept loop: who is let in, and what the others are told.

use super::{App, farewell, routes, serve::serve, tls::Acceptor, visitor::Caller};
use crate::{
    client::session,
    door::{Door, Refused},
    listen::{Entrance, Kind},
};
use axum::Router;
use std::{convert::Infallible, io::ErrorKind, sync::Arc, time::Duration};
use tickcast_shared::backoff::Backoff;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

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
    /// What connections are encrypted with, if they are.
    pub tls: Option<Acceptor>,
    /// What is answered.
    pub routes: Router,
    /// Time for a connection to ask for something.
    pub head_timeout: Duration,
    /// Time for a client to acknowledge what it is sent.
    pub patience: Duration,
    /// Time for a client to take an answer.
    pub answer_timeout: Duration,
}

impl Reception {
    /// With the paths of [`routes`], and the times of the configuration.
    #[must_use]
    pub fn new(app: App, tls: Option<Acceptor>) -> Self {
        let limits = &app.config.limits;
        Self {
            door: app.door.clone(),
            head_timeout: Duration::from_millis(limits.handshake_timeout_ms),
            patience: session::kernel_patience(limits),
            answer_timeout: limits.slow_client_timeout(),
            tls,
            routes: routes::build(app),
        }
    }

    /// Lets a connection go that is not let in. Where TLS is expected no word of ours would be
    /// understood, and a handshake is too much work for a refusal.
    pub fn turn_away(&self, socket: TcpStream, refused: Refused) {
        if self.tls.is_none() {
            farewell::tell(socket, refused);
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
                    Err(refused) => reception.turn_away(socket, refused),
                }
            }
            // The client has gone again before it was accepted.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if failures == 0 {
                    warn!(%error, "cannot accept connections; trying again");
                }
                failures += 1;
                reception.door.cannot_accept();
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
            reception.turn_away(socket, refused);
        }
    }
}
