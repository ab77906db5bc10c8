//! The publisher's calls to the bus, phase by phase.

use super::{
    Assignment, counters,
    phase::{Held, Phase},
    pieces::pieces,
    sampled::Sampled,
    shelf::{Request, Requests},
    table::{Changes, Table},
};
use crate::{
    derive::Derive,
    outbox::{Outbox, Taken},
    standing::Standing,
};
use std::{sync::Arc, time::Duration};
use tickcast_shared::{
    admin::{Readiness, Service},
    backoff::Backoff,
    bus::{Acquired, Body, Bus, Error, Group, Heartbeat, Outage, Publisher, Record, ShardBatch},
    clock::{Clock, Micros},
    market::Topic,
    progress::Mark,
    spans::{self, Spans},
};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often a waiting feed asks for the lease: a small part of its time to live, so that a standby
/// takes over soon after the active feed fell silent.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// A feed that stands by keeps what has closed for so long: the active one, whose lease is good for
/// [`LEASE_TTL`](tickcast_shared::bus::LEASE_TTL) after its last successful call, has written what is older.
const KEEP_CLOSED: Duration = Duration::from_secs(60);

/// The one writer of a group in this process.
pub(super) struct Writer {
    publisher: Publisher,
    group: Group,
    table: Table,
    derive: Derive,
    requests: Requests,
    outbox: Outbox,
    clock: Clock,
    readiness: Readiness,
    standing: Standing,
    mark: Mark,
    spans: Spans,
    outage: Outage,
    /// When the oldest change came that is not confirmed to be written.
    heard: Option<Instant>,
    /// Highest epoch ever held or seen; the next one will be above it.
    floor: u64,
    /// Whether it was said already that another writer holds the group.
    said_busy: bool,
}

impl Writer {
    pub(super) fn new(
        bus: &Bus,
        assignment: Assignment,
        outbox: Outbox,
        clock: Clock,
        readiness: Readiness,
    ) -> Self {
        let Assignment { group, configured, rules, requests, standing, mark } = assignment;
        let derive = Derive::new(rules, &configured, clock.now());
        let tickers = configured.into_iter().map(|(topic, it)| (topic, Body::Ticker(it)));
        let announced = tickers.chain(derive.announced()).collect();
        Self {
            publisher: bus.publisher(group.clone()),
            table: Table::new(group.clone(), announced),
            derive,
            requests,
            group,
            outbox,
            clock,
            readiness,
            standing,
            mark,
            spans: spans::installed(),
            outage: Outage::default(),
            heard: None,
            floor: 0,
            said_busy: false,
        }
    }

    /// Goes from phase to phase until the token is cancelled, then lets go.
    pub(super) async fn write(&mut self, token: &CancellationToken) {
        self.hold(0);
        let mut phase = Phase::Waiting { until: Instant::now() };
        while !token.is_cancelled() {
            // Heartbeats, waits and calls that fail all come round within a second or so.
            self.mark.turn();
            phase = match self.advance(phase, token).await {
                Ok(next) => next,
                Err(error) => self.fail(phase, &error),
            };
        }
        self.stop(phase).await;
    }

    async fn advance(&mut self, phase: Phase, token: &CancellationToken) -> Result<Phase, Error> {
        match phase {
            Phase::Waiting { until } | Phase::Doubtful { until, .. } if Instant::now() < until => {
                tokio::select! {
                    () = token.cancelled() => {}
                    () = sleep_until(until) => {}
                    // Bars need every price, so none may have to give way in a full outbox.
                    () = self.outbox.arrived() => self.absorb(),
                }
                Ok(phase)
            }
            Phase::Waiting { .. } => self.acquire().await,
            Phase::TakingOver(held) => self.take_over(held).await,
            Phase::Live(held) => self.live(held, token).await,
            Phase::Doubtful { held, .. } => self.make_sure(held).await,
        }
    }

    async fn acquire(&mut self) -> Result<Phase, Error> {
        self.absorb();
        let sent = Instant::now();
        match self.publisher.acquire(self.floor).await? {
            Acquired::Held { epoch } => {
                self.floor = self.floor.max(epoch);
                self.said_busy = false;
                Ok(Phase::TakingOver(Held::new(epoch, sent)))
            }
            Acquired::Busy { for_at_most } => {
                self.wait_for_other(for_at_most);
                Ok(Phase::Waiting { until: Instant::now() + ASK_EVERY })
            }
        }
    }

    /// Another feed is active: this one stands by.
    fn wait_for_other(&mut self, for_at_most: Duration) {
        self.restored();
        self.readiness.enter(Service::Standby);
        // What came meanwhile is the other's to write.
        self.heard = None;
        self.table.stand_by(self.clock.now().minus(KEEP_CLOSED));
        if !self.said_busy {
            self.said_busy = true;
            info!(
                group = %self.group, lease_ms = for_at_most.as_millis(),
                "another feed holds this group; standing by, to take over when it stops"
            );
        }
    }

    async fn take_over(&mut self, held: Held) -> Result<Phase, Error> {
        self.publisher.raise().await?;
        let cached = self.publisher.cached().await?;
        let highest = Table::highest_epoch(&cached);
        if highest >= held.epoch {
            // The counter was lost and the cache was not: start again above what is cached.
            self.floor = self.floor.max(highest);
            return Ok(Phase::Waiting { until: Instant::now() });
        }
        self.absorb();
        self.inherit_bars(&cached);
        self.table.enter(held.epoch);
        let changes = self.table.take_over(cached, self.clock.now(), Instant::now());
        let topics = changes.len();
        self.publish_own(changes).await?;
        let held = self.beat(held).await?;
        self.restored();
        self.readiness.set(true);
        self.hold(held.epoch);
        counters::taken_over();
        info!(group = %self.group, epoch = held.epoch, topics, "holding the group; publishing");
        Ok(Phase::Live(held))
    }

    /// Bars are gone on with: what the former writer saw of them is added to what was seen here.
    fn inherit_bars(&mut self, cached: &[(Topic, Arc<Record>)]) {
        self.table.reconcile(cached);
        let bars = self.derive.take_over(cached, self.table.wrote());
        self.table.absorb(bars, Instant::now());
    }

    /// Waits for the next thing to do, and does it.
    async fn live(&mut self, held: Held, token: &CancellationToken) -> Result<Phase, Error> {
        let derived = self.derive.next_due().map(|due| self.instant(due));
        let next = tokio::select! {
            biased;
            () = token.cancelled() => return Ok(Phase::Live(held)),
            () = sleep_until(held.beat) => Next::Beat,
            () = sleep_until(derived.unwrap_or(held.beat)) => Next::Publish,
            () = self.outbox.link_changed() => return Ok(Phase::Live(held.with_news())),
            () = self.outbox.arrived() => Next::Publish,
            request = self.requests.next() => Next::Keep(request),
        };
        if held.has_expired(Instant::now()) {
            return Err(Error::Fenced);
        }
        match next {
            Next::Beat => return self.live_beat(held).await,
            Next::Publish => self.publish_heard().await?,
            Next::Keep(request) => self.keep(request).await?,
        }
        Ok(Phase::Live(held))
    }

    async fn live_beat(&mut self, held: Held) -> Result<Phase, Error> {
        let held = self.beat(held).await?;
        if self.publisher.take_regained() {
            self.rewrite(held.epoch).await?;
        }
        let removals = self.table.due_removals(Instant::now());
        self.publish_own(removals).await?;
        // On a busy feed the outbox is never empty, and this is when others have their turn.
        if let Some(request) = self.requests.waiting() {
            self.keep(request).await?;
        }
        Ok(Phase::Live(held))
    }

    /// Keeps bars of a back-fill. Unconfirmed, the request goes, and whoever made it asks again.
    async fn keep(&mut self, mut request: Request) -> Result<(), Error> {
        let batch = std::mem::take(&mut request.batch);
        if !batch.bars.is_empty() {
            self.publisher.publish(vec![batch]).await?;
        }
        request.confirm();
        Ok(())
    }

    /// Something failed, and may have happened all the same. If the lease still holds, with the
    /// fences of this epoch, every topic is written again, under new numbers.
    async fn make_sure(&mut self, held: Held) -> Result<Phase, Error> {
        let held = self.beat(held).await?;
        self.rewrite(held.epoch).await?;
        self.restored();
        Ok(Phase::Live(held))
    }

    async fn rewrite(&mut self, epoch: u64) -> Result<(), Error> {
        self.absorb();
        let changes = self.table.rewrite(Instant::now());
        let topics = changes.len();
        self.publish_own(changes).await?;
        info!(group = %self.group, epoch, topics, "every topic is written again");
        Ok(())
    }

    async fn beat(&mut self, held: Held) -> Result<Held, Error> {
        let sent = Instant::now();
        let heartbeat = Heartbeat { sent: self.clock.now(), links: self.outbox.links() };
        self.publisher.heartbeat(&heartbeat).await?;
        counters::heartbeat();
        Ok(held.renewed(sent))
    }

    async fn publish_heard(&mut self) -> Result<(), Error> {
        let changes = self.take_changes();
        let updates = changes.len() as u64;
        let batches = self.table.seal_heard(changes, self.clock.now());
        let sampled = Sampled::of(&batches, &self.spans);
        self.publish(batches, updates).await?;
        sampled.published(&self.spans, &self.clock);
        Ok(())
    }

    async fn publish_own(&mut self, changes: Changes) -> Result<(), Error> {
        let updates = changes.len() as u64;
        let batches = self.table.seal_own(changes, self.clock.now());
        self.publish(batches, updates).await
    }

    async fn publish(&mut self, batches: Vec<ShardBatch>, updates: u64) -> Result<(), Error> {
        for piece in pieces(batches) {
            let sent = Instant::now();
            if let Err(error) = self.publisher.publish(piece).await {
                counters::unconfirmed(updates);
                return Err(error);
            }
            counters::batch(sent.elapsed());
        }
        self.table.confirmed();
        counters::published(updates);
        if let Some(heard) = self.heard.take() {
            counters::written(heard.elapsed());
        }
        Ok(())
    }

    /// While nothing can be written, only the newest values and closed bars are worth keeping.
    fn absorb(&mut self) {
        let changes = self.take_changes();
        let passed_over = self.table.absorb(changes, Instant::now());
        counters::conflated(passed_over);
    }

    /// What connectors have said, and what follows from it.
    fn take_changes(&mut self) -> Changes {
        let Taken { mut changes, has_lost, since } = self.outbox.take_all();
        self.heard = self.heard.or(since);
        if has_lost {
            self.derive.interrupt();
        }
        self.derive.observe(&mut changes, self.clock.now());
        changes
    }

    /// A moment of the feed's clock on the runtime's.
    fn instant(&self, time: Micros) -> Instant {
        Instant::now() + time.since(self.clock.now())
    }

    fn fail(&mut self, phase: Phase, error: &Error) -> Phase {
        counters::failed(error);
        let now = Instant::now();
        if self.outage.failed(error, now.into_std()) {
            warn!(group = %self.group, %error, action = advice(error), "cannot publish; trying again for ever");
        }
        let next = phase.after(error, Backoff::BUS.random_delay(self.outage.failures()), now);
        if phase.may_hold() && !next.may_hold() {
            self.hold(0);
        }
        next
    }

    /// Tells which epoch this writer holds from now on; 0 is none.
    fn hold(&self, epoch: u64) {
        counters::epoch(epoch);
        self.standing.hold(epoch);
    }

    fn restored(&mut self) {
        if let Some(down) = self.outage.recovered(Instant::now().into_std()) {
            info!(group = %self.group, down_ms = down.as_millis(), "the bus answers again");
        }
    }

    /// Writes what is pending and gives the lease back, one attempt each: the lease also runs out.
    async fn stop(&mut self, phase: Phase) {
        if let Phase::Live(held) = phase
            && !held.has_expired(Instant::now())
            && let Err(error) = self.publish_heard().await
        {
            warn!(group = %self.group, %error, "the last updates may not have been published");
        }
        if phase.may_hold() {
            match self.publisher.release().await {
                Ok(()) => info!(group = %self.group, "gave the group back"),
                Err(error) => warn!(group = %self.group, %error, "the group's lease will run out"),
            }
        }
        self.hold(0);
        self.readiness.set(false);
    }
}

/// What there is to do for a feed that holds its group.
enum Next {
    Beat,
    Publish,
    Keep(Request),
}

/// What an operator can do about it.
fn advice(error: &Error) -> &'static str {
    match error {
        Error::Fenced => "nothing: this feed asks for the lease again",
        Error::Refused(_) => "check Redis: memory, replicas, disk, access rules",
        Error::Link(_) => "check that Redis runs and can be reached",
        Error::Unusable(_) => "check redis_url and the server's version",
    }
}
