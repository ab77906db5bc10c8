//! Who is alive: the bus by its PINGs, each group by its messages, each exchange by its feed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    bus::{Group, Heartbeat, LinkState, LinkStatus, Record, SHARDS, ShardId},
    clock::Micros,
    market::{ExchangeId, Reason, Source, State, Topic},
};

/// The bus counts as lost when no PING was answered for so long; one is sent a second.
pub const BUS_SILENCE: Duration = Duration::from_millis(2500);
/// A group counts as lost when nothing came from it for so long, and so do its topics on a shard when
/// nothing came on that; it sends a heartbeat a second on each.
pub const GROUP_SILENCE: Duration = Duration::from_secs(3);

/// A state with its reason and its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// How far to believe.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// Since when, where it is known.
    pub since: Option<Micros>,
}

/// The bus as this gateway sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusLife {
    /// Not reached yet.
    Dialing,
    /// PINGs are answered.
    Up {
        /// The last answer.
        at: Instant,
    },
    /// Was up, and is not.
    Lost {
        /// Since when.
        since: Micros,
    },
}

/// A feed's writer as this gateway sees it.
#[derive(Debug, Clone)]
pub struct GroupLife {
    /// The newest epoch seen alive.
    pub epoch: u64,
    /// When something last came from it.
    pub heard: Instant,
    /// Its clock at the last heartbeat, and when that came.
    pub clock: Option<(Micros, Instant)>,
    /// Its links at the last heartbeat.
    pub links: Vec<LinkStatus>,
    /// Whether its links may be shown as live.
    pub standing: Standing,
    /// Whether its values may be, shard by shard: on a cluster one may be lost while others go on.
    shards: [Pulse; SHARDS as usize],
    /// The writer that a standby took over from.
    pub before: Option<Before>,
}

/// The writer before the present one. Its values are believed for as long as if it had no
/// successor, so that a takeover does not turn every price stale for the moment until it is
/// written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    epoch: u64,
    heard: Instant,
}

/// A group on one shard.
#[derive(Debug, Clone, Copy)]
struct Pulse {
    heard: Instant,
    standing: Standing,
}

impl GroupLife {
    fn new(now: Instant) -> Self {
        let unproven = Pulse { heard: now, standing: Standing::Unproven };
        Self {
            epoch: 0,
            heard: now,
            clock: None,
            links: Vec::new(),
            standing: Standing::Unproven,
            before: None,
            shards: [unproven; SHARDS as usize],
        }
    }

    /// Whatever was heard on a shard proves nothing any more.
    fn doubt(&mut self, shard: ShardId) {
        let pulse = &mut self.shards[shard.index()];
        if pulse.standing == Standing::Alive {
            pulse.standing = Standing::Unproven;
        }
    }
}

/// What is known of a group's writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Heard of within [`GROUP_SILENCE`].
    Alive,
    /// Not heard of since the bus came back.
    Unproven,
    /// Silent for too long.
    Silent,
}

/// Everything known about who is alive.
#[derive(Debug, Clone)]
pub struct Life {
    /// The bus.
    pub bus: BusLife,
    /// The feeds.
    pub groups: HashMap<Group, GroupLife>,
}

impl Default for Life {
    fn default() -> Self {
        Self { bus: BusLife::Dialing, groups: HashMap::new() }
    }
}

impl Life {
    /// A PING was answered. True if the bus was not up before.
    pub fn bus_alive(&mut self, now: Instant) -> bool {
        let was_up = matches!(self.bus, BusLife::Up { .. });
        self.bus = BusLife::Up { at: now };
        !was_up
    }

    /// The link broke. True if the bus was up before. What the groups did meanwhile is unknown:
    /// each has to be heard of again.
    pub fn bus_lost(&mut self, now: Micros) -> bool {
        let was_up = matches!(self.bus, BusLife::Up { .. });
        if was_up {
            self.bus = BusLife::Lost { since: now };
        }
        for life in self.groups.values_mut() {
            if life.standing == Standing::Alive {
                life.standing = Standing::Unproven;
                life.before = None;
            }
            ShardId::all().for_each(|shard| life.doubt(shard));
        }
        was_up
    }

    /// A shard's subscription has ended, while others go on.
    pub fn shard_lost(&mut self, shard: ShardId) {
        self.groups.values_mut().for_each(|life| life.doubt(shard));
    }

    /// A shard is subscribed: silence on it is counted from here.
    pub fn shard_subscribed(&mut self, shard: ShardId, now: Instant) {
        for life in self.groups.values_mut() {
            life.shards[shard.index()].heard = now;
        }
    }

    /// Whether PINGs have gone unanswered for too long.
    #[must_use]
    pub fn bus_is_silent(&self, now: Instant) -> bool {
        matches!(self.bus, BusLife::Up { at } if now.duration_since(at) > BUS_SILENCE)
    }

    /// Something came from a group on a shard. True if that changes how its values are to be judged.
    pub fn group_heard(
        &mut self,
        group: &Group,
        epoch: u64,
        shard: ShardId,
        heartbeat: Option<&Heartbeat>,
        now: Instant,
    ) -> bool {
        let life = self.groups.entry(group.clone()).or_insert_with(|| GroupLife::new(now));
        if epoch < life.epoch {
            return false;
        }
        let pulse = Pulse { heard: now, standing: Standing::Alive };
        let on_shard = std::mem::replace(&mut life.shards[shard.index()], pulse);
        let changed = epoch > life.epoch || on_shard.standing != Standing::Alive;
        if epoch > life.epoch {
            let was_alive = life.standing == Standing::Alive;
            life.before = was_alive.then_some(Before { epoch: life.epoch, heard: life.heard });
        }
        life.epoch = epoch;
        life.heard = now;
        life.standing = Standing::Alive;
        if let Some(heartbeat) = heartbeat {
            life.clock = Some((heartbeat.sent, now));
            life.links.clone_from(&heartbeat.links);
        }
        changed
    }

    /// Marks groups, and groups on single shards, that have been silent for too long; returns those
    /// that were not before, with the number of shards.
    pub fn groups_gone_silent(&mut self, now: Instant) -> Vec<(Group, usize)> {
        let is_silent = |heard: Instant| now.duration_since(heard) > GROUP_SILENCE;
        let mut gone = Vec::new();
        for (group, life) in &mut self.groups {
            if is_silent(life.heard) {
                life.standing = Standing::Silent;
            }
            let mut shards = 0;
            for pulse in &mut life.shards {
                if pulse.standing != Standing::Silent && is_silent(pulse.heard) {
                    pulse.standing = Standing::Silent;
                    shards += 1;
                }
            }
            if shards > 0 {
                gone.push((group.clone(), shards));
            }
        }
        gone
    }

    /// Ceases to believe writers that others took over from, once they have been silent for too
    /// long. True if there were any.
    pub fn predecessors_gone(&mut self, now: Instant) -> bool {
        let mut any = false;
        for life in self.groups.values_mut() {
            if life.before.is_some_and(|it| now.duration_since(it.heard) > GROUP_SILENCE) {
                life.before = None;
                any = true;
            }
        }
        any
    }

    /// While the bus is down nobody can be heard: silence is counted from its return.
    pub fn excuse_groups(&mut self, now: Instant) {
        for life in self.groups.values_mut() {
            life.heard = now;
            life.shards.iter_mut().for_each(|pulse| pulse.heard = now);
        }
    }

    /// Whether the group's writer lives, as far as a shard can tell.
    #[must_use]
    pub fn is_alive(&self, group: &Group, shard: ShardId) -> bool {
        let life = self.groups.get(group);
        life.is_some_and(|life| life.shards[shard.index()].standing == Standing::Alive)
    }

    /// How far a record of a shard may be believed. Only what its feed calls live can become less
    /// than that.
    #[must_use]
    pub fn judge(
        &self,
        record: &Record,
        shard: ShardId,
        trusted: bool,
        missing: bool,
    ) -> Judgement {
        let Some(ticker) = record.body.ticker() else {
            // A bar tells what was; it cannot become less true.
            return Judgement { state: State::Live, reason: Reason::NONE, since: None };
        };
        let own = Judgement {
            state: ticker.state,
            reason: ticker.reason.clone(),
            since: Some(ticker.state_since),
        };
        let stale = |reason, since| Judgement { state: State::Stale, reason, since };
        if ticker.state != State::Live {
            return own;
        }
        match (&self.bus, self.groups.get(&record.group)) {
            (BusLife::Lost { since }, _) => stale(Reason::BUS_LOST, Some(*since)),
            (BusLife::Dialing, _) => stale(Reason::BUS_LOST, None),
            _ if !trusted => stale(Reason::BUS_LOST, None),
            _ if missing => stale(Reason::UNPROVEN, None),
            (_, Some(life)) if life.epoch == record.stamp.epoch => {
                match life.shards[shard.index()].standing {
                    Standing::Alive => own,
                    Standing::Unproven => stale(Reason::UNPROVEN, None),
                    Standing::Silent => stale(Reason::FEED_LOST, None),
                }
            }
            (_, Some(GroupLife { before: Some(before), shards, .. }))
                if before.epoch == record.stamp.epoch
                    && shards[shard.index()].standing == Standing::Alive =>
            {
                own
            }
            _ => stale(Reason::UNPROVEN, None),
        }
    }

    /// Time since the last proof that the record's value is the venue's present one.
    #[must_use]
    pub fn age(
        &self,
        topic: &Topic,
        record: &Record,
        at: Instant,
        own: Micros,
    ) -> Option<Duration> {
        let ticker = record.body.ticker()?;
        let life = self.groups.get(&record.group);
        let link = life.and_then(|life| {
            life.links.iter().find(|link| link.exchange.as_str() == topic.exchange())
        });
        let proven = match link {
            // A link's frames say nothing of a value that came by REST.
            Some(link)
                if ticker.state == State::Live
                    && ticker.source == Source::Stream
                    && link.state == LinkState::Live =>
            {
                ticker.received_ts.max(link.proven)
            }
            _ => ticker.received_ts,
        };
        // The feed's clock, moved on by our monotonic time; without a heartbeat our own must do.
        let feed_now = life
            .and_then(|life| life.clock)
            .map_or(own, |(sent, heard)| sent.plus(at.saturating_duration_since(heard)));
        proven.map(|proven| feed_now.since(proven))
    }

    /// Every exchange that a group speaks for, as far as its group may be believed. Of several
    /// groups that speak for one, a living one is believed, and the newest of these.
    #[must_use]
    pub fn exchanges(&self) -> BTreeMap<ExchangeId, ExchangeLife> {
        let mut all = BTreeMap::new();
        let mut groups: Vec<&GroupLife> = self.groups.values().collect();
        groups.sort_by_key(|life| (life.standing == Standing::Alive, life.epoch));
        for life in groups {
            for link in &life.links {
                let judgement = self.judge_link(life, link);
                all.insert(link.exchange.clone(), ExchangeLife { judgement, link: link.clone() });
            }
        }
        all
    }

    fn judge_link(&self, life: &GroupLife, link: &LinkStatus) -> Judgement {
        let state = match link.state {
            LinkState::Pending => State::Pending,
            LinkState::Live => State::Live,
            LinkState::Stale => State::Stale,
            LinkState::Halted => State::Halted,
        };
        match self.bus {
            _ if state == State::Halted => {}
            BusLife::Lost { since } => {
                let (state, reason) = (State::Stale, Reason::BUS_LOST);
                return Judgement { state, reason, since: Some(since) };
            }
            _ if life.standing == Standing::Silent => {
                let (state, reason) = (State::Stale, Reason::FEED_LOST);
                return Judgement { state, reason, since: None };
            }
            _ if life.standing == Standing::Unproven => {
                let (state, reason) = (State::Stale, Reason::UNPROVEN);
                return Judgement { state, reason, since: None };
            }
            _ => {}
        }
        Judgement { state, reason: link.reason.clone(), since: Some(link.since) }
    }
}

/// An exchange's link with the judgement on it.
#[derive(Debug, Clone)]
pub struct ExchangeLife {
    /// How far to believe.
    pub judgement: Judgement,
    /// As its feed reported it.
    pub link: LinkStatus,
}

/// A snapshot of [`Life`] for readers on other threads.
pub type Shared = Arc<std::sync::RwLock<Arc<Life>>>;

#[cfg(test)]
mod tests;
