//! The life of one connection on its shard.

use super::{
    Conn, Dialled, authorize, commands,
    conn::Turn,
    pace::{Allowance, Verdict},
};
use crate::{
    auth::Access,
    config::Limits,
    door::Seat,
    hub::{drain, members::MemberId, shard::Shard, sweep, unfinished::Unfinished},
    wire::{Assembler, Incoming, encode, msgpack},
};
use serde::Serialize;
use std::{
    cell::RefCell,
    convert::Infallible,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tickcast_shared::protocol::{Close, ServerMessage, Subscribe};
use tracing::debug;

/// What this server offers beyond the protocol's core.
const FEATURES: [&str; 7] =
    ["patterns", "interval_ms", "min_change_bps", "since", "msgpack", "klines", "sse"];

/// How long a client that was sent away for asking too often is to stay away, at least.
const RATE_LIMITED_MS: u64 = 5000;

/// The connection is over; nothing more can be said to the client.
#[derive(Debug)]
pub struct Ended;

/// A connection and its place on the shard.
#[derive(Debug)]
pub struct Session {
    /// The shard it lives on.
    pub shard: Rc<RefCell<Shard>>,
    /// Its socket.
    pub conn: Rc<Conn>,
    /// Its number on the shard.
    pub member: MemberId,
    /// Whether whatever the client says is too much.
    only_listens: bool,
    /// Its place on the node, given back with it.
    _seat: Arc<Seat>,
}

/// Leaves the shard however the session ends, a panic included.
impl Drop for Session {
    fn drop(&mut self) {
        if let Ok(mut shard) = self.shard.try_borrow_mut() {
            if std::thread::panicking() {
                // A fault of ours that concerns this client only; the others do not notice.
                shard.close(self.member, Close::Internal, Some(drain::reconnect_after_ms()));
            }
            shard.forget(self.member);
        }
    }
}

/// Connections served by this process so far, all shards together.
static SERVED: AtomicU64 = AtomicU64::new(0);

/// Takes a connection onto its shard; what it returns serves it until it ends.
pub fn serve(dialled: Dialled, shard: Rc<RefCell<Shard>>) -> Option<impl Future<Output = ()>> {
    let Dialled { socket, tls, peer, seat, topics, asked, encoding, access, .. } = dialled;
    let (greeting, leftover) = (dialled.greeting, dialled.leftover);
    let number = SERVED.fetch_add(1, Ordering::Relaxed);
    let patience = kernel_patience(&shard.borrow().config.limits);
    let conn = match Conn::new(socket, tls, peer, number, patience) {
        Ok(conn) => Rc::new(conn),
        Err(error) => {
            debug!(%peer, %error, "connection was gone before it was served");
            return None;
        }
    };
    let member = shard.borrow_mut().enter(conn.clone(), encoding);
    // It was let in a moment ago, perhaps under other settings.
    let access = access.under(shard.borrow().auth.as_deref());
    shard.borrow_mut().admit(member, access.clone().unwrap_or(Access::Awaited));
    if !greeting.is_empty() {
        shard.borrow_mut().answer(member, greeting);
    }
    let only_listens = encoding.only_listens();
    let session = Session { shard, conn, member, only_listens, _seat: seat };
    session.welcome();
    if let Err(close) = access {
        session.shard.borrow_mut().close(member, close, None);
    }
    let first = topics.map(|topics| Subscribe { topics, asked, since: Default::default() });
    let assembler = Assembler::new(encoding);
    // Rare: most clients wait for the welcome. What they send is not looked at before they have a
    // task of their own, so that a fault met there costs no other client.
    let early = (first.is_some() || !leftover.is_empty()).then(|| Box::new((first, leftover)));
    Some(async move {
        // Ended is the only way out: the connection is gone, or a close has been written.
        let Err(Ended) = session.run(assembler, early).await;
        session.last_words_read().await;
    })
}

/// How long the kernel waits for an acknowledgement: a client that only reads too slowly must be told
/// so before the kernel gives it up.
#[must_use]
pub fn kernel_patience(limits: &Limits) -> Duration {
    (limits.heartbeat() * sweep::MISSES).max(limits.slow_client_timeout() * 2)
}

/// A subscription of the URL, and what came behind the handshake.
type Early = Option<Box<(Option<Subscribe>, Vec<u8>)>>;

/// What a read has brought: messages to answer, and how the client broke the protocol after them.
type Taken = (Vec<Incoming>, Result<(), Close>);

impl Session {
    async fn run(&self, mut assembler: Assembler, early: Early) -> Result<Infallible, Ended> {
        if let Some(early) = early {
            let (first, leftover) = *early;
            let taken = self.assemble_early(&mut assembler, leftover);
            Box::pin(self.begin(first, taken)).await?;
        }
        loop {
            match self.conn.turn().await.map_err(|_| Ended)? {
                Turn::Closing => return Err(Ended),
                Turn::Write => self.shard.borrow_mut().flush(self.member),
                Turn::Read => {
                    let taken = self.read(&mut assembler)?;
                    if taken != (Vec::new(), Ok(())) {
                        Box::pin(self.handle_all(taken)).await?;
                    }
                }
            }
        }
    }

    async fn begin(&self, first: Option<Subscribe>, early: Taken) -> Result<(), Ended> {
        if let Some(first) = first.filter(|_| authorize::is_let_in(self, None)) {
            self.pass_over().await;
            commands::subscribe(self, None, &first);
        }
        self.handle_all(early).await
    }

    /// After our own close: throws away what the client still sends until it ends its side or is
    /// reset. Closing with unread bytes would destroy what the client has not read yet.
    async fn last_words_read(&self) {
        while self.conn.is_closing() && self.conn.readable().await.is_ok() {
            let mut shard = self.shard.borrow_mut();
            if matches!(self.conn.read(&mut shard.read_buffer), Ok(Some(0)) | Err(_)) {
                return;
            }
        }
    }

    fn welcome(&self) {
        let mut shard = self.shard.borrow_mut();
        let access = shard.access(self.member);
        let limits = access.limits(&shard.config);
        let (name, now) = (self.conn.name(), shard.clock.now());
        let mut features = FEATURES.to_vec();
        features.extend(shard.auth.as_ref().map(|_| "auth"));
        let message = ServerMessage::welcome(&name, now, limits.heartbeat_ms, limits, &features);
        let frame = encode::message(&message, shard.fan.table(self.member).encoding());
        shard.answer(self.member, frame);
        if shard.is_draining {
            drain::close(&mut shard, self.member);
        }
    }

    /// Reads what the socket holds, into the shard's one buffer.
    fn read(&self, assembler: &mut Assembler) -> Result<Taken, Ended> {
        let shard = &mut *self.shard.borrow_mut();
        let count = match self.conn.read(&mut shard.read_buffer) {
            Ok(Some(0)) | Err(_) => return Err(Ended),
            Ok(Some(count)) => count,
            Ok(None) => 0,
        };
        let bytes = &shard.read_buffer[..count];
        Ok(self.assemble(assembler, bytes, &shard.config.limits, &mut shard.unfinished))
    }

    /// Takes what came behind the handshake, and gives its memory back.
    fn assemble_early(&self, assembler: &mut Assembler, leftover: Vec<u8>) -> Taken {
        let shard = &mut *self.shard.borrow_mut();
        self.assemble(assembler, &leftover, &shard.config.limits, &mut shard.unfinished)
    }

    fn assemble(
        &self,
        assembler: &mut Assembler,
        bytes: &[u8],
        limits: &Limits,
        unfinished: &mut Unfinished,
    ) -> Taken {
        let mut incoming = Vec::new();
        if self.only_listens {
            return (incoming, if bytes.is_empty() { Ok(()) } else { Err(Close::Policy) });
        }
        let bounds = limits.message_bounds();
        let pushed = assembler.push(bytes, bounds, self.conn.heard(), &mut incoming);
        #[cfg(feature = "testing")]
        assert!(!incoming.contains(&Incoming::Ping(b"panic".into())), "a client asked for it");
        unfinished.note(self.member, assembler.since());
        (incoming, pushed)
    }

    async fn handle_all(&self, (incoming, pushed): Taken) -> Result<(), Ended> {
        for message in incoming {
            self.answers_accepted().await?;
            if self.is_in_time(&message)? {
                self.handle(self.inflated(message)?).await;
            }
        }
        pushed.map_err(|close| self.refused(close))
    }

    /// A compressed message as what it says: not before it is to be served, as it may then take far
    /// more memory than what was read.
    fn inflated(&self, message: Incoming) -> Result<Incoming, Ended> {
        if self.conn.is_closing() {
            return Ok(message);
        }
        let bounds = self.shard.borrow().config.limits.message_bounds();
        message.inflated(bounds).map_err(|close| self.refused(close))
    }

    /// Closes for a mistake of the client.
    fn refused(&self, close: Close) -> Ended {
        let mut shard = self.shard.borrow_mut();
        match close {
            Close::TooBig => shard.metrics.limited("message_bytes"),
            Close::Policy if self.only_listens => shard.metrics.limited("speaking"),
            Close::Policy => shard.metrics.limited("fragments"),
            _ => {}
        }
        shard.close(self.member, close, None);
        Ended
    }

    /// Waits until the client has accepted enough of its answers to be given another.
    async fn answers_accepted(&self) -> Result<(), Ended> {
        while self.conn.is_paused() {
            match self.conn.turn().await.map_err(|_| Ended)? {
                Turn::Closing => return Err(Ended),
                Turn::Write | Turn::Read => self.shard.borrow_mut().flush(self.member),
            }
        }
        Ok(())
    }

    /// Whether the client may ask for this now. If it may not, it is told, and has to go if it does
    /// not listen.
    fn is_in_time(&self, message: &Incoming) -> Result<bool, Ended> {
        let is_free = match message {
            Incoming::Close(_) => true,
            Incoming::Pong => self.conn.pong_was_due(),
            _ => false,
        };
        if is_free || self.conn.is_closing() {
            return Ok(true);
        }
        let mut shard = self.shard.borrow_mut();
        let access = shard.access(self.member);
        let limits = access.limits(&shard.config);
        let allowance =
            Allowance { per_second: limits.commands_per_second, burst: limits.command_burst };
        let verdict = shard.paces.count(self.conn.number(), allowance);
        if verdict != Verdict::Served {
            shard.metrics.limited("commands");
        }
        match verdict {
            Verdict::Served => Ok(true),
            Verdict::TooFast(wait) => {
                drop(shard);
                commands::slow_down(self, wait);
                Ok(false)
            }
            Verdict::Enough => {
                let wait = drain::reconnect_after_ms() + RATE_LIMITED_MS;
                shard.close(self.member, Close::RateLimited, Some(wait));
                Err(Ended)
            }
        }
    }

    async fn handle(&self, message: Incoming) {
        match message {
            Incoming::Close(code) => self.shard.borrow_mut().answer_close(self.member, code),
            // After our own close only the client's is awaited.
            _ if self.conn.is_closing() => {}
            Incoming::Text(text) if text == "ping" => self.send(encode::text(b"pong")),
            Incoming::Text(text) => commands::handle(self, &text).await,
            Incoming::Binary(packed) => match msgpack::to_json(&packed) {
                Ok(json) => commands::handle(self, &json).await,
                Err(error) => commands::refuse_unreadable(self, &error),
            },
            Incoming::Ping(payload) => self.send(encode::pong(&payload)),
            // Every compressed message has been inflated.
            Incoming::Pong | Incoming::Deflated(_) => {}
        }
    }

    /// Waits until membership may change.
    pub async fn pass_over(&self) {
        pass_over(&self.shard).await;
    }

    /// Answers with a message in the connection's format.
    pub fn tell(&self, message: &impl Serialize) {
        let encoding = self.shard.borrow().fan.table(self.member).encoding();
        self.send(encode::message(message, encoding));
    }

    fn send(&self, frame: Vec<u8>) {
        self.shard.borrow_mut().answer(self.member, frame);
    }
}

/// Waits until membership of a shard may change.
pub async fn pass_over(shard: &RefCell<Shard>) {
    let over = shard.borrow().pass_over.clone();
    loop {
        let told = over.notified();
        if !shard.borrow().fan.is_passing() {
            return;
        }
        told.await;
    }
}
