//! Closed bars that are not known to be on the bus: unlike other values they are never conflated.

use super::counters;
use crate::derive::merge;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};
use tickcast_shared::{
    bus::Record,
    clock::Micros,
    market::{Bar, Topic},
};

/// Most bars kept while nothing can be written: half an hour of a thousand topics. Past it the oldest
/// are given up, counted.
const CAPACITY: usize = 1 << 15;

/// Closed bars in the order of their closing, until their write is confirmed.
#[derive(Debug, Default)]
pub(super) struct Closings(VecDeque<(Topic, Bar)>);

impl Closings {
    pub(super) fn push(&mut self, topic: Topic, bar: Bar) {
        if self.0.len() >= CAPACITY {
            self.0.pop_front();
            counters::bars_lost(1);
        }
        self.0.push_back((topic, bar));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Topic, Bar)> {
        self.0.iter()
    }

    /// Which bars they are.
    pub(super) fn openings(&self) -> HashSet<(&Topic, Micros)> {
        self.0.iter().map(|(topic, bar)| (topic, bar.open_time)).collect()
    }

    /// They are on the bus.
    pub(super) fn confirmed(&mut self) {
        self.0.clear();
    }

    /// Another writer lives, and has written what ended before that time.
    pub(super) fn forget_before(&mut self, time: Micros) {
        while self.0.front().is_some_and(|(_, bar)| bar.close_time < time) {
            self.0.pop_front();
        }
    }

    /// Leaves out what a former writer has closed, and adds what it saw of a bar that it has not.
    /// What was written under `own`, an epoch of this process, is known already.
    pub(super) fn reconcile(&mut self, cached: &[(Topic, Arc<Record>)], own: u64) {
        let bars = cached.iter().filter_map(|(topic, it)| Some((topic, (it, it.body.bar()?))));
        let left: HashMap<&Topic, (&Arc<Record>, &Bar)> = bars.collect();
        self.0.retain_mut(|(topic, bar)| match left.get(topic) {
            Some((record, former)) if former.open_time == bar.open_time && !former.closed => {
                if record.stamp.epoch != own {
                    merge(former, bar);
                }
                true
            }
            Some((_, former)) => bar.open_time > former.open_time,
            None => true,
        });
    }
}
