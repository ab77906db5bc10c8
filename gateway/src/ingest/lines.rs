//! The lines of bars: which closed bar of each kline topic clients have been told of last, and
//! whether one may have been missed.
//!
//! Messages of a shard come in order and without a hole, or the ingest knows of the hole. Behind a
//! hole closed bars are withheld until the bus has been read: then all that closed meanwhile is told
//! in order, each bar once.

use crate::{
    bars::{
        BarStore, MOST_BARS,
        reader::{Done, Job},
    },
    hub::{BarMark, BarsNews, TopicId, Update},
    metrics::table,
};
use std::collections::HashMap;
use tickcast_shared::{
    bus::{Record, ShardId, Stamp},
    clock::Micros,
    market::{Bar, Topic},
};
use tracing::{debug, warn};

/// Bars that are read beyond those that can have closed: clocks differ, and an overlap proves that
/// nothing is missing between.
const OVERLAP: i64 = 2;

/// One kline topic.
#[derive(Debug)]
struct Line {
    id: TopicId,
    shard: ShardId,
    /// Under which the last closed bar came.
    epoch: u64,
    /// Opening of the last closed bar that clients have been told of.
    closed: Option<Micros>,
    /// Whether bars that closed since may have been missed.
    is_unsure: bool,
    reading: Reading,
    /// Steps whenever more may have been missed: what was read before does not count.
    generation: u64,
}

/// Whether the topic is being read from the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    No,
    Asked,
    /// It failed; to be tried again with the next look, if that is wanted.
    Failed {
        again: bool,
    },
}

/// All kline topics that there have ever been.
#[derive(Debug, Default)]
pub struct Lines {
    lines: HashMap<Topic, Line>,
    store: BarStore,
    /// What the reader is to do next.
    jobs: Vec<Job>,
}

impl Lines {
    /// None yet; they keep the store up to date.
    #[must_use]
    pub fn new(store: BarStore) -> Self {
        Self { store, ..Self::default() }
    }

    /// A bar has come. Returns what shards are to know with it; none if it is not to be told now.
    /// `is_whole` says that no message of its shard is missing.
    pub fn bar(
        &mut self,
        topic: &Topic,
        id: TopicId,
        record: &Record,
        bar: &Bar,
        is_whole: bool,
    ) -> Option<BarMark> {
        let Stamp { epoch, .. } = record.stamp;
        let line = self.lines.entry(topic.clone()).or_insert_with(|| Line {
            id,
            shard: ShardId::of(topic),
            epoch,
            closed: None,
            is_unsure: false,
            reading: Reading::No,
            generation: 0,
        });
        let mark = |before| BarMark { open: bar.open_time, is_closed: bar.closed, before };
        if !bar.closed {
            // A bar that has closed does not open again, whatever its writer's successor believes.
            let is_over = line.closed.is_some_and(|closed| bar.open_time <= closed);
            return (!is_over).then(|| mark(line.closed));
        }
        self.store.push(topic, bar.clone());
        if line.closed.is_some_and(|closed| bar.open_time <= closed) {
            return Some(mark(line.closed));
        }
        let is_new_epoch = std::mem::replace(&mut line.epoch, epoch) != epoch;
        // A feed that takes over may have filled in what closed while there was none.
        let is_next = line.closed.is_none_or(|closed| bar.open_time <= follower(topic, closed));
        if !is_whole || is_new_epoch && !is_next && self.store.is_wanted(topic) {
            (line.is_unsure, line.generation) = (true, line.generation + 1);
        }
        if line.is_unsure {
            if is_whole {
                self.settle_one(topic, bar.close_time);
            }
            return None;
        }
        let before = line.closed.replace(bar.open_time);
        Some(mark(before))
    }

    /// Messages of a shard are missing, or may be.
    pub fn distrust(&mut self, shard: ShardId) {
        for line in self.lines.values_mut().filter(|line| line.shard == shard) {
            (line.is_unsure, line.generation) = (true, line.generation + 1);
        }
    }

    /// From here on no message of a shard is missing: what may have closed before is read.
    pub fn settle(&mut self, shard: ShardId, now: Micros) {
        let unsure = self.lines.iter().filter(|(_, line)| line.shard == shard && line.is_unsure);
        let topics: Vec<Topic> = unsure.map(|(topic, _)| topic.clone()).collect();
        topics.iter().for_each(|topic| self.settle_one(topic, now));
    }

    fn settle_one(&mut self, topic: &Topic, now: Micros) {
        let Some(line) = self.lines.get_mut(topic) else { return };
        if !self.store.is_wanted(topic) {
            // Nobody has been told of any.
            (line.is_unsure, line.closed) = (false, None);
            self.store.clear(topic);
            return;
        }
        if line.reading == Reading::Asked {
            // What comes of it is too old, and asks again.
            return;
        }
        let limit = line.closed.map_or(MOST_BARS, |closed| missed_at_most(topic, closed, now));
        line.reading = Reading::Asked;
        let generation = line.generation;
        self.jobs.push(Job { topic: topic.clone(), limit, generation });
    }

    /// Shards have asked for these.
    pub fn asked(&mut self, topics: Vec<Topic>) {
        for topic in topics {
            let Some(line) = self.lines.get_mut(&topic) else {
                self.store.read_failed(&topic);
                continue;
            };
            match line.reading {
                Reading::Failed { .. } => line.reading = Reading::Failed { again: true },
                Reading::Asked => {}
                Reading::No => {
                    line.reading = Reading::Asked;
                    let generation = line.generation;
                    self.jobs.push(Job { topic, limit: MOST_BARS, generation });
                }
            }
        }
    }

    /// Tries again what has failed and is still needed. `is_whole` is asked of each topic's shard.
    pub fn look(&mut self, is_whole: impl Fn(ShardId) -> bool) {
        for (topic, line) in &mut self.lines {
            let Reading::Failed { again } = line.reading else { continue };
            let is_needed = again || line.is_unsure && is_whole(line.shard);
            line.reading = if is_needed { Reading::Asked } else { Reading::No };
            if is_needed {
                let generation = line.generation;
                self.jobs.push(Job { topic: topic.clone(), limit: MOST_BARS, generation });
            }
        }
    }

    /// What is to be read now.
    pub fn jobs(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.jobs)
    }

    /// A topic was read, or could not be. Returns what shards are to be told.
    pub fn read(&mut self, done: Done, is_whole: impl Fn(ShardId) -> bool) -> Option<Update> {
        let Done { job: Job { topic, limit, generation }, bars } = done;
        let line = self.lines.get_mut(&topic)?;
        let result = if bars.is_ok() { "ok" } else { "failed" };
        table::BAR_READS.of([result]).increment(1);
        let is_read = match bars {
            Err(error) => {
                warn!(%topic, %error, "bars could not be read from the bus");
                line.reading = Reading::Failed { again: false };
                self.store.read_failed(&topic);
                false
            }
            Ok(_) if line.generation != generation && is_whole(line.shard) => {
                // More may have closed since; the bus is asked once more.
                let generation = line.generation;
                self.jobs.push(Job { topic, limit: MOST_BARS, generation });
                return None;
            }
            Ok(bars) => {
                debug!(%topic, bars = bars.len(), "read from the bus");
                line.reading = Reading::No;
                let last = self.store.read(&topic, bars, limit);
                if line.generation == generation && (line.is_unsure || line.closed.is_none()) {
                    line.closed = line.closed.max(last);
                    line.is_unsure &= !is_whole(line.shard);
                }
                true
            }
        };
        let news = BarsNews { id: line.id, closed: line.closed, is_read };
        Some(Update::Bars(news))
    }
}

/// When the bar behind the one that opened at `open` opens.
fn follower(topic: &Topic, open: Micros) -> Micros {
    topic.interval().map_or(open, |interval| interval.close_of(open))
}

/// How many bars can have closed since the one that opened at `closed`.
fn missed_at_most(topic: &Topic, closed: Micros, now: Micros) -> usize {
    let Some(interval) = topic.interval() else { return MOST_BARS };
    let most = now.0.saturating_sub(closed.0) / interval.micros() + OVERLAP;
    usize::try_from(most).map_or(MOST_BARS, |most| most.min(MOST_BARS))
}

#[cfg(test)]
mod tests;
