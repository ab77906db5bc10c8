//! A bounded queue that, when full, keeps the newest value of every key instead of dropping any.

use std::{collections::HashMap, hash::Hash};

/// Values in order of arrival up to `capacity`; past it, older values of a key give way to newer.
///
/// It never holds more than `capacity` values or one value per key, whichever is larger, and the
/// newest value of a key is never what is dropped.
#[derive(Debug)]
pub struct Conflating<K, V> {
    entries: Vec<(K, V)>,
    capacity: usize,
    /// Position of each key's newest entry; filled only while the queue is past its capacity.
    newest: HashMap<K, usize>,
    conflated: u64,
}

impl<K: Eq + Hash + Clone, V> Conflating<K, V> {
    /// An empty queue for `capacity` values in order.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { entries: Vec::new(), capacity, newest: HashMap::new(), conflated: 0 }
    }

    /// Adds a value; returns how many older ones were given up for it.
    pub fn push(&mut self, key: K, value: V) -> u64 {
        if self.entries.len() < self.capacity && self.newest.is_empty() {
            self.entries.push((key, value));
            return 0;
        }
        let mut lost = if self.newest.is_empty() { self.compact() } else { 0 };
        if let Some(&at) = self.newest.get(&key) {
            self.entries[at].1 = value;
            lost += 1;
        } else {
            self.newest.insert(key.clone(), self.entries.len());
            self.entries.push((key, value));
        }
        self.conflated += lost;
        lost
    }

    /// Keeps only the newest value of each key, in order of each key's first arrival.
    fn compact(&mut self) -> u64 {
        let before = self.entries.len();
        let mut kept: Vec<(K, V)> = Vec::with_capacity(before);
        for (key, value) in self.entries.drain(..) {
            if let Some(&at) = self.newest.get(&key) {
                kept[at].1 = value;
            } else {
                self.newest.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
        self.entries = kept;
        (before - self.entries.len()) as u64
    }

    /// Everything in it, in order; the queue is empty afterwards.
    pub fn take(&mut self) -> Vec<(K, V)> {
        self.newest.clear();
        std::mem::take(&mut self.entries)
    }

    /// How many values wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many values were ever given up for newer ones.
    #[must_use]
    pub fn conflated(&self) -> u64 {
        self.conflated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_every_value_while_there_is_room() {
        let mut queue = Conflating::new(3);
        for value in 1..=3 {
            assert_eq!(queue.push("a", value), 0);
        }
        assert_eq!(queue.take(), [("a", 1), ("a", 2), ("a", 3)]);
    }

    #[test]
    fn keeps_the_newest_of_each_key_when_full() {
        let mut queue = Conflating::new(3);
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("c", 5)] {
            queue.push(key, value);
        }
        assert_eq!(queue.take(), [("a", 4), ("b", 2), ("c", 5)]);
        assert_eq!(queue.conflated(), 2);
        queue.push("a", 6);
        assert_eq!(queue.len(), 1);
    }

    proptest! {
        #[test]
        fn newest_value_survives_and_memory_is_bounded(
            pushes in proptest::collection::vec((0_u8..6, any::<u32>()), 0..200),
            capacity in 0_usize..20,
        ) {
            let mut queue = Conflating::new(capacity);
            let mut newest = HashMap::new();
            for (key, value) in pushes {
                queue.push(key, value);
                newest.insert(key, value);
                prop_assert!(queue.len() <= capacity.max(6));
            }
            let mut last = HashMap::new();
            last.extend(queue.take());
            prop_assert_eq!(last, newest);
        }
    }
}
