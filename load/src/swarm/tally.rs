//! What one thread of the swarm sees, while it sees it.

use super::{
    group::{Ask, Group},
    held::{Held, Step},
    inflate::Inflater,
    packed::PackedScanner,
    part::{GroupPart, Part, Spread, least},
    scan::{Fields, Scanner},
};
use std::collections::HashMap;

/// Bytes read at a time, shared by all connections of a thread.
const SCRATCH_BYTES: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct Tally {
    pub(super) part: Part,
    pub(super) scanner: Scanner,
    pub(super) packed: PackedScanner,
    pub(super) inflater: Inflater,
    pub(super) scratch: Vec<u8>,
    /// The thread's number for each topic.
    topics: HashMap<Box<[u8]>, u32>,
    /// By group, then by topic.
    spreads: Vec<HashMap<u32, Spread>>,
}

impl Tally {
    pub(super) fn new(groups: &[Group]) -> Self {
        let named = |group: &Group| GroupPart {
            name: group.name.clone(),
            random: group.per_client.is_some(),
            ..GroupPart::default()
        };
        Self {
            part: Part { groups: groups.iter().map(named).collect(), ..Part::default() },
            scanner: Scanner::new(),
            packed: PackedScanner::new(),
            inflater: Inflater::new(),
            scratch: vec![0; SCRATCH_BYTES],
            topics: HashMap::new(),
            spreads: vec![HashMap::new(); groups.len()],
        }
    }

    /// The thread's number for a topic.
    fn topic(&mut self, name: &[u8]) -> u32 {
        if let Some(number) = self.topics.get(name) {
            return *number;
        }
        // Fewer topics than a u32 counts fit into memory.
        let number = u32::try_from(self.topics.len()).unwrap_or(u32::MAX);
        self.topics.insert(name.into(), number);
        number
    }

    /// Checks a value against what the connection has and keeps it. Whether it is newer.
    pub(super) fn advance(
        &mut self,
        group: usize,
        held: &mut Held,
        fields: &Fields,
        measured: bool,
    ) -> bool {
        let (topic, pair) = (self.topic(fields.topic), (fields.epoch, fields.seq));
        let window = &mut self.part.groups[group].window;
        match held.advance(topic, pair, measured) {
            Step::First => true,
            Step::Newer(by) => {
                window.skipped += if measured { by - 1 } else { 0 };
                true
            }
            Step::Again => {
                window.replaced += u64::from(measured);
                false
            }
            Step::Back(before) => {
                let topic = String::from_utf8_lossy(fields.topic).into_owned();
                let fault = || format!("{topic} went back from {before:?} to {pair:?}");
                self.part.violations.add(fault);
                false
            }
        }
    }

    /// A reading client's end, whatever ended it.
    pub(super) fn ended(&mut self, group: usize, deliveries: u64) {
        let part = &mut self.part.groups[group];
        part.client_min = least(part.client_min, Some(deliveries));
        part.client_max = part.client_max.max(deliveries);
    }

    /// A reading client was there to the end.
    pub(super) fn stayed(&mut self, number: usize, group: &Group, held: &Held) {
        let part = &mut self.part.groups[number];
        part.stayed += 1;
        if group.deflate || matches!(group.ask, Ask::Other(_)) {
            return;
        }
        for slot in held.slots() {
            let spread = Spread::of(slot.pair);
            let known = self.spreads[number].entry(slot.topic);
            known.and_modify(|known| known.merge(spread)).or_insert(spread);
        }
        let (wanted, slots) = (group.wanted(), held.slots());
        if wanted == 0 {
            return;
        }
        let fewest = slots.iter().map(|slot| u64::from(slot.newer)).min().unwrap_or(0);
        let complete = slots.len() >= wanted;
        part.newest_min = least(part.newest_min, Some(if complete { fewest } else { 0 }));
        // What an address asks for may be a pattern.
        if group.ask != Ask::Url {
            part.missing += wanted.saturating_sub(slots.len()) as u64;
        }
    }

    /// The thread is done.
    pub(super) fn into_part(mut self) -> Part {
        let names: HashMap<u32, Box<[u8]>> =
            self.topics.into_iter().map(|(name, number)| (number, name)).collect();
        for (part, spreads) in self.part.groups.iter_mut().zip(self.spreads) {
            for (number, spread) in spreads {
                let name = names.get(&number).map(|name| String::from_utf8_lossy(name));
                part.topics.insert(name.unwrap_or_default().into_owned(), spread);
            }
        }
        self.part
    }
}

#[cfg(test)]
mod tests {
    use super::{super::group::Settings, *};

    fn fields(seq: u64) -> Fields<'static> {
        Fields { topic: b"ticker:kucoin:BTC-USDT", epoch: 7, seq, published: None }
    }

    #[test]
    fn skipped_and_repeated_values_are_counted() {
        let mut tally = Tally::new(&[Group::new("all", 1)]);
        let mut held = Held::default();
        for (seq, newer) in [(1, true), (2, true), (2, false), (5, true), (4, false), (6, true)] {
            assert_eq!(tally.advance(0, &mut held, &fields(seq), true), newer, "{seq}");
        }
        let part = tally.into_part();
        assert_eq!((part.groups[0].window.replaced, part.groups[0].window.skipped), (1, 2));
        assert!(part.violations.examples[0].contains("from (7, 5) to (7, 4)"));
    }

    #[test]
    fn a_topic_that_never_came_is_missing_and_has_no_rate() {
        let topics = vec!["ticker:kucoin:BTC-USDT".to_owned(), "ticker:okx:ETH-USDT".to_owned()];
        let ask = Ask::Tickcast(Settings::default());
        let group = Group { topics, ask, ..Group::new("all", 1) };
        let mut tally = Tally::new(std::slice::from_ref(&group));
        let mut held = Held::default();
        tally.advance(0, &mut held, &fields(1), true);
        tally.stayed(0, &group, &held);
        let part = &tally.into_part().groups[0];
        assert_eq!((part.stayed, part.missing, part.newest_min), (1, 1, Some(0)));
        assert_eq!(part.topics["ticker:kucoin:BTC-USDT"].holders, 1);
    }
}
