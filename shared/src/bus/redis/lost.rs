//! Shards that a writer to a cluster cannot write at present, while it goes on with the others.

use super::{Redis, keys, keys::Place, link::Link};
use crate::{
    backoff::Backoff,
    bus::{Error, Record, ShardBatch, ShardId, counters},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

/// Most closed bars kept for a shard until it can be written again: those of some 600 topics with
/// all intervals for an hour. Further ones are dropped and counted; venues' own bars fill the hole.
const MAX_BARS: usize = 65_536;

/// The lost shards. Values for them are dropped, since all are written again when they are back;
/// removals and bars, which nobody writes again, are kept.
pub(super) struct LostShards {
    bus: Redis,
    shards: BTreeMap<ShardId, Lost>,
}

/// One of them.
struct Lost {
    since: Instant,
    /// What is to be written first when it is back.
    owed: ShardBatch,
    /// Ends when its node answers.
    probe: AbortOnDropHandle<()>,
    /// Whether it was tried again in vain.
    failed: bool,
}

impl LostShards {
    pub(super) fn new(bus: Redis) -> Self {
        Self { bus, shards: BTreeMap::new() }
    }

    pub(super) fn contains(&self, shard: ShardId) -> bool {
        self.shards.contains_key(&shard)
    }

    /// A write to it failed.
    pub(super) fn add(&mut self, shard: ShardId, error: &Error) {
        if let Some(lost) = self.shards.get_mut(&shard) {
            lost.failed = true;
            return;
        }
        warn!(
            shard = shard.index(), %error,
            "cannot write this shard; its topics turn stale, the others go on. Check the cluster's node"
        );
        let owed = ShardBatch { shard, ..ShardBatch::default() };
        let (since, probe) = (Instant::now(), self.probe(shard));
        self.shards.insert(shard, Lost { since, owed, probe, failed: false });
        self.show();
    }

    /// Keeps what must not be forgotten of a batch for a lost shard.
    pub(super) fn owe(&mut self, part: ShardBatch) {
        let Some(lost) = self.shards.get_mut(&part.shard) else { return };
        // A present value is written anew; that a bar has closed is told once.
        let is_closed = |it: &Record| it.body.bar().is_some_and(|bar| bar.closed);
        let (closed, values): (Vec<_>, Vec<_>) =
            part.puts.into_iter().partition(|(_, it)| is_closed(it));
        counters::unwritten("values", values.len());
        lost.owed.puts.extend(closed);
        let excess = lost.owed.puts.len().saturating_sub(MAX_BARS);
        counters::unwritten("values", excess);
        lost.owed.puts.drain(..excess);
        lost.owed.removes.extend(part.removes);
        lost.owed.bars.extend(part.bars);
        let excess = lost.owed.bars.len().saturating_sub(MAX_BARS);
        counters::unwritten("bars", excess);
        lost.owed.bars.drain(..excess);
    }

    /// The shards whose nodes answer again, with what is to be written to each first.
    pub(super) fn answering(&self) -> Vec<(ShardId, ShardBatch)> {
        let answering = self.shards.iter().filter(|(_, lost)| lost.probe.is_finished());
        answering.map(|(shard, lost)| (*shard, lost.owed.clone())).collect()
    }

    /// These were tried again, or would have been; says whether one is lost no more.
    pub(super) fn tried(&mut self, shards: &[ShardId], ran: bool) -> bool {
        let mut regained = false;
        for &shard in shards {
            let Some(mut lost) = self.shards.remove(&shard) else { continue };
            if ran && !lost.failed {
                let down_ms = lost.since.elapsed().as_millis();
                info!(shard = shard.index(), down_ms, "this shard can be written again");
                regained = true;
            } else {
                (lost.failed, lost.probe) = (false, self.probe(shard));
                self.shards.insert(shard, lost);
            }
        }
        self.show();
        regained
    }

    fn show(&self) {
        counters::lost_shards(self.shards.len());
    }

    fn probe(&self, shard: ShardId) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(until_it_answers(self.bus.clone(), shard)))
    }
}

/// Returns when the node that has the shard answers for it.
async fn until_it_answers(bus: Redis, shard: ShardId) {
    let mut failures = 0;
    loop {
        failures += 1;
        let wait: Duration = Backoff::BUS.random_delay(failures);
        sleep(wait).await;
        match answers(&bus, shard).await {
            Ok(()) => return,
            Err(_) => bus.doubt(Place::Shard(shard)),
        }
    }
}

async fn answers(bus: &Redis, shard: ShardId) -> Result<(), Error> {
    let node = bus.node_of(Place::Shard(shard)).await?;
    let mut commands = redis::pipe();
    commands.cmd("GET").arg(keys::counter(shard)).ignore();
    Link::new(bus.clone(), node).query::<()>(&commands).await
}
