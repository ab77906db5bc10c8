//! A TCP proxy that does to a connection what networks do: delay, stall, go silent, reset, cut
//! bytes apart, be slow. Every part of the system can be put behind it.
//!
//! - `pump`: one direction of one connection

mod pump;

use socket2::SockRef;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What is done to all connections, those to come as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Whatever passes is late by this.
    Latency(Duration),
    /// Nothing passes, nor does an end; later everything does.
    Stall,
    /// Nothing passes ever again on the connections that are there, and neither side learns of the
    /// other's end. New ones are accepted and lead nowhere.
    HalfOpen,
    /// Connections are reset, and new ones as soon as they are accepted.
    Reset,
    /// Each byte comes alone.
    Split,
    /// No more than so many bytes a second in each direction of a connection.
    Throttle(u32),
}

/// A running proxy. Dropped, it ends with all its connections.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    fault: watch::Sender<Fault>,
    connections: TaskTracker,
    token: CancellationToken,
}

/// How long the other side may take to accept.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);

impl Proxy {
    /// Listens on a free port of this machine and forwards to that address, without a fault.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (fault, faults) = watch::channel(Fault::None);
        let (connections, token) = (TaskTracker::new(), CancellationToken::new());
        let accepting = accept(listener, target, faults, connections.clone(), token.clone());
        tokio::spawn(token.clone().run_until_cancelled_owned(accepting));
        Ok(Self { address, fault, connections, token })
    }

    /// From now on.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Connections that it holds.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    faults: watch::Receiver<Fault>,
    connections: TaskTracker,
    token: CancellationToken,
) {
    loop {
        // What cannot be accepted is the client's problem, as with any proxy.
        let Ok((client, _)) = listener.accept().await else { continue };
        let serving = serve(client, target, faults.clone());
        connections.spawn(token.clone().run_until_cancelled_owned(serving));
    }
}

async fn serve(client: TcpStream, target: SocketAddr, mut faults: watch::Receiver<Fault>) {
    let fault = *faults.borrow_and_update();
    match fault {
        Fault::Reset => return reset(&client),
        // Held until the proxy ends.
        Fault::HalfOpen => return std::future::pending().await,
        _ => {}
    }
    let Ok(Ok(server)) = timeout(DIAL_TIMEOUT, TcpStream::connect(target)).await else {
        return reset(&client);
    };
    for side in [&client, &server] {
        // Bytes that are sent alone shall arrive alone. It may be gone already.
        let _ = side.set_nodelay(true);
    }
    pass(client, server, faults).await;
}

/// Forwards both ways until both have ended, or a reset is asked for.
async fn pass(mut client: TcpStream, mut server: TcpStream, mut faults: watch::Receiver<Fault>) {
    let is_reset = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let up = pump::run(from_client, to_server, faults.clone());
        let down = pump::run(from_server, to_client, faults.clone());
        tokio::select! {
            _ = async { tokio::join!(up, down) } => false,
            told = faults.wait_for(|fault| *fault == Fault::Reset) => told.is_ok(),
        }
    };
    if is_reset {
        reset(&client);
        reset(&server);
    }
}

/// What is dropped after this ends with a reset instead of a FIN.
fn reset(stream: &TcpStream) {
    // It may be gone already.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
