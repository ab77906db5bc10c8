//! One shard: the fan-out's state and the sockets that it is carried out on.

use super::{
    Change, Report, SlowClient, Table,
    backlog::Cause,
    fan::Fan,
    mailbox::{Mailbox, Taken},
    members::MemberId,
    pass::Batch,
    sender::Sender,
    tally::Tally,
    unfinished::Unfinished,
};
use crate::{
    auth::{Access, Accesses, Auth},
    bars::BarStore,
    client::{Conn, closing, conn::Written, pace::Paces},
    config::GatewayConfig,
    metrics::Metrics,
    wire::Encoding,
};
use slab::Slab;
use std::{
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    clock::{Clock, Micros},
    protocol::Close,
};
use tokio::sync::Notify;

/// Bytes read from a socket at once. One buffer serves all connections of a shard, and a client's
/// commands in it are the most that can wait for answers to be accepted: some 1300 empty frames,
/// which take seven times as much memory once they are read.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// Pieces of a backlog that are written before other connections get their turn.
const PIECES_AT_ONCE: usize = 8;

/// All that one event loop owns.
#[derive(Debug)]
pub struct Shard {
    /// Its number, for those who follow updates through it.
    pub number: usize,
    /// The configuration in force.
    pub config: Arc<GatewayConfig>,
    /// The time for clients.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
    /// Who is let in; none if everyone is.
    pub auth: Option<Arc<Auth>>,
    accesses: Accesses,
    /// Who is sent what.
    pub fan: Fan,
    /// Sockets, by the number of their member.
    conns: Slab<Rc<Conn>>,
    /// Whose message is not complete yet.
    pub unfinished: Unfinished,
    mailbox: Arc<Mailbox>,
    batch: Batch,
    /// When the oldest update of the pass under way came.
    pass_since: Option<Instant>,
    /// What of the shard is shown now.
    tally: Tally,
    sender: Sender,
    /// How often each client has asked lately.
    pub paces: Paces,
    /// Where sockets are read into.
    pub read_buffer: Vec<u8>,
    /// Told whenever a pass is over.
    pub pass_over: Rc<Notify>,
    /// Shutdown has begun: whoever comes is told to go.
    pub is_draining: bool,
    /// Told when other settings are in force.
    pub configured: Rc<Notify>,
}

impl Shard {
    /// A shard without connections or topics.
    #[must_use]
    pub fn new(
        config: Arc<GatewayConfig>,
        bars: BarStore,
        clock: Clock,
        metrics: Metrics,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        Self {
            number: 0,
            fan: Fan::new(config.limits.max_topics, bars),
            auth: None,
            accesses: Accesses::default(),
            clock,
            metrics,
            conns: Slab::new(),
            unfinished: Unfinished::default(),
            mailbox,
            batch: Batch::default(),
            pass_since: None,
            tally: Tally::default(),
            sender: Sender::new(config.io_uring),
            paces: Paces::default(),
            read_buffer: vec![0; READ_BUFFER_BYTES],
            pass_over: Rc::default(),
            is_draining: false,
            configured: Rc::default(),
            config,
        }
    }

    /// Works by other settings from now on.
    pub fn configure(&mut self, config: Arc<GatewayConfig>, auth: Option<Arc<Auth>>) {
        // Who has more topics than are granted now keeps them; only new subscriptions get less.
        self.fan.raise_max_topics(config.limits.max_topics);
        (self.config, self.auth) = (config, auth);
        self.configured.notify_one();
    }

    /// Adds a connection without a subscription.
    pub fn enter(&mut self, conn: Rc<Conn>, encoding: Encoding) -> MemberId {
        self.metrics.connections.increment(1.0);
        self.metrics.upgrades.increment(1);
        let id = self.fan.enter(encoding);
        let at = self.conns.insert(conn);
        debug_assert_eq!(at, id.index(), "both tables see the same joins and leaves");
        id
    }

    /// Forgets a connection.
    pub fn forget(&mut self, id: MemberId) {
        if self.fan.forget(id) {
            self.conns.remove(id.index());
            self.accesses.forget(id);
            self.unfinished.note(id, None);
            self.metrics.connections.decrement(1.0);
        }
    }

    /// What a member may do.
    #[must_use]
    pub fn access(&self, id: MemberId) -> Access {
        self.accesses.get(id)
    }

    /// Lets a member do what it has shown to be its right, for as long as that lasts.
    pub fn admit(&mut self, id: MemberId, access: Access) {
        let patience = Duration::from_millis(self.config.limits.handshake_timeout_ms);
        let until = access.lasts(patience).map(|left| self.clock.now().plus(left));
        self.accesses.set(id, access, until);
    }

    /// Closes the connections whose token is over, or has not come in time.
    pub fn close_overdue(&mut self) {
        for (id, close) in self.accesses.overdue(self.clock.now()) {
            self.close(id, close, None);
        }
    }

    /// A member's socket.
    #[must_use]
    pub fn conn(&self, id: MemberId) -> Option<&Rc<Conn>> {
        self.conns.get(id.index())
    }

    /// All members.
    #[must_use]
    pub fn members(&self) -> Vec<MemberId> {
        // Numbers of members, which are u32.
        self.conns.iter().map(|(at, _)| MemberId(u32::try_from(at).unwrap_or(u32::MAX))).collect()
    }

    /// Whether no connection is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.conns.is_empty()
    }

    /// How long until held-back values are due; none when none are held back.
    #[must_use]
    pub fn next_due_in(&self) -> Option<Duration> {
        self.fan.next_due().map(|due| due.since(self.clock.now()))
    }

    /// Begins a pass over whatever has come or is due; says whether there is anything to write.
    pub fn begin_pass(&mut self) -> bool {
        let (Taken { updates, since }, now) = (self.mailbox.take(), self.clock.now());
        if updates.is_empty() && self.fan.next_due().is_none_or(|due| due > now) {
            return false;
        }
        self.metrics.passes.increment(1);
        self.pass_since = since;
        self.fan.begin(&updates, now);
        true
    }

    /// Whether updates wait for the next pass.
    #[must_use]
    pub fn has_news(&self) -> bool {
        !self.mailbox.is_empty()
    }

    /// Makes a whole pass at once if updates wait, so that what the bus has announced is known here.
    /// Not while a pass runs.
    pub fn pass_now(&mut self) {
        if self.has_news() && self.begin_pass() {
            while self.go_on() {}
            self.end_pass();
        }
    }

    /// Makes some of the pass's writes; says whether the pass goes on.
    pub fn go_on(&mut self) -> bool {
        let now = self.clock.now();
        let goes_on = self.fan.next_writes(self.sender.at_once(), &mut self.batch, now);
        let Self { fan, conns, batch, sender, .. } = self;
        sender.send(batch, conns, |id, written| {
            // A connection that is gone is noticed by its reader as well, which tidies up.
            if let Written::Part(count) = written {
                fan.cut(id, count, now);
                if let Some(conn) = conns.get(id.index()) {
                    conn.wait_for(true, false);
                }
            }
        });
        self.fan.note_written(|| self.clock.now());
        goes_on
    }

    /// Ends the pass: membership may change again, and who waited for that goes on.
    pub fn end_pass(&mut self) {
        // One look at the clock a pass, however many writes it had.
        if let Some(since) = self.pass_since.take() {
            self.metrics.hub_delay.record(since.elapsed());
        }
        for followed in self.fan.take_followed() {
            followed.report(self.number);
        }
        for id in self.fan.end() {
            self.flush(id);
        }
        self.metrics.count(std::mem::take(&mut self.fan.counts));
        self.pass_over.notify_waiters();
    }

    /// Answers a member, unless it has been told to go.
    pub fn answer(&mut self, id: MemberId, frame: Vec<u8>) {
        if self.conn(id).is_some_and(|conn| !conn.is_closing()) {
            self.fan.answer(id, frame, self.clock.now());
            self.flush(id);
        }
    }

    /// Gives a member another table, unless it has been told to go. Not while a pass runs.
    pub fn change(&mut self, id: MemberId, table: Table, change: Change) {
        if self.conn(id).is_some_and(|conn| !conn.is_closing()) {
            self.fan.change(id, table, change, self.clock.now());
            self.flush(id);
        }
    }

    /// Writes what a member is owed for as long as its socket takes it. From a full socket nothing
    /// is prepared: what is written once there is room is newer, and later answers go first.
    pub fn flush(&mut self, id: MemberId) {
        let Some(conn) = self.conns.get(id.index()).filter(|conn| !conn.is_closing()) else {
            return;
        };
        let wants_room = conn.is_full() || write_out(&mut self.fan, id, conn, self.clock.now());
        let paused = self.fan.backlog(id).is_some_and(|it| it.holds_up_commands());
        conn.wait_for(wants_room, paused);
    }

    /// Takes a member out of the fan-out and tells the client why.
    pub fn close(&mut self, id: MemberId, close: Close, reconnect_after_ms: Option<u64>) {
        let Some(conn) = self.conns.get(id.index()).filter(|conn| !conn.is_closing()) else {
            return;
        };
        self.metrics.closed(close);
        let encoding = self.fan.table(id).encoding();
        let rest = self.fan.backlog(id).map_or(&[][..], |it| it.rest_of_frame(encoding));
        closing::tell(conn, encoding, rest, close, reconnect_after_ms);
        self.fan.detach(id);
    }

    /// Takes a member out of the fan-out and answers the client's own close.
    pub fn answer_close(&mut self, id: MemberId, code: Option<u16>) {
        let Some(conn) = self.conns.get(id.index()) else { return };
        let encoding = self.fan.table(id).encoding();
        let rest = self.fan.backlog(id).map_or(&[][..], |it| it.rest_of_frame(encoding));
        closing::answer(conn, rest, code);
        self.fan.detach(id);
    }

    /// Members whose socket has not accepted what it was given since before `deadline`.
    #[must_use]
    pub fn stalled_since(&self, deadline: Micros) -> Vec<MemberId> {
        // Who waits for the bus is not slow.
        let stalled = self
            .fan
            .behind()
            .filter(|(_, backlog)| !backlog.is_idle() && backlog.since() <= deadline);
        stalled.map(|(id, _)| id).collect()
    }

    /// Shows how many connections are behind, and how many cohorts there are. It takes as long as
    /// there are connections behind.
    pub fn show(&mut self) {
        let mut now = Tally { cohorts: self.fan.cohorts.len(), ..Tally::default() };
        for (id, backlog) in self.fan.behind() {
            now.lagging += usize::from(matches!(backlog.cause(), Cause::Lagging(_)));
            now.blocked += usize::from(self.conn(id).is_some_and(|conn| conn.is_full()));
        }
        self.tally.becomes(now, &self.metrics);
    }

    /// How the connections are.
    #[must_use]
    pub fn report(&self) -> Report {
        let now = self.clock.now();
        let closing = self.conns.iter().filter(|(_, conn)| conn.is_closing()).count();
        let mut report = Report { cohorts: self.fan.cohorts.len(), closing, ..Report::default() };
        for (id, backlog) in self.fan.behind() {
            let Some(conn) = self.conn(id) else { continue };
            let skipped = match backlog.cause() {
                Cause::Present => {
                    report.subscribing += 1;
                    0
                }
                Cause::Answer => 0,
                Cause::Lagging(lag) => {
                    report.lagging += 1;
                    lag.skipped
                }
            };
            report.slowest.push(SlowClient {
                connection_id: conn.name(),
                peer: conn.peer().to_string(),
                subject: self.accesses.subject(id),
                blocked_ms: u64::try_from(now.since(backlog.since()).as_millis()).unwrap_or(0),
                skipped,
            });
        }
        report.open = self.conns.len() - closing - report.subscribing - report.lagging;
        report
    }
}

/// Writes what a member is owed; says whether it is to go on once its socket has room.
fn write_out(fan: &mut Fan, id: MemberId, conn: &Conn, now: Micros) -> bool {
    for _ in 0..PIECES_AT_ONCE {
        let Some(piece) = fan.next_piece(id) else { return false };
        let count = piece.len();
        match conn.write(piece) {
            Written::All => fan.accepted(id, count, now),
            Written::Part(count) => {
                fan.accepted(id, count, now);
                return true;
            }
            Written::Gone => {
                // Nobody reads from a paused connection, and a broken one always looks ready.
                conn.reset();
                return false;
            }
        }
    }
    fan.next_piece(id).is_some()
}
