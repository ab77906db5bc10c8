//! A stream whose writes fail when the client has not taken all of them in time: hyper itself waits
//! for ever, and the kernel does for as long as the client makes a little room now and then.

use socket2::SockRef;
use std::{
    error::Error,
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// A plain or encrypted stream, and how long its client may take over what has been written to it.
#[derive(Debug)]
pub struct Patient<S> {
    stream: S,
    /// The socket under the stream.
    socket: fn(&S) -> &TcpStream,
    patience: Duration,
    /// Runs from the first write that had to wait until a flush finds everything taken, however many
    /// writes there are in between. Boxed: most connections never wait.
    waiting: Option<Pin<Box<Sleep>>>,
}

/// The client has not taken in time what was written to it.
#[derive(Debug, thiserror::Error)]
#[error("the client takes its answer too slowly")]
struct RanOut;

/// Whether a connection ended because its client was too slow.
#[must_use]
pub fn ran_out(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|it| it.downcast_ref::<io::Error>());
    cause.and_then(io::Error::get_ref).is_some_and(|it| it.is::<RanOut>())
}

impl<S> Patient<S> {
    /// Waits that long for the client; `socket` finds what is under the stream.
    #[must_use]
    pub fn new(stream: S, socket: fn(&S) -> &TcpStream, patience: Duration) -> Self {
        Self { stream, socket, patience, waiting: None }
    }

    /// The stream alone.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// The outcome of a write; one that has waited too long fails.
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            return written;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        ready!(waiting.as_mut().poll(context));
        // Closing would leave the kernel to wait for the client with what it still holds.
        let _ = SockRef::from((self.socket)(&self.stream)).set_linger(Some(Duration::ZERO));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, RanOut)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes only once everything it has was accepted, and TLS is done only then as well.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.waiting = None;
        }
        self.in_time(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.in_time(context, ended)
    }
}
