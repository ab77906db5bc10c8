//! One shard's state: who is connected, who wants what, and the newest value of every topic.

use super::{
    Report, SlowClient, Table, TopicId,
    cohorts::{CohortId, Cohorts, Place},
    mailbox::Mailbox,
    members::{MemberId, Members},
    statuses::Statuses,
    topics::Topics,
};
use crate::{
    client::{Conn, conn::Phase},
    config::GatewayConfig,
    metrics::Metrics,
};
use bytes::Bytes;
use std::{collections::BTreeSet, rc::Rc, sync::Arc, time::Instant};
use tickcast_shared::clock::Clock;

/// Bytes read from a socket at once. One buffer serves all connections of a shard.
const READ_BUFFER_BYTES: usize = 64 * 1024;

/// All that one event loop owns.
#[derive(Debug)]
pub struct Shard {
    /// The configuration in force.
    pub config: Arc<GatewayConfig>,
    /// The time for clients.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
    /// Where updates come from.
    pub mailbox: Arc<Mailbox>,
    /// Values.
    pub topics: Topics,
    /// States that are not well.
    pub statuses: Statuses,
    /// Who wants the same.
    pub cohorts: Cohorts,
    /// Who is connected.
    pub members: Members,
    /// Where sockets are read into.
    pub read_buffer: Vec<u8>,
    /// Frames of the running pass.
    pub frames: Vec<Bytes>,
    /// Cohorts that the running pass touches.
    pub touched: Vec<CohortId>,
    /// Where frames of a pass are put together.
    pub joined: Vec<u8>,
    /// Shutdown has begun: whoever comes or catches up is told to go.
    pub draining: bool,
}

impl Shard {
    /// A shard without connections or topics.
    #[must_use]
    pub fn new(
        config: Arc<GatewayConfig>,
        clock: Clock,
        metrics: Metrics,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        Self {
            config,
            clock,
            metrics,
            mailbox,
            topics: Topics::default(),
            statuses: Statuses::default(),
            cohorts: Cohorts::default(),
            members: Members::default(),
            read_buffer: vec![0; READ_BUFFER_BYTES],
            frames: Vec::new(),
            touched: Vec::new(),
            joined: Vec::new(),
            draining: false,
        }
    }

    /// Adds a connection without a subscription.
    pub fn enter(&mut self, conn: Rc<Conn>) -> MemberId {
        self.metrics.connections.increment(1.0);
        self.members.insert(conn)
    }

    /// Forgets a connection.
    pub fn forget(&mut self, member: MemberId) {
        self.detach(member);
        if self.members.remove(member).is_some() {
            self.metrics.connections.decrement(1.0);
        }
    }

    /// The member's subscription table.
    #[must_use]
    pub fn table(&self, member: MemberId) -> Rc<Table> {
        self.members.get(member).map(|it| it.table.clone()).unwrap_or_default()
    }

    /// The topics that a table covers now, within the limit.
    #[must_use]
    pub fn covered(&self, table: &Table) -> BTreeSet<TopicId> {
        table.expanded(&self.topics, self.config.limits.max_topics)
    }

    /// Puts a member into the cohort of its table. From here on it gets every pass.
    pub fn attach(&mut self, member: MemberId, table: Rc<Table>) {
        self.detach(member);
        let max = self.config.limits.max_topics;
        let place =
            (!table.is_empty()).then(|| self.cohorts.join(member, &table, &mut self.topics, max));
        if let Some(entry) = self.members.get_mut(member) {
            // The cohort's own copy of an equal table lets go of this one.
            entry.table = place.map_or(table, |place| self.cohorts.get(place.cohort).table.clone());
            entry.place = place;
        }
    }

    /// Takes a member out of its cohort; passes go on without it.
    pub fn detach(&mut self, member: MemberId) {
        let place = self.members.get_mut(member).and_then(|it| it.place.take());
        let Some(place) = place else { return };
        if let Some(moved) = self.cohorts.leave(place, &mut self.topics)
            && let Some(moved) = self.members.get_mut(moved)
        {
            moved.place = Some(Place { cohort: place.cohort, at: place.at });
        }
    }

    /// The topics a member gets now.
    #[must_use]
    pub fn subscribed(&self, member: MemberId) -> Vec<TopicId> {
        match self.members.get(member) {
            Some(it) => match it.place {
                Some(place) => self.cohorts.get(place.cohort).topics.iter().copied().collect(),
                None => self.covered(&it.table).into_iter().collect(),
            },
            None => Vec::new(),
        }
    }

    /// How the connections are.
    #[must_use]
    pub fn report(&self, now: Instant) -> Report {
        let mut report = Report { cohorts: self.cohorts.len(), ..Report::default() };
        for (_, member) in self.members.iter() {
            match member.conn.phase() {
                Phase::Open => report.open += 1,
                Phase::CatchingUp { since } => {
                    report.subscribing += 1;
                    report.slowest.push(SlowClient {
                        connection_id: member.conn.name(),
                        peer: member.conn.peer().to_string(),
                        blocked_ms: u64::try_from(now.duration_since(since).as_millis())
                            .unwrap_or(u64::MAX),
                    });
                }
                Phase::Closing => report.closing += 1,
            }
        }
        report
    }
}
