//! The bare loop: what a broadcast costs when there is nothing but the writes themselves.
//!
//! One thread accepts; one thread writes one frame to each connection, one non-blocking write
//! each, at the times of an open-loop schedule. Every figure of a gateway is set beside this one.

mod frame;
mod handshake;
mod writer;

pub use frame::{FULL_BYTES, MIN_BYTES, payload};

use serde::Serialize;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Pending connections that the kernel keeps for us, so that a storm of clients is not refused.
const BACKLOG: i32 = 4096;
/// How long an accept waits before it looks whether to stop.
const ACCEPT_WAIT: Duration = Duration::from_millis(50);
/// Connections between the two threads ("limit-accepted"); the acceptor waits when it is full.
const ACCEPTED_QUEUE: usize = 1024;

/// Why the bare loop did not start.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The message cannot be that small.
    #[error("a message of {0} bytes has no room for its time stamps; take at least {MIN_BYTES}")]
    Size(usize),
    /// No thread could be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// What the bare loop shall do.
#[derive(Debug, Clone)]
pub struct LimitConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Messages per connection and second.
    pub rate: u32,
    /// Bytes of a message, without its frame header; at least [`MIN_BYTES`]. From [`FULL_BYTES`]
    /// it has all keys of a ticker.
    pub size: usize,
}

/// What was done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LimitCounts {
    /// Connections open now.
    pub connections: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Passes over all connections.
    pub passes: u64,
    /// Write calls that took something.
    pub writes: u64,
    /// Of these, writes that took a part only.
    pub partial: u64,
    /// Write calls that found the socket full: messages lost.
    pub full: u64,
}

impl fmt::Display for LimitCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, passes, writes, partial, full, .. } = self;
        write!(
            f,
            "accepted {accepted}  passes {passes}  writes {writes}  partial {partial}  full {full}"
        )
    }
}

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    accepted: AtomicU64,
    passes: AtomicU64,
    writes: AtomicU64,
    partial: AtomicU64,
    full: AtomicU64,
}

/// The running loop. It ends when its token is cancelled.
#[derive(Debug)]
pub struct Limit {
    /// Where it listens.
    pub addr: SocketAddr,
    counters: Arc<Counters>,
    threads: Vec<JoinHandle<()>>,
    token: CancellationToken,
}

impl Limit {
    /// Starts both threads.
    ///
    /// # Errors
    /// [`LimitError`] when the address is taken or the size too small.
    pub fn start(config: &LimitConfig, token: CancellationToken) -> Result<Self, LimitError> {
        if config.size < MIN_BYTES {
            return Err(LimitError::Size(config.size));
        }
        let refused = |source| LimitError::Listen { address: config.listen, source };
        let listener = listen(config.listen).map_err(refused)?;
        let addr = listener.local_addr().map_err(refused)?;
        let counters = Arc::new(Counters::default());
        let (accepted, incoming) = mpsc::sync_channel(ACCEPTED_QUEUE);
        let writer = writer::Writer::new(incoming, counters.clone(), token.clone());
        let (rate, size) = (config.rate, config.size);
        let writing = spawn("limit-writer", move || writer.run(rate, size))?;
        let (stop, counted) = (token.clone(), counters.clone());
        let accepting = spawn("limit-acceptor", move || {
            while !stop.is_cancelled() {
                if let Some(stream) = handshake::accept(&listener) {
                    counted.accepted.fetch_add(1, Ordering::Relaxed);
                    if accepted.send(stream).is_err() {
                        return;
                    }
                }
            }
        })?;
        Ok(Self { addr, counters, threads: vec![writing, accepting], token })
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> LimitCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LimitCounts {
            connections: get(&self.counters.connections),
            accepted: get(&self.counters.accepted),
            passes: get(&self.counters.passes),
            writes: get(&self.counters.writes),
            partial: get(&self.counters.partial),
            full: get(&self.counters.full),
        }
    }

    /// Stops both threads and returns the final counts.
    #[must_use]
    pub fn stop(mut self) -> LimitCounts {
        self.token.cancel();
        for thread in self.threads.drain(..) {
            // A panic has been printed by its own thread.
            let _ = thread.join();
        }
        self.counts()
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LimitError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(LimitError::Thread)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    // On Linux this bounds accept as well.
    socket.set_read_timeout(Some(ACCEPT_WAIT))?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
