//! The life of one connection on its shard.

use super::{Conn, Dialled, closing, commands, conn::Phase, conn::Written};
use crate::{
    hub::{drain, members::MemberId, shard::Shard},
    wire::{Assembler, Incoming, encode},
};
use std::{
    cell::RefCell,
    convert::Infallible,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
};
use tickcast_shared::protocol::{Close, ServerMessage};
use tracing::debug;

/// What this server offers beyond the protocol's core.
const FEATURES: [&str; 1] = ["patterns"];

/// The connection is over; nothing more can be said to the client.
#[derive(Debug)]
pub struct Ended;

/// A connection, its place on the shard and its reader's state.
#[derive(Debug)]
pub struct Session {
    /// The shard it lives on.
    pub shard: Rc<RefCell<Shard>>,
    /// Its socket.
    pub conn: Rc<Conn>,
    /// Its number on the shard.
    pub member: MemberId,
}

/// Leaves the shard however the session ends, a panic included.
impl Drop for Session {
    fn drop(&mut self) {
        if let Ok(mut shard) = self.shard.try_borrow_mut() {
            shard.forget(self.member);
        }
    }
}

/// Connections served by this process so far, all shards together.
static SERVED: AtomicU64 = AtomicU64::new(0);

/// Serves a connection until it ends.
pub async fn serve(dialled: Dialled, shard: Rc<RefCell<Shard>>) {
    let Dialled { socket, leftover, peer, topics } = dialled;
    let number = SERVED.fetch_add(1, Ordering::Relaxed);
    let conn = match Conn::new(socket, peer, number) {
        Ok(conn) => Rc::new(conn),
        Err(error) => {
            debug!(%peer, %error, "connection was gone before it was served");
            return;
        }
    };
    if conn.ready().await.is_err() {
        return;
    }
    let member = shard.borrow_mut().enter(conn.clone());
    let session = Session { shard, conn, member };
    // Ended is the only way out: the connection is gone, or a close has been written.
    let Err(Ended) = session.run(leftover, topics).await;
    session.last_words_read().await;
}

impl Session {
    async fn run(
        &self,
        leftover: Vec<u8>,
        topics: Option<Vec<String>>,
    ) -> Result<Infallible, Ended> {
        self.welcome()?;
        if self.shard.borrow().draining {
            self.leave_for_restart();
            return Err(Ended);
        }
        if let Some(topics) = topics {
            Box::pin(self.subscribe(None, &topics)).await?;
        }
        let mut assembler = Assembler::default();
        let early = self.assemble(&mut assembler, &leftover)?;
        drop(leftover);
        self.handle(early).await?;
        loop {
            self.conn.readable().await.map_err(|_| Ended)?;
            let incoming = self.read(&mut assembler)?;
            self.handle(incoming).await?;
        }
    }

    /// After our own close: throws away what the client still sends until it ends its side or is
    /// reset. Closing with unread bytes would destroy what the client has not read yet.
    async fn last_words_read(&self) {
        while self.conn.phase() == Phase::Closing && self.conn.readable().await.is_ok() {
            let mut shard = self.shard.borrow_mut();
            if matches!(self.conn.read(&mut shard.read_buffer), Ok(Some(0)) | Err(_)) {
                return;
            }
        }
    }

    fn welcome(&self) -> Result<(), Ended> {
        let frame = {
            let shard = self.shard.borrow();
            let limits = &shard.config.limits;
            encode::json(&ServerMessage::welcome(
                &self.conn.name(),
                shard.clock.now(),
                limits.heartbeat_ms,
                limits,
                &FEATURES,
            ))
        };
        self.send(&frame)
    }

    /// Reads what the socket holds, into the shard's one buffer.
    fn read(&self, assembler: &mut Assembler) -> Result<Vec<Incoming>, Ended> {
        let mut shard = self.shard.borrow_mut();
        let max = shard.config.limits.max_message_bytes;
        let count = match self.conn.read(&mut shard.read_buffer) {
            Ok(Some(0)) | Err(_) => return Err(Ended),
            Ok(Some(count)) => count,
            Ok(None) => return Ok(Vec::new()),
        };
        let pushed = assembler.push(&shard.read_buffer[..count], max);
        drop(shard);
        self.or_close(pushed)
    }

    fn assemble(&self, assembler: &mut Assembler, bytes: &[u8]) -> Result<Vec<Incoming>, Ended> {
        let max = self.shard.borrow().config.limits.max_message_bytes;
        self.or_close(assembler.push(bytes, max))
    }

    fn or_close<T>(&self, result: Result<T, Close>) -> Result<T, Ended> {
        result.map_err(|close| {
            self.close(close, &[]);
            Ended
        })
    }

    async fn handle(&self, incoming: Vec<Incoming>) -> Result<(), Ended> {
        for message in incoming {
            match message {
                Incoming::Close(code) => {
                    self.shard.borrow_mut().detach(self.member);
                    closing::answer(&self.conn, code);
                }
                // After our own close only the client's is awaited.
                _ if self.conn.phase() == Phase::Closing => {}
                Incoming::Text(text) if text == "ping" => self.send(&encode::text(b"pong"))?,
                Incoming::Text(text) => commands::handle(self, &text).await?,
                Incoming::Ping(payload) => self.send(&encode::pong(&payload))?,
                Incoming::Pong => {}
            }
        }
        Ok(())
    }

    /// Writes one answer; a client that does not take it is slow.
    ///
    /// # Errors
    /// [`Ended`] when the connection is over.
    pub fn send(&self, frame: &[u8]) -> Result<(), Ended> {
        match self.conn.write(frame) {
            Written::All => Ok(()),
            Written::Gone => Err(Ended),
            Written::Part(count) => {
                let rest = if count == 0 { &[] } else { &frame[count..] };
                self.close(Close::SlowConsumer, rest);
                Ok(())
            }
        }
    }

    /// Tells the client that the server restarts, and when to come back.
    pub fn leave_for_restart(&self) {
        drain::close(&self.shard, self.member);
    }

    /// Leaves the fan-out and tells the client why.
    pub fn close(&self, close: Close, rest: &[u8]) {
        let mut shard = self.shard.borrow_mut();
        shard.detach(self.member);
        shard.metrics.closed(close);
        drop(shard);
        closing::tell(&self.conn, rest, close, None);
    }
}
