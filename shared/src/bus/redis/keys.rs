//! Every key and channel on Redis, in one place. The braces are literal: what stands in them decides
//! a cluster's slot, so all keys of a shard share one.

use crate::{
    bus::{Group, SHARDS, ShardId},
    market::Topic,
};

/// Slots of a cluster (cluster specification, "Key distribution model").
const SLOTS: u16 = 16_384;

/// What a cluster keeps together on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Leases and epochs.
    Control,
    /// The dead letters.
    Letters,
    /// A shard's keys and its channel.
    Shard(ShardId),
}

impl Place {
    /// How many there are.
    pub(super) const COUNT: usize = SHARDS as usize + 2;

    pub(super) fn all() -> impl Iterator<Item = Self> {
        [Self::Control, Self::Letters].into_iter().chain(ShardId::all().map(Self::Shard))
    }

    /// Position in an array of [`Self::COUNT`] elements.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Control => 0,
            Self::Letters => 1,
            Self::Shard(shard) => shard.index() + 2,
        }
    }

    /// The slot that the tag in its keys leads to: CRC16/XMODEM modulo 16384.
    pub(super) fn slot(self) -> u16 {
        let tag = match self {
            Self::Control => "ctl".to_owned(),
            // The name has no tag: all of it counts.
            Self::Letters => DEAD_LETTERS.to_owned(),
            Self::Shard(shard) => shard.index().to_string(),
        };
        crc16::State::<crc16::XMODEM>::calculate(tag.as_bytes()) % SLOTS
    }
}

/// Counts up to the newest epoch of any group.
pub(super) const EPOCH: &str = "tc:{ctl}:epoch";

/// Stream of the messages that feeds refused.
pub(super) const DEAD_LETTERS: &str = "tc:dlq";

/// Holds the token of the group's writer.
pub(super) fn lease(group: &Group) -> String {
    format!("tc:{{ctl}}:lease:{group}")
}

/// Hash of group to `epoch expires_at_us batch`.
pub(super) fn fence(shard: ShardId) -> String {
    format!("tc:{{{}}}:fence", shard.index())
}

/// Counts the shard's messages.
pub(super) fn counter(shard: ShardId) -> String {
    format!("tc:{{{}}}:n", shard.index())
}

/// Hash of topic to packed value.
pub(super) fn last(shard: ShardId) -> String {
    format!("tc:{{{}}}:last", shard.index())
}

/// List of a kline topic's closed bars, oldest first.
pub(super) fn bars(topic: &Topic) -> String {
    format!("tc:{{{}}}:bars:{topic}", ShardId::of(topic).index())
}

/// The channel of the shard's messages.
pub(super) fn channel(shard: ShardId) -> String {
    format!("tc:{{{}}}", shard.index())
}

/// The shard whose channel has that name.
pub(super) fn shard_of_channel(name: &[u8]) -> Option<ShardId> {
    let name = std::str::from_utf8(name).ok()?;
    let number = name.strip_prefix("tc:{")?.strip_suffix('}')?;
    ShardId::new(number.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_lead_back_to_their_shard() {
        for shard in ShardId::all() {
            assert_eq!(shard_of_channel(channel(shard).as_bytes()), Some(shard));
        }
        for name in ["tc:{16}", "tc:{}", "tc:{1", "other", "tc:{ctl}"] {
            assert_eq!(shard_of_channel(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn places_have_the_slots_that_redis_gives_their_keys() {
        // `CLUSTER KEYSLOT tc:{ctl}:epoch` and so on, from Redis 7.0.
        let slots: Vec<u16> = Place::all().take(4).map(Place::slot).collect();
        assert_eq!(slots, [11_148, 5931, 13_907, 9842]);
        assert!(Place::all().enumerate().all(|(at, place)| place.index() == at));
        assert_eq!(Place::all().count(), Place::COUNT);
    }

    #[test]
    fn keys_of_a_shard_share_a_slot() {
        let shard = ShardId::new(7).unwrap();
        assert_eq!(fence(shard), "tc:{7}:fence");
        assert_eq!(last(shard), "tc:{7}:last");
        assert_eq!(lease(&Group::new("main")), "tc:{ctl}:lease:main");
    }
}
