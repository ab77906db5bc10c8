//! The socket of one connection, as its shard uses it: every write is one non-blocking call.

use socket2::SockRef;
use std::{
    cell::Cell,
    io::{self, ErrorKind, IoSlice},
    net::SocketAddr,
    sync::LazyLock,
    time::{Duration, Instant},
};
use tokio::net::TcpStream;

/// Bytes that the kernel may hold unsent for a connection (it accounts twice this with its
/// overhead). Fixed, so that a slow client is noticed before minutes of prices are under way, and
/// below the system's usual maximum of 208 KiB, so that room for a last message can be made.
const SEND_BUFFER_BYTES: usize = 96 * 1024;
/// The same while a connection is being closed.
const LAST_SEND_BUFFER_BYTES: usize = 208 * 1024;

/// Tells this process's connections from those of other gateways and of earlier starts.
static INSTANCE: LazyLock<u32> = LazyLock::new(rand::random);

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Every write so far was taken whole.
    Open,
    /// Present values are on their way; only the one who sends them may write.
    CatchingUp {
        /// Since when.
        since: Instant,
    },
    /// The last frame has been written.
    Closing,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The socket took all of it.
    All,
    /// The socket is full after so many bytes.
    Part(usize),
    /// The connection is no more.
    Gone,
}

/// Why present values did not get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stalled {
    /// The deadline passed after so many bytes.
    TooSlow(usize),
    /// The connection is no more.
    Gone,
}

/// One connection.
#[derive(Debug)]
pub struct Conn {
    socket: TcpStream,
    peer: SocketAddr,
    number: u64,
    phase: Cell<Phase>,
    heard: Cell<Instant>,
}

impl Conn {
    /// Takes a socket into the shard's event loop.
    ///
    /// # Errors
    /// When the socket cannot be registered.
    pub fn new(socket: std::net::TcpStream, peer: SocketAddr, number: u64) -> io::Result<Self> {
        let options = SockRef::from(&socket);
        options.set_tcp_nodelay(true)?;
        options.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        let socket = TcpStream::from_std(socket)?;
        let now = Instant::now();
        Ok(Self { socket, peer, number, phase: Cell::new(Phase::Open), heard: Cell::new(now) })
    }

    /// The name that clients and operators see.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{:08x}-{}", *INSTANCE, self.number)
    }

    /// Where it comes from.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Where it is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Moves on in its life. Nothing comes after closing.
    pub fn enter(&self, phase: Phase) {
        if self.phase.get() != Phase::Closing {
            self.phase.set(phase);
        }
    }

    /// When something last came from the client.
    #[must_use]
    pub fn heard(&self) -> Instant {
        self.heard.get()
    }

    /// Waits until the socket has been seen writable; before that every write looks blocked.
    pub async fn ready(&self) -> io::Result<()> {
        self.socket.writable().await
    }

    /// One non-blocking write of whole frames.
    pub fn write(&self, bytes: &[u8]) -> Written {
        written(self.socket.try_write(bytes), bytes.len())
    }

    /// The same with the frames where they lie.
    pub fn write_vectored(&self, pieces: &[IoSlice<'_>], total: usize) -> Written {
        written(self.socket.try_write_vectored(pieces), total)
    }

    /// Writes as fast as the client takes it, until the deadline.
    ///
    /// # Errors
    /// [`Stalled`] when the deadline passes or the connection ends.
    pub async fn write_all(&self, bytes: &[u8], deadline: Instant) -> Result<(), Stalled> {
        let mut done = 0;
        loop {
            match self.write(&bytes[done..]) {
                Written::All => return Ok(()),
                Written::Gone => return Err(Stalled::Gone),
                Written::Part(count) => done += count,
            }
            let writable = tokio::time::timeout_at(deadline.into(), self.socket.writable());
            match writable.await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Stalled::Gone),
                Err(_) => return Err(Stalled::TooSlow(done)),
            }
        }
    }

    /// Waits for bytes of the client and reads them; zero means the end.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Reads what is there; none if nothing is.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.socket.try_read(buffer) {
            Ok(count) => {
                self.heard.set(Instant::now());
                Ok(Some(count))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the last bytes, making room for them if the socket is full, and ends the write side.
    pub fn finish(&self, last: &[u8]) {
        self.enter(Phase::Closing);
        let options = SockRef::from(&self.socket);
        // Each of these may fail on a connection that is gone already: then there is nobody to tell.
        let _ = options.set_send_buffer_size(LAST_SEND_BUFFER_BYTES);
        let _ = options.send(last);
        let _ = options.shutdown(std::net::Shutdown::Write);
    }

    /// Ends the connection at once; what the client has not received is lost.
    pub fn reset(&self) {
        self.enter(Phase::Closing);
        let options = SockRef::from(&self.socket);
        // As above: failing means that it has ended already.
        let _ = options.set_linger(Some(Duration::ZERO));
        let _ = options.shutdown(std::net::Shutdown::Both);
    }
}

fn written(result: io::Result<usize>, total: usize) -> Written {
    match result {
        Ok(count) if count == total => Written::All,
        Ok(count) => Written::Part(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Written::Part(0),
        Err(_) => Written::Gone,
    }
}
