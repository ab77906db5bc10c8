//! A client whose messages come back as they were: what is read, answered and closed here goes the
//! way of real clients, so that a test of the wire tests theirs. For test builds only.

use super::{
    Conn, closing,
    conn::{Turn, Written},
};
use crate::{
    http::tls::Taken,
    wire::{Assembler, Bounds, Encoding, Format, Incoming, deflate, encode},
};
use std::{
    convert::Infallible,
    io::{self, ErrorKind},
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};
use tickcast_shared::protocol::Close;
use tokio::task::LocalSet;

/// The largest messages of the Autobahn test suite; it sends them in any number of fragments.
const BOUNDS: Bounds = Bounds { bytes: 16 << 20, fragments: 0 };
/// Bytes read at once.
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// Longer than any test waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves a connection until it ends, on the calling thread.
///
/// # Errors
/// When the connection broke, or the thread could not get an event loop.
pub fn serve(
    Taken { socket, tls, leftover }: Taken,
    peer: SocketAddr,
    deflate: bool,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let conn = Rc::new(Conn::new(socket, tls, peer, 0, PATIENCE)?);
        // The encoding that takes text and binary messages.
        let assembler = Assembler::new(Encoding { format: Format::MsgPack, deflate });
        let mut echo = Echo { conn, assembler, deflate, buffer: vec![0; READ_BUFFER_BYTES] };
        let Err(ended) = echo.run(&leftover).await;
        echo.last_words_read().await;
        if echo.conn.is_closing() { Ok(()) } else { Err(ended) }
    })
}

struct Echo {
    conn: Rc<Conn>,
    assembler: Assembler,
    deflate: bool,
    buffer: Vec<u8>,
}

impl Echo {
    async fn run(&mut self, leftover: &[u8]) -> io::Result<Infallible> {
        self.take(leftover).await?;
        loop {
            if self.conn.turn().await? == Turn::Closing {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            match self.conn.read(&mut buffer)? {
                Some(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Some(count) => self.take(&buffer[..count]).await?,
                None => {}
            }
            self.buffer = buffer;
        }
    }

    async fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut incoming = Vec::new();
        let pushed = self.assembler.push(bytes, BOUNDS, self.conn.heard(), &mut incoming);
        for message in incoming {
            match message.inflated(BOUNDS) {
                Ok(message) => self.answer(message).await?,
                Err(close) => {
                    self.refuse(close);
                    return Ok(());
                }
            }
        }
        if let Err(close) = pushed {
            self.refuse(close);
        }
        Ok(())
    }

    async fn answer(&self, message: Incoming) -> io::Result<()> {
        match message {
            Incoming::Text(text) => self.send(&self.frame(Format::Json, text.as_bytes())).await?,
            Incoming::Binary(bytes) => self.send(&self.frame(Format::MsgPack, &bytes)).await?,
            Incoming::Ping(payload) => self.send(&encode::pong(&payload)).await?,
            // Every compressed message has been inflated.
            Incoming::Pong | Incoming::Deflated(_) => {}
            Incoming::Close(code) => closing::answer(&self.conn, &[], code),
        }
        Ok(())
    }

    /// What real clients are told before it would be one message too many here.
    fn refuse(&self, close: Close) {
        closing::answer(&self.conn, &[], Some(close.code()));
    }

    fn frame(&self, format: Format, payload: &[u8]) -> Vec<u8> {
        let shorter = if self.deflate { deflate::shrink(payload) } else { None };
        match (shorter, format) {
            (Some(shorter), _) => encode::deflated(format, &shorter),
            (None, Format::MsgPack) => encode::binary(payload),
            (None, _) => encode::text(payload),
        }
    }

    /// Writes all of a frame; nothing is read meanwhile.
    async fn send(&self, frame: &[u8]) -> io::Result<()> {
        let mut rest = frame;
        while !rest.is_empty() {
            match self.conn.write(rest) {
                Written::All => break,
                Written::Part(count) => rest = &rest[count..],
                Written::Gone => return Err(ErrorKind::ConnectionReset.into()),
            }
            self.conn.wait_for(true, true);
            self.conn.turn().await?;
        }
        self.conn.wait_for(false, false);
        Ok(())
    }

    /// As for real clients: see [`super::session`].
    async fn last_words_read(&mut self) {
        let mut buffer = [0; 4096];
        while self.conn.is_closing() && self.conn.readable().await.is_ok() {
            if matches!(self.conn.read(&mut buffer), Ok(Some(0)) | Err(_)) {
                return;
            }
        }
    }
}
