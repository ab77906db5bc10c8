//! The socket of one connection, as its shard uses it: every write is one non-blocking call.

use super::Tls;
use socket2::SockRef;
use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io::{self, ErrorKind},
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd},
    sync::LazyLock,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tokio::net::TcpStream;

/// Bytes that the kernel may hold unsent for a connection (it accounts twice this with its
/// overhead). Fixed, so that a slow client is noticed before minutes of prices are under way, and
/// below the system's usual maximum of 208 KiB, so that room for a last message can be made.
pub const SEND_BUFFER_BYTES: usize = 96 * 1024;
/// The same while a connection is being closed.
const LAST_SEND_BUFFER_BYTES: usize = 208 * 1024;
/// Bytes that may wait in the kernel without having been sent: past it the socket counts as full.
/// What the network does not take is better kept as "newest value of these topics" than as bytes.
const UNSENT_BYTES: u32 = 32 * 1024;
/// The same while a connection is being closed.
const LAST_UNSENT_BYTES: u32 = 1024 * 1024;

/// Tells this process's connections from those of other gateways and of earlier starts.
static INSTANCE: LazyLock<u32> = LazyLock::new(rand::random);

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

/// What a connection has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The client has sent something, or has gone.
    Read,
    /// The socket takes more of what the client is owed.
    Write,
    /// The last frame has been written.
    Closing,
}

/// What a connection waits for besides its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Waits {
    /// Room in the socket.
    room: bool,
    /// Nothing the client sends: it is to accept its answers first.
    paused: bool,
}

/// One connection.
#[derive(Debug)]
pub struct Conn {
    socket: TcpStream,
    /// Boxed: a plain connection pays a pointer.
    tls: Option<Box<RefCell<Tls>>>,
    peer: SocketAddr,
    number: u64,
    is_closing: Cell<bool>,
    waits: Cell<Waits>,
    /// Of the task that serves the connection.
    waker: RefCell<Option<Waker>>,
    heard: Cell<Instant>,
    /// Whether a pong is due: only others count as messages of the client.
    pinged: Cell<bool>,
}

impl Conn {
    /// Takes a socket into the shard's event loop. Bytes that stay unacknowledged for
    /// `patience` end the connection (RFC 5482).
    ///
    /// # Errors
    /// When the socket cannot be registered.
    pub fn new(
        socket: std::net::TcpStream,
        tls: Option<Box<Tls>>,
        peer: SocketAddr,
        number: u64,
        patience: Duration,
    ) -> io::Result<Self> {
        let options = SockRef::from(&socket);
        options.set_tcp_nodelay(true)?;
        options.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        options.set_tcp_notsent_lowat(UNSENT_BYTES)?;
        options.set_tcp_user_timeout(Some(patience))?;
        Ok(Self {
            socket: TcpStream::from_std(socket)?,
            tls: tls.map(|tls| Box::new(RefCell::new(*tls))),
            peer,
            number,
            is_closing: Cell::new(false),
            waits: Cell::default(),
            waker: RefCell::default(),
            heard: Cell::new(Instant::now()),
            pinged: Cell::new(false),
        })
    }

    /// Bytes that stay unacknowledged for so long end the connection, from now on.
    pub fn set_patience(&self, patience: Duration) {
        // It fails on a connection that is gone, which the next read tells.
        let _ = SockRef::from(&self.socket).set_tcp_user_timeout(Some(patience));
    }

    /// The name that clients and operators see.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{:08x}-{}", *INSTANCE, self.number)
    }

    /// Its number in this process, which no other connection has or had.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where it comes from.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether the last frame has been written.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.is_closing.get()
    }

    /// When something last came from the client.
    #[must_use]
    pub fn heard(&self) -> Instant {
        self.heard.get()
    }

    /// Notes that the client has been sent a ping frame.
    pub fn ping_sent(&self) {
        self.pinged.set(true);
    }

    /// Whether a pong was due; it is not any more.
    #[must_use]
    pub fn pong_was_due(&self) -> bool {
        self.pinged.take()
    }

    /// What the connection waits for from now on: room in the socket, and commands unless paused.
    pub fn wait_for(&self, room: bool, paused: bool) {
        let waits = Waits { room, paused };
        if self.waits.replace(waits) != waits {
            self.wake();
        }
    }

    /// Whether the socket did not take all that it was given, and has not told of new room since.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waits.get().room
    }

    /// Whether commands of the client have to wait.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.waits.get().paused
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Waits until there is something to do.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn turn(&self) -> io::Result<Turn> {
        poll_fn(|context| self.poll_turn(context)).await
    }

    fn poll_turn(&self, context: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        if self.is_closing.get() {
            return Poll::Ready(Ok(Turn::Closing));
        }
        let waits = self.waits.get();
        let is_flushed = self.poll_flush(context)?;
        if waits.room && is_flushed && self.socket.poll_write_ready(context)?.is_ready() {
            self.waits.set(Waits { room: false, ..waits });
            return Poll::Ready(Ok(Turn::Write));
        }
        if !waits.paused && (self.is_readable() || self.socket.poll_read_ready(context)?.is_ready())
        {
            return Poll::Ready(Ok(Turn::Read));
        }
        let mut waker = self.waker.borrow_mut();
        if waker.as_ref().is_none_or(|it| !it.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Writes what TLS keeps for a full socket; says whether nothing of it is left.
    fn poll_flush(&self, context: &mut Context<'_>) -> io::Result<bool> {
        let Some(tls) = &self.tls else { return Ok(true) };
        let mut tls = tls.borrow_mut();
        while tls.wants_room() {
            if self.socket.poll_write_ready(context)?.is_pending() {
                return Ok(false);
            }
            tls.flush(&self.socket)?;
        }
        Ok(true)
    }

    /// Whether TLS has something to read although the socket may be empty.
    fn is_readable(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.borrow().is_readable())
    }

    /// Whether what it is sent goes through [`Conn::write`] only.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// One non-blocking write.
    pub fn write(&self, bytes: &[u8]) -> Written {
        if let Some(tls) = &self.tls {
            let mut tls = tls.borrow_mut();
            let written = tls.write(&self.socket, bytes);
            if tls.wants_room() {
                self.wake();
            }
            return written;
        }
        self.sent(SockRef::from(&self.socket).send(bytes), bytes)
    }

    /// What became of a send(2) of `bytes` on this socket, made here or elsewhere.
    pub fn sent(&self, result: io::Result<usize>, bytes: &[u8]) -> Written {
        match result {
            Ok(count) if count == bytes.len() => Written::All,
            Ok(count) => Written::Part(count),
            // The event loop must see the socket full itself, or it would not tell of new room.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                match self.socket.try_write(bytes) {
                    Ok(count) if count == bytes.len() => Written::All,
                    Ok(count) => Written::Part(count),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => Written::Part(0),
                    Err(_) => Written::Gone,
                }
            }
            Err(_) => Written::Gone,
        }
    }

    /// Waits until the client has sent something or has gone.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn readable(&self) -> io::Result<()> {
        if self.is_readable() {
            return Ok(());
        }
        self.socket.readable().await
    }

    /// Reads what is there; none if nothing is, zero means the end.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let read = match &self.tls {
            Some(tls) => tls.borrow_mut().read(&self.socket, buffer)?,
            None => match self.socket.try_read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                read => Some(read?),
            },
        };
        if read.is_some() {
            self.heard.set(Instant::now());
        }
        Ok(read)
    }

    /// Writes the last bytes, making room for them if the socket is full, and ends the write side.
    pub fn finish(&self, last: &[u8]) {
        self.is_closing.set(true);
        let options = SockRef::from(&self.socket);
        // Each of these may fail on a connection that is gone already: then there is nobody to tell.
        let _ = options.set_send_buffer_size(LAST_SEND_BUFFER_BYTES);
        let _ = options.set_tcp_notsent_lowat(LAST_UNSENT_BYTES);
        match &self.tls {
            Some(tls) => tls.borrow_mut().finish(&self.socket, last),
            None => drop(options.send(last)),
        }
        let _ = options.shutdown(std::net::Shutdown::Write);
        self.wake();
    }

    /// Ends the connection at once; what the client has not received is lost.
    pub fn reset(&self) {
        self.is_closing.set(true);
        let options = SockRef::from(&self.socket);
        // As above: failing means that it has ended already.
        let _ = options.set_linger(Some(Duration::ZERO));
        let _ = options.shutdown(std::net::Shutdown::Both);
        self.wake();
    }
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
