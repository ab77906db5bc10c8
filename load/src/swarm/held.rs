//! The newest value of each topic that a connection has.

/// A topic's newest value on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    /// The thread's number for the topic.
    pub(super) topic: u32,
    /// Newer values received in the window.
    pub(super) newer: u32,
    /// Epoch and sequence number.
    pub(super) pair: (u64, u64),
}

/// What a value was to the connection that received it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The first of its topic, or of its epoch.
    First,
    /// Newer, this many sequence numbers after the one before.
    Newer(u64),
    /// The same again, in another state.
    Again,
    /// Older than what was there.
    Back((u64, u64)),
}

/// All topics of a connection, sorted by number.
#[derive(Debug, Default)]
pub(super) struct Held(Vec<Slot>);

impl Held {
    /// Takes a value in.
    pub(super) fn advance(&mut self, topic: u32, pair: (u64, u64), measured: bool) -> Step {
        let counted = u32::from(measured);
        let slot = match self.0.binary_search_by_key(&topic, |slot| slot.topic) {
            Ok(at) => &mut self.0[at],
            Err(at) => {
                self.0.insert(at, Slot { topic, newer: counted, pair });
                return Step::First;
            }
        };
        let before = slot.pair;
        if pair < before {
            return Step::Back(before);
        }
        if pair == before {
            return Step::Again;
        }
        (slot.pair, slot.newer) = (pair, slot.newer + counted);
        if before.0 == pair.0 { Step::Newer(pair.1 - before.1) } else { Step::First }
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_may_stand_or_rise_but_not_fall() {
        let mut held = Held::default();
        let steps = [
            ((7, 1), Step::First),
            ((7, 2), Step::Newer(1)),
            ((7, 2), Step::Again),
            ((7, 5), Step::Newer(3)),
            ((7, 4), Step::Back((7, 5))),
            ((7, 6), Step::Newer(1)),
            ((8, 1), Step::First),
        ];
        for (pair, step) in steps {
            assert_eq!(held.advance(3, pair, true), step, "{pair:?}");
        }
        held.advance(1, (7, 1), false);
        let slots: Vec<_> = held.slots().iter().map(|slot| (slot.topic, slot.newer)).collect();
        assert_eq!(slots, [(1, 0), (3, 5)]);
    }
}
