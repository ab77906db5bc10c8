//! One feed's part of the symbols, where several feeds share the work.

use std::{fmt, num::NonZeroU16, str::FromStr};
use tickcast_shared::{bus::Group, market::Topic};

/// Most parts: each is a lease and a heartbeat on every shard of the bus, once a second.
const MAX_PARTS: u16 = 64;

/// Part `K` of `N`, written `K/N`; the parts are counted from 1. Each symbol is in exactly one.
///
/// The symbol alone decides, whatever the exchange and the channel: an index and its sources, and a
/// ticker and its bars, belong to one feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Counted from 0.
    part: u16,
    parts: NonZeroU16,
}

/// A text that is no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write K/N with 1 <= K <= N <= {MAX_PARTS}, such as 1/3")]
pub struct BadPartition;

impl Partition {
    /// Everything.
    pub const WHOLE: Self = Self { part: 0, parts: NonZeroU16::MIN };

    /// Whether a topic belongs to this part: CRC16/XMODEM of its symbol, modulo the number of
    /// parts, the same in every process and release.
    #[must_use]
    pub fn takes(self, topic: &Topic) -> bool {
        let crc = crc16::State::<crc16::XMODEM>::calculate(topic.symbol().as_bytes());
        crc % self.parts == self.part
    }

    /// The group that this part's writers share: feeds of one part relieve each other, those of
    /// different parts write side by side.
    #[must_use]
    pub fn group(self, name: &str) -> Group {
        match self.parts.get() {
            1 => Group::new(name),
            parts => Group::new(&format!("{name}-{}of{parts}", self.part + 1)),
        }
    }
}

impl Default for Partition {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl FromStr for Partition {
    type Err = BadPartition;

    fn from_str(text: &str) -> Result<Self, BadPartition> {
        let (part, parts) = text.split_once('/').ok_or(BadPartition)?;
        let number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<NonZeroU16>().ok().filter(|_| is_plain).ok_or(BadPartition)
        };
        let (part, parts) = (number(part)?, number(parts)?);
        let exists = part <= parts && parts.get() <= MAX_PARTS;
        if exists { Ok(Self { part: part.get() - 1, parts }) } else { Err(BadPartition) }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part + 1, self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> Topic {
        text.parse().unwrap()
    }

    #[test]
    fn every_symbol_is_in_exactly_one_part_with_all_that_is_made_of_it() {
        let parts: Vec<Partition> = (1..=5).map(|n| format!("{n}/5").parse().unwrap()).collect();
        let mut sizes = [0; 5];
        for n in 0..1000 {
            let names = [
                format!("ticker:kucoin:S{n}-USDT"),
                format!("ticker:index:S{n}-USDT"),
                format!("kline:okx:S{n}-USDT:1m"),
            ];
            let takers = names.map(|name| {
                let topic = topic(&name);
                let takers: Vec<usize> = (0..5).filter(|at| parts[*at].takes(&topic)).collect();
                assert_eq!(takers.len(), 1, "{name}: {takers:?}");
                takers[0]
            });
            assert!(takers.iter().all(|taker| *taker == takers[0]), "{takers:?}");
            sizes[takers[0]] += 1;
        }
        assert!(sizes.iter().all(|size| (150..250).contains(size)), "{sizes:?}");
    }

    #[test]
    fn a_symbol_stays_in_its_part_for_ever() {
        let third = |text: &str| {
            let takes =
                |n: &u16| format!("{n}/3").parse::<Partition>().unwrap().takes(&topic(text));
            (1..=3).find(takes).unwrap()
        };
        // CRC16/XMODEM by an independent implementation (Python's binascii.crc_hqx), modulo 3.
        let parts =
            ["BTC-USDT", "ETH-USDT", "SOL-USDT"].map(|it| third(&format!("ticker:okx:{it}")));
        assert_eq!(parts, [1, 1, 3]);
    }

    #[test]
    fn the_whole_takes_everything_and_leaves_the_group_its_name() {
        assert!(Partition::WHOLE.takes(&topic("ticker:okx:A-B")));
        assert_eq!("1/1".parse(), Ok(Partition::default()));
        assert_eq!(Partition::WHOLE.group("main"), Group::new("main"));
        let second: Partition = "2/3".parse().unwrap();
        assert_eq!(
            (second.group("main").as_str(), second.to_string()),
            ("main-2of3", "2/3".into())
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in
            ["", "1", "0/3", "4/3", "1/0", "1/65", "+1/3", "1/3/5", "a/b", " 1/3", "1/99999"]
        {
            assert_eq!(text.parse::<Partition>(), Err(BadPartition), "{text:?}");
        }
    }
}
