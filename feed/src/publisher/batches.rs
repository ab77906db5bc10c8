//! Changes sorted by shard, each of them whole within one atomic step.

use crate::derive::closed_bar;
use std::sync::Arc;
use tickcast_shared::{
    bus::{MAX_BATCH, MAX_BATCH_BARS, Record, SHARDS, ShardBatch, ShardId},
    market::Topic,
};

/// Batches in order. Within a batch removals follow values, so a value that follows a removal opens
/// the shard's next batch. No batch is larger than one step, so that a bar's closing is published in
/// the same step in which the bar is kept.
#[derive(Default)]
pub(super) struct Batches {
    done: Vec<ShardBatch>,
    open: [Option<usize>; SHARDS as usize],
}

impl Batches {
    /// Adds a value; of a closed bar also the bar to be kept.
    pub(super) fn put(&mut self, topic: Topic, record: Arc<Record>) {
        let shard = ShardId::of(&topic);
        let batch = self.open(shard);
        let is_full = batch.puts.len() >= MAX_BATCH || batch.bars.len() >= MAX_BATCH_BARS;
        if is_full || !batch.removes.is_empty() {
            self.open[shard.index()] = None;
        }
        let batch = self.open(shard);
        if let Some(bar) = closed_bar(&record.body) {
            batch.bars.push((topic.clone(), bar.clone()));
        }
        batch.puts.push((topic, record));
    }

    /// Adds a removal.
    pub(super) fn remove(&mut self, topic: Topic) {
        self.open(ShardId::of(&topic)).removes.push(topic);
    }

    /// All of them.
    pub(super) fn done(self) -> Vec<ShardBatch> {
        self.done
    }

    fn open(&mut self, shard: ShardId) -> &mut ShardBatch {
        let at = *self.open[shard.index()].get_or_insert_with(|| {
            self.done.push(ShardBatch { shard, ..ShardBatch::default() });
            self.done.len() - 1
        });
        &mut self.done[at]
    }
}
