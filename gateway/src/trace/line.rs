//! What a trace tells: lines of JSON, one thing each. It grows by addition only.

use super::{fastest::Skew, probe::Taken};
use serde::{Deserialize, Serialize};
use tickcast_shared::{
    clock::Micros,
    market::{State, Topic},
};

/// One line of `GET /trace`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    /// The first.
    Begin {
        /// What is followed.
        topic: Topic,
        /// How its present value is shown.
        state: State,
        /// How many shards pass updates on.
        shards: usize,
    },
    /// An update and its hops.
    Update(Box<Update>),
    /// No update has come for some seconds.
    Waiting {
        /// How the present value is shown; none once the topic is gone.
        state: Option<State>,
        /// Since when nothing has come.
        silent_ms: u64,
    },
    /// Reports were dropped because whoever reads this reads too slowly.
    Dropped {
        /// How many since this was last told.
        count: u64,
    },
    /// The last.
    End {
        /// Why.
        reason: End,
    },
    /// A line of a newer gateway.
    #[serde(other)]
    Unknown,
}

/// Why a trace ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// As many updates as asked for.
    Count,
    /// It has taken as long as a trace may.
    TimeLimit,
    /// The gateway is stopping.
    Shutdown,
    /// Something that this build does not know.
    #[serde(other)]
    Unknown,
}

/// What became of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Sockets took it.
    Written,
    /// Every client that wanted it was behind: they get the newest value later.
    Blocked,
    /// It gave way to a newer one within the gateway.
    Conflated,
    /// Every client that wanted it has an interval or a filter that holds it back.
    Held,
    /// Nobody wants the topic.
    Unwanted,
    /// Not all shards have told what they did with it.
    Unfinished,
    /// Something that this build does not know.
    #[serde(other)]
    Unknown,
}

/// An update, when it was where, and what that makes between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Whose.
    pub topic: Topic,
    /// Its place in the topic's history: the epoch,
    pub epoch: u64,
    /// and the number.
    pub seq: u64,
    /// How clients are told to believe it.
    pub state: State,
    /// What became of it.
    pub outcome: Outcome,
    /// When the venue made the quote, by the venue's clock.
    pub exchange_ts: Option<Micros>,
    /// When the feed received the frame, by the feed's clock; none where no new frame led to it.
    pub received_ts: Option<Micros>,
    /// When the feed sealed it, by the feed's clock.
    pub published_ts: Micros,
    /// When the bus took and published it, by the bus's clock; none if it came with a snapshot.
    pub bus_ts: Option<Micros>,
    /// When the gateway took it from the bus, by the gateway's clock like the two that follow.
    pub taken_ts: Micros,
    /// When the pass began that wrote it, on the shard that was last to do so.
    pub pass_ts: Option<Micros>,
    /// When that shard had written it to its last socket.
    pub written_ts: Option<Micros>,
    /// The times between.
    pub hops: Hops,
    /// Sockets that took it.
    pub sockets: u64,
    /// Sockets that were full or behind.
    pub blocked: u64,
    /// Clients whose interval or filter holds it back.
    pub held: u64,
    /// Clients that a pass left it out for, having a newer one.
    pub left_out: u64,
    /// Shards in which a newer one replaced it before a pass.
    pub conflated_shards: usize,
    /// By how much the clocks differ that hops were corrected by.
    pub skew: Skew,
}

/// The time that an update took from one place to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Microseconds.
    pub us: i64,
    /// Whether the two clocks can be compared.
    pub clock: Clock,
}

/// How far a hop between two clocks may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// One clock, or two that agree.
    Agrees,
    /// The clocks differ: this is what it took beyond the fastest message of the last seconds.
    Corrected,
    /// Left after it arrived: the clocks differ, and nothing is known of by how much.
    Negative,
}

/// All hops of an update; none where one of its ends is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hops {
    /// From the venue's quote to the feed.
    pub venue_to_feed: Option<Hop>,
    /// From the frame to the sealed update: decoding, rules, the outbox.
    pub in_feed: Option<Hop>,
    /// To the bus.
    pub to_bus: Option<Hop>,
    /// From the bus to the gateway.
    pub to_gateway: Option<Hop>,
    /// Until a pass began.
    pub to_pass: Option<Hop>,
    /// Until the last socket was written to.
    pub to_sockets: Option<Hop>,
    /// From the frame (or from the sealed update where there is none) to the last socket.
    pub total: Option<Hop>,
}

impl Hop {
    /// Between two times; `skew` is by how much their clocks differ.
    fn between(from: Micros, to: Micros, skew: Option<i64>) -> Self {
        let raw = to.0.saturating_sub(from.0);
        match skew {
            Some(skew) => Self { us: raw.saturating_sub(skew), clock: Clock::Corrected },
            None if raw < 0 => Self { us: raw, clock: Clock::Negative },
            None => Self { us: raw, clock: Clock::Agrees },
        }
    }
}

impl Hops {
    /// The hops of an update; `received`, `pass` and `written` as in [`Update`].
    #[must_use]
    pub fn of(
        taken: &Taken,
        received: Option<Micros>,
        pass: Option<Micros>,
        written: Option<Micros>,
    ) -> Self {
        let (record, skew) = (&taken.record, &taken.skew);
        let (published, bus) = (record.published, taken.arrival.bus);
        let here = taken.arrival.taken;
        let exchange = record.body.ticker().and_then(|ticker| ticker.exchange_ts);
        let begun = received.unwrap_or(published);
        let hop =
            |from: Option<Micros>, to: Option<Micros>, skew| Some(Hop::between(from?, to?, skew));
        Self {
            venue_to_feed: hop(exchange, received, None),
            in_feed: hop(received, Some(published), None),
            to_bus: hop(Some(published), bus, skew.feed_to_bus_us),
            to_gateway: hop(bus, Some(here), skew.bus_to_gateway_us),
            to_pass: hop(Some(here), pass, None),
            to_sockets: hop(pass, written, None),
            total: hop(Some(begun), written, skew.feed_to_gateway_us),
        }
    }
}
