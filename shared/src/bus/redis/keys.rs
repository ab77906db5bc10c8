//! Every key and channel on Redis, in one place. The braces are literal: what stands in them decides
//! a cluster's slot, so all keys of a shard share one.

use crate::{
    bus::{Group, ShardId},
    market::Topic,
};

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
    fn keys_of_a_shard_share_a_slot() {
        let shard = ShardId::new(7).unwrap();
        assert_eq!(fence(shard), "tc:{7}:fence");
        assert_eq!(last(shard), "tc:{7}:last");
        assert_eq!(lease(&Group::new("main")), "tc:{ctl}:lease:main");
    }
}
