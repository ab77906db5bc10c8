//! The TLS of one connection after its handshake: rustls between the shard's buffers and the socket.

use super::conn::Written;
use rustls::ServerConnection;
use socket2::SockRef;
use std::io::{self, ErrorKind, Read, Write};
use tokio::net::TcpStream;

/// Bytes encrypted at once: what one TLS record carries (RFC 8446 section 5.1). It is also the most
/// that is kept encrypted for a full socket.
const RECORD_BYTES: usize = 16 * 1024;

/// What rustls knows of a connection. It never waits: what the socket does not take or have is told.
#[derive(Debug)]
pub struct Tls {
    session: ServerConnection,
    /// Bytes of the client that are decrypted and not yet read.
    held: usize,
    /// The client has said that nothing more will come.
    has_ended: bool,
}

impl Tls {
    /// Goes on with a session whose handshake is over; what it has decrypted already is read first.
    ///
    /// # Errors
    /// When the client has broken the protocol.
    pub fn new(mut session: ServerConnection) -> Result<Self, rustls::Error> {
        let state = session.process_new_packets()?;
        let (held, has_ended) = (state.plaintext_bytes_to_read(), state.peer_has_closed());
        Ok(Self { session, held, has_ended })
    }

    /// Whether reading gives something although the socket may be empty.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.held > 0 || self.has_ended
    }

    /// Whether encrypted bytes wait for room in the socket.
    #[must_use]
    pub fn wants_room(&self) -> bool {
        self.session.wants_write()
    }

    /// Reads what is there; none if nothing is, zero means the end.
    ///
    /// # Errors
    /// When the connection broke or the client has broken the protocol.
    pub fn read(&mut self, socket: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if !self.is_readable() {
            // Once a call: a client that sends empty records does not hold up the others.
            match self.session.read_tls(&mut Wire(socket)) {
                Ok(0) => return Ok(Some(0)),
                Ok(_) => self.decrypt(socket)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        match self.session.reader().read(buffer) {
            Ok(count) => {
                self.held = self.held.saturating_sub(count);
                Ok(Some(count))
            }
            // A record is not complete, or carried nothing.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn decrypt(&mut self, socket: &TcpStream) -> io::Result<()> {
        let state = self.session.process_new_packets();
        // Answers to changes of keys, and the alert that says what the client did wrong.
        self.flush(socket)?;
        let state = state.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        self.held = state.plaintext_bytes_to_read();
        self.has_ended = state.peer_has_closed();
        Ok(())
    }

    /// Encrypts and writes as long as the socket takes it. A record that it took in part counts as
    /// written: its rest is kept, and nothing else is taken before that is gone.
    pub fn write(&mut self, socket: &TcpStream, bytes: &[u8]) -> Written {
        let mut rest = bytes;
        loop {
            match self.flush(socket) {
                _ if rest.is_empty() => return Written::All,
                Ok(true) => {}
                Ok(false) => return Written::Part(bytes.len() - rest.len()),
                Err(_) => return Written::Gone,
            }
            let record = &rest[..rest.len().min(RECORD_BYTES)];
            match self.session.writer().write(record) {
                // Zero: the session may encrypt nothing more.
                Ok(0) | Err(_) => return Written::Gone,
                Ok(count) => rest = &rest[count..],
            }
        }
    }

    /// Writes what is encrypted; says whether the socket took all of it.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn flush(&mut self, socket: &TcpStream) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Wire(socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Writes the last bytes and the end of the session, as far as the socket takes them.
    pub fn finish(&mut self, socket: &TcpStream, last: &[u8]) {
        self.session.set_buffer_limit(None);
        // Both fail on a connection that is gone already: then there is nobody to tell.
        let _ = self.session.writer().write_all(last);
        self.session.send_close_notify();
        let _ = self.flush(socket);
    }
}

/// The socket as rustls uses it.
struct Wire<'a>(&'a TcpStream);

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match SockRef::from(self.0).send(bytes) {
            // The event loop must see the socket full itself, or it would not tell of new room.
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.0.try_write(bytes),
            sent => sent,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
