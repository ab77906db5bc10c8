//! From the bus to the hub: joins the bus's shards, judges who is alive, frames what changed.

pub mod book;
pub mod life;
pub mod lines;
pub mod merge;
pub mod transit;

use crate::{
    bars::{
        BarStore,
        reader::{Done, Reader},
    },
    hub::{About, Hub, Update},
    metrics::{Metrics, table},
    prices::Prices,
    trace::{Arrival, Traces},
};
use book::{Book, Standing};
use life::{BusLife, Judgement, Life};
use merge::{Cause, Joined, Merge};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    bus::{Bus, Event, Message, Record, SHARDS, ShardId, Snapshot, Subscriber},
    clock::Clock,
    market::{ExchangeId, Reason, State, Topic},
    progress::Mark,
    protocol::StatusScope,
};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use transit::Transit;

/// How often silence is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Snapshots after a hole are spread over this time, so that gateways do not ask together.
const SNAPSHOT_JITTER: Duration = Duration::from_millis(200);
/// Wait before a failed snapshot is asked for again.
const SNAPSHOT_RETRY: Duration = Duration::from_millis(500);

/// The state of the ingest.
#[derive(Debug)]
pub struct Ingest {
    merges: [Merge; SHARDS as usize],
    book: Book,
    life: Life,
    transits: [Transit; SHARDS as usize],
    /// What clients have been told of each exchange.
    exchanges: BTreeMap<ExchangeId, (State, Reason)>,
    prices: Prices,
    bars: Reader,
    traces: Traces,
    hub: Hub,
    clock: Clock,
    metrics: Metrics,
}

/// Where the ingest delivers.
#[derive(Debug)]
pub struct Targets {
    /// The shards.
    pub hub: Hub,
    /// Last values, for REST.
    pub prices: Prices,
    /// Closed bars.
    pub bars: BarStore,
    /// Those who follow updates.
    pub traces: Traces,
}

/// Runs until cancelled. Never waits for the hub, so the bus is always drained.
pub async fn run(
    bus: Bus,
    mut subscriber: Subscriber,
    targets: Targets,
    clock: Clock,
    metrics: Metrics,
    mark: Mark,
    token: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let Targets { hub, prices, bars: store, traces } = targets;
    let mut ingest = Ingest {
        merges: Default::default(),
        book: Book::new(prices.clone(), store.clone()),
        life: Life::default(),
        transits: Default::default(),
        exchanges: BTreeMap::new(),
        prices,
        bars: Reader::new(bus),
        traces,
        hub,
        clock,
        metrics,
    };
    table::BUS_UP.of([]).set(0.0);
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // The look comes round by itself.
        mark.turn();
        let updates = tokio::select! {
            () = token.cancelled() => return Ok(()),
            event = subscriber.next() => ingest.event(event, &mut subscriber),
            _ = look.tick() => ingest.look(),
            topics = store.asked() => {
                ingest.book.lines.asked(topics);
                Vec::new()
            }
            done = ingest.bars.next() => ingest.bars_read(done),
            probe = ingest.traces.joined() => {
                ingest.traces.add(probe);
                Vec::new()
            }
        };
        ingest.book.lines.jobs().into_iter().for_each(|job| ingest.bars.push(job));
        ingest.publish(updates);
    }
}

impl Ingest {
    fn publish(&self, updates: Vec<Update>) {
        self.metrics.updates.increment(updates.len() as u64);
        let keyed: Vec<_> = updates.into_iter().map(Update::keyed).collect();
        self.hub.publish(&keyed);
    }

    fn event(&mut self, event: Event, subscriber: &mut Subscriber) -> Vec<Update> {
        let mut out = Vec::new();
        match event {
            Event::Subscribed(shard) => {
                self.merges[shard.index()].subscribed();
                // It may be another server now, with another clock.
                self.transits[shard.index()] = Transit::default();
                self.life.shard_subscribed(shard, Instant::now());
                subscriber.request_snapshot(shard, Duration::ZERO);
            }
            Event::Unsubscribed(shard) => {
                self.merges[shard.index()].lost();
                self.book.lines.distrust(shard);
                self.life.shard_lost(shard);
                self.rejudge(&mut out);
            }
            Event::Message(shard, message) => {
                if let Some(cause) = self.message(shard, message, &mut out) {
                    self.rejoin(shard, cause, SNAPSHOT_JITTER.mul_f64(rand::random()), subscriber);
                }
            }
            Event::Snapshot(snapshot) => {
                let shard = snapshot.shard;
                if let Some(cause) = self.snapshot(snapshot, &mut out) {
                    self.rejoin(shard, cause, SNAPSHOT_JITTER, subscriber);
                }
            }
            Event::SnapshotFailed(shard, error) => {
                warn!(shard = shard.index(), %error, "snapshot failed; asking again");
                // What the hole held may be the news that a price is no longer live.
                self.merges[shard.index()].distrust();
                self.rejudge(&mut out);
                subscriber.request_snapshot(shard, SNAPSHOT_RETRY);
            }
            Event::LinkAlive => self.bus_alive(&mut out),
            Event::LinkLost(error) => {
                self.merges.iter_mut().for_each(Merge::lost);
                ShardId::all().for_each(|shard| self.book.lines.distrust(shard));
                self.bus_lost(&error.to_string(), &mut out);
            }
        }
        out
    }

    fn rejoin(&self, shard: ShardId, cause: Cause, delay: Duration, subscriber: &mut Subscriber) {
        self.metrics.rejoin(cause.label());
        subscriber.request_snapshot(shard, delay);
    }

    fn message(
        &mut self,
        shard: ShardId,
        message: Message,
        out: &mut Vec<Update>,
    ) -> Option<Cause> {
        let now = Instant::now();
        let transit = &mut self.transits[shard.index()];
        let taken = self.clock.at(now);
        self.metrics.bus_delay.record(transit.delay(message.bus_time, taken));
        let arrival = Arrival { bus: Some(message.bus_time), taken };
        self.traces.heard(&message, arrival.taken);
        let merge = &mut self.merges[shard.index()];
        let cause = merge.message(message.n);
        if cause.is_some() {
            self.book.lines.distrust(shard);
        }
        let heartbeat = message.heartbeat.as_ref();
        if self.life.group_heard(&message.group, message.epoch, shard, heartbeat, now) {
            let merges = &self.merges;
            self.book.rejudge(&self.life, |shard| merges[shard.index()].is_trusted(), out);
        }
        let merge = &mut self.merges[shard.index()];
        let standing = merge.standing();
        for (topic, record) in message.puts {
            merge.mention(&topic, message.n, false);
            let put = Put { topic: &topic, record, life: &self.life, standing };
            put.into(&mut self.book, &mut self.traces, &arrival, out);
        }
        for topic in message.removes {
            merge.mention(&topic, message.n, true);
            self.book.removed_by(&message.group, message.epoch, &topic, out);
        }
        if heartbeat.is_some() {
            self.life_changed(out);
        }
        cause
    }

    fn snapshot(&mut self, snapshot: Snapshot, out: &mut Vec<Update>) -> Option<Cause> {
        let Snapshot { shard, n, server, records } = snapshot;
        let merge = &mut self.merges[shard.index()];
        let same_server = match merge.snapshot(n, &server) {
            Joined::No(cause) => return Some(cause),
            Joined::Unasked => return None,
            Joined::Yes { same_server } => same_server,
        };
        if !same_server {
            info!(shard = shard.index(), "the bus is another server process than before");
        }
        let joined = merge.standing();
        let arrival = Arrival { bus: None, taken: self.clock.now() };
        let mut gone = self.book.of_shard(shard);
        for (topic, record) in records {
            gone.remove(&topic);
            if !merge.removed_since(&topic, n) {
                let put = Put { topic: &topic, record, life: &self.life, standing: joined };
                put.into(&mut self.book, &mut self.traces, &arrival, out);
            }
        }
        gone.retain(|topic| !merge.written_since(topic, n));
        merge.settled();
        for topic in gone {
            self.book.missing(&topic, Instant::now());
        }
        self.rejudge(out);
        self.book.lines.settle(shard, self.clock.now());
        self.note_completeness();
        None
    }

    fn note_completeness(&self) {
        let complete = &self.prices.complete;
        if !complete.is_ready() && self.merges.iter().all(Merge::is_trusted) {
            complete.set(true);
            info!(topics = self.book.count(), "first snapshot is complete; serving");
        }
    }

    fn bus_alive(&mut self, out: &mut Vec<Update>) {
        let now = Instant::now();
        if self.life.bus_alive(now) {
            table::BUS_UP.of([]).set(1.0);
            self.life.excuse_groups(now);
            self.tell_bus(out);
            self.rejudge(out);
            self.life_changed(out);
        }
    }

    fn bus_lost(&mut self, why: &str, out: &mut Vec<Update>) {
        if self.life.bus_lost(self.clock.now()) {
            warn!(why, "bus lost; prices are stale until it is back, clients stay connected");
            table::BUS_UP.of([]).set(0.0);
            self.tell_bus(out);
            self.life_changed(out);
        }
        self.rejudge(out);
    }

    fn bars_read(&mut self, done: Done) -> Vec<Update> {
        let merges = &self.merges;
        let update = self.book.lines.read(done, |shard| merges[shard.index()].is_whole());
        update.into_iter().collect()
    }

    /// Looks for silence.
    fn look(&mut self) -> Vec<Update> {
        let mut out = Vec::new();
        let now = Instant::now();
        self.traces.prune(now);
        table::TOPICS.of([]).set(f64::from(u32::try_from(self.book.count()).unwrap_or(0)));
        if self.life.bus_is_silent(now) {
            self.bus_lost("no answer to PING", &mut out);
        }
        if matches!(self.life.bus, BusLife::Up { .. }) {
            let gone = self.life.groups_gone_silent(now);
            for (group, shards) in &gone {
                warn!(
                    %group, shards, of = SHARDS,
                    "no heartbeat from this feed group; its prices on these shards are stale"
                );
            }
            if self.life.predecessors_gone(now) || !gone.is_empty() {
                self.rejudge(&mut out);
                self.life_changed(&mut out);
            }
        }
        self.book.give_up_missing(&self.life, now, &mut out);
        let merges = &self.merges;
        self.book.lines.look(|shard| merges[shard.index()].is_whole());
        out
    }

    fn rejudge(&mut self, out: &mut Vec<Update>) {
        let merges = &self.merges;
        self.book.rejudge(&self.life, |shard| merges[shard.index()].is_trusted(), out);
    }

    /// Shows readers who is alive now, and tells clients which exchanges changed.
    fn life_changed(&mut self, out: &mut Vec<Update>) {
        self.prices.set_life(&self.life);
        if !matches!(self.life.bus, BusLife::Up { .. }) {
            // While the bus is lost its own status says all.
            return;
        }
        for (exchange, life) in self.life.exchanges() {
            let now = (life.judgement.state, life.judgement.reason.clone());
            if self.exchanges.get(&exchange) != Some(&now) {
                let about = About::Exchange(exchange.as_str().into());
                out.push(book::status(
                    about,
                    StatusScope::Exchange,
                    exchange.as_str(),
                    &life.judgement,
                ));
                self.exchanges.insert(exchange, now);
            }
        }
    }

    fn tell_bus(&self, out: &mut Vec<Update>) {
        let judgement = match self.life.bus {
            BusLife::Lost { since } => {
                Judgement { state: State::Stale, reason: Reason::BUS_LOST, since: Some(since) }
            }
            BusLife::Dialing | BusLife::Up { .. } => Judgement {
                state: State::Live,
                reason: Reason::NONE,
                since: Some(self.clock.now()),
            },
        };
        out.push(book::status(About::Bus, StatusScope::Bus, "bus", &judgement));
    }
}

/// A value on its way into the book.
struct Put<'a> {
    topic: &'a Topic,
    record: Arc<Record>,
    life: &'a Life,
    standing: Standing,
}

impl Put<'_> {
    /// Takes it in, and marks what comes of it if somebody follows it.
    fn into(self, book: &mut Book, traces: &mut Traces, arrival: &Arrival, out: &mut Vec<Update>) {
        let Self { topic, record, life, standing } = self;
        let followed = traces.wants(topic, &record).then(|| record.clone());
        let before = out.len();
        book.put(topic, record, life, standing, out);
        if let Some(record) = followed {
            traces.mark(record, arrival, &mut out[before..]);
        }
    }
}
