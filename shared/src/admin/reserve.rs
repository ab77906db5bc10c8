//! A listener that goes on accepting when the process has no descriptor left: operators see what is
//! going on just then.

use axum::serve::Listener;
use rustix::io::{DupFlags, dup3};
use std::{
    fs::File,
    io::{self, ErrorKind},
    net::SocketAddr,
    os::fd::OwnedFd,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// Descriptors kept for operators: one for a scrape of the metrics that stays connected, others for
/// people who look.
const SPARES: usize = 4;
/// How often it is tried again when even the spare ones are in use.
const RETRY_EVERY: Duration = Duration::from_millis(50);

/// A listener and the descriptors that it keeps.
#[derive(Debug)]
pub struct WithReserve {
    listener: TcpListener,
    reserve: Arc<Reserve>,
}

/// Descriptors that hold the places of connections to come.
#[derive(Debug)]
struct Reserve {
    /// What stands in a place meanwhile; `None` on a system without the null device.
    null: Option<File>,
    places: Mutex<Vec<OwnedFd>>,
}

/// A connection that leaves its descriptor to the reserve.
#[derive(Debug)]
pub struct Kept {
    /// Taken when it ends only.
    stream: Option<TcpStream>,
    reserve: Arc<Reserve>,
}

impl WithReserve {
    /// Keeps its reserve from now on.
    pub fn new(listener: TcpListener) -> Self {
        let null = File::open("/dev/null").ok();
        let reserve = Reserve { null, places: Mutex::default() };
        reserve.fill();
        Self { listener, reserve: Arc::new(reserve) }
    }
}

impl Listener for WithReserve {
    type Io = Kept;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Kept, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let reserve = self.reserve.clone();
                    return (Kept { stream: Some(stream), reserve }, peer);
                }
                Err(error) if is_the_connections_own(&error) => {}
                // Descriptors are used up. If another thread takes what is given up, the next may do.
                Err(_) if self.reserve.give_one_up() => {}
                Err(_) => {
                    tokio::time::sleep(RETRY_EVERY).await;
                    self.reserve.fill();
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Reserve {
    fn places(&self) -> MutexGuard<'_, Vec<OwnedFd>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes back what was given up, as far as there are descriptors.
    fn fill(&self) {
        let mut places = self.places();
        while places.len() < SPARES {
            let Some(Ok(place)) = self.null.as_ref().map(File::try_clone) else { return };
            places.push(place.into());
        }
    }

    fn give_one_up(&self) -> bool {
        self.places().pop().is_some()
    }

    /// Closes a connection and keeps its descriptor, if the reserve is not full. In one step: a
    /// descriptor that is closed first is anybody's.
    fn take(&self, mut connection: OwnedFd) {
        let Some(null) = &self.null else { return };
        let mut places = self.places();
        if places.len() < SPARES && dup3(null, &mut connection, DupFlags::CLOEXEC).is_ok() {
            places.push(connection);
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(Ok(stream)) = self.stream.take().map(TcpStream::into_std) {
            self.reserve.take(stream.into());
        }
    }
}

impl Kept {
    fn with<T>(
        mut self: Pin<&mut Self>,
        act: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.stream {
            Some(stream) => act(Pin::new(stream)),
            // Nobody polls what is being dropped.
            None => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncRead for Kept {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Kept {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(context))
    }
}

/// Whether only the connection that came is broken (accept(2)).
fn is_the_connections_own(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
