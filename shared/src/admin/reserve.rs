//! A listener that goes on accepting when the process has no descriptor left: operators see what is
//! going on just then.

use axum::serve::Listener;
use std::{
    fs::File,
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};

/// Descriptors kept for operators: one for a scrape of the metrics that stays connected, others for
/// people who look.
const SPARES: usize = 4;
/// How often it is tried again when even the spare ones are in use.
const RETRY_EVERY: Duration = Duration::from_millis(50);

/// A listener and the descriptors that it keeps.
#[derive(Debug)]
pub struct WithReserve {
    listener: TcpListener,
    spares: Vec<File>,
}

impl WithReserve {
    /// Keeps its reserve from now on.
    pub fn new(listener: TcpListener) -> Self {
        let mut with = Self { listener, spares: Vec::with_capacity(SPARES) };
        with.fill();
        with
    }

    /// Takes back what was given up, as far as there are descriptors.
    fn fill(&mut self) {
        while self.spares.len() < SPARES {
            let Ok(spare) = File::open("/dev/null") else { return };
            self.spares.push(spare);
        }
    }
}

impl Listener for WithReserve {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        self.fill();
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_the_connections_own(&error) => {}
                // Descriptors are used up. If another thread takes what is given up, the next may do.
                Err(_) if self.spares.pop().is_some() => {}
                Err(_) => {
                    tokio::time::sleep(RETRY_EVERY).await;
                    self.fill();
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Whether only the connection that came is broken (accept(2)).
fn is_the_connections_own(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
