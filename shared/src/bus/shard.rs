//! Which of the bus's shards a topic lives on.

use crate::market::Topic;

/// How many shards there are. Part of the wire format: it never changes for a running system.
pub const SHARDS: u8 = 16;

/// A shard, `0..SHARDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ShardId(u8);

impl ShardId {
    /// The shard of a topic: CRC16/XMODEM of its text, modulo [`SHARDS`], the same in every
    /// language and release.
    #[must_use]
    pub fn of(topic: &Topic) -> Self {
        let crc = crc16::State::<crc16::XMODEM>::calculate(topic.as_str().as_bytes());
        Self((crc % u16::from(SHARDS)).to_le_bytes()[0])
    }

    /// The shard of that number, if it exists.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (number < SHARDS).then_some(Self(number))
    }

    /// All shards in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }

    /// Position in an array of [`SHARDS`] elements.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_stays_on_its_shard_for_ever() {
        let shard = |text: &str| ShardId::of(&text.parse().unwrap()).index();
        // CRC16/XMODEM by an independent implementation (Python's binascii.crc_hqx), modulo 16.
        assert_eq!(shard("ticker:kucoin:BTC-USDT"), 5);
        assert_eq!(shard("ticker:okx:ETH-USDT"), 2);
    }
}
