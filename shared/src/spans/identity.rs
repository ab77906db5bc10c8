//! Which trace a tick belongs to, and whether it is sampled: the same answer in every process.

use crate::{bus::Stamp, market::Topic};
use std::sync::LazyLock;

/// The offset basis and the prime of FNV-1a with 64 bits (RFC 9923).
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Tells this process's spans of a tick from those of other gateways.
static PROCESS: LazyLock<u64> = LazyLock::new(rand::random);

/// The trace of one update of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// A part of a tick's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hop {
    /// From the frame to the sealed update.
    FeedDecode,
    /// From there to the bus.
    FeedPublish,
    /// From the bus to a pass.
    GatewayIngest,
    /// From there to the sockets.
    GatewayPass,
}

/// Which ticks are sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampler {
    /// Of the 2^63 values that an id's lowest 63 bits have, those below are taken.
    below: u64,
}

impl TraceId {
    /// The trace of an update. The halves are the same hash, mixed apart. It must never change:
    /// a feed and its gateways may be of different builds.
    #[must_use]
    pub fn of(topic: &Topic, stamp: Stamp) -> Self {
        let stamps = [stamp.epoch.to_be_bytes(), stamp.seq.to_be_bytes()];
        let bytes = topic.as_str().bytes().chain(stamps.into_iter().flatten());
        let hash =
            bytes.fold(FNV_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        let (high, low) = (mix(hash), mix(hash.wrapping_add(FNV_BASIS)));
        // Zero is no id (W3C Trace Context, section 3.2.2.3).
        Self((u128::from(high) << 64 | u128::from(low)).max(1))
    }

    /// The id as OpenTelemetry writes it.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The id of a span of this trace. What the feed writes is the same in every process.
    #[must_use]
    pub fn span(self, hop: Hop) -> [u8; 8] {
        let low = u64::try_from(self.0 & u128::from(u64::MAX)).unwrap_or(0);
        let process = if hop.is_of_feed() { 0 } else { *PROCESS };
        let id = mix(mix(low.wrapping_add(hop as u64 + 1)) ^ process);
        id.max(1).to_be_bytes()
    }
}

impl Hop {
    /// The span's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FeedDecode => "feed.decode",
            Self::FeedPublish => "feed.publish",
            Self::GatewayIngest => "gateway.ingest",
            Self::GatewayPass => "gateway.pass",
        }
    }

    /// The part before it.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        match self {
            Self::FeedDecode => None,
            Self::FeedPublish => Some(Self::FeedDecode),
            Self::GatewayIngest => Some(Self::FeedPublish),
            Self::GatewayPass => Some(Self::GatewayIngest),
        }
    }

    /// Whether the feed makes the span.
    #[must_use]
    pub fn is_of_feed(self) -> bool {
        matches!(self, Self::FeedDecode | Self::FeedPublish)
    }
}

impl Sampler {
    /// Takes this part of all ticks, 0 to 1.
    #[must_use]
    pub fn new(ratio: f64) -> Self {
        // The sampler's rule (OpenTelemetry SDK, TraceIdRatioBased): lowest 63 bits below the bound.
        Self { below: (ratio.clamp(0.0, 1.0) * (1_u64 << 63) as f64) as u64 }
    }

    /// The trace of an update, if it is sampled.
    #[must_use]
    pub fn trace(self, topic: &Topic, stamp: Stamp) -> Option<TraceId> {
        let id = TraceId::of(topic, stamp);
        let low = u64::try_from(id.0 & u128::from(u64::MAX)).unwrap_or(u64::MAX);
        (low >> 1 < self.below).then_some(id)
    }
}

/// The finalizer of SplitMix64: every bit of the input changes about half of the output's.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn topic(name: &str) -> Topic {
        format!("ticker:kucoin:{name}").parse().unwrap()
    }

    fn stamps() -> impl Iterator<Item = Stamp> {
        (1..=10_000).map(|seq| Stamp { epoch: 1_729_757_700_001, seq })
    }

    #[test]
    fn the_id_of_an_update_stays_what_it_is() {
        // Written down once: another build's feed and gateway must find the same.
        let id = TraceId::of(&topic("BTC-USDT"), Stamp { epoch: 1_729_757_700_001, seq: 1042 });
        let hex: String = id.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "e5140c0b4b949e20b467e93876b38ff3");
        let span: String =
            id.span(Hop::FeedPublish).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(span, "f459cedf0ea81c8d");
    }

    #[test]
    fn updates_have_traces_and_spans_of_their_own() {
        let ids: HashSet<TraceId> = ["BTC-USDT", "ETH-USDT"]
            .iter()
            .flat_map(|name| stamps().map(|stamp| TraceId::of(&topic(name), stamp)))
            .collect();
        assert_eq!(ids.len(), 20_000);
        let hops = [Hop::FeedDecode, Hop::FeedPublish, Hop::GatewayIngest, Hop::GatewayPass];
        let spans: HashSet<_> = ids.iter().flat_map(|id| hops.map(|hop| id.span(hop))).collect();
        assert_eq!(spans.len(), 80_000);
    }

    #[test]
    fn a_smaller_ratio_takes_a_part_of_what_a_larger_takes() {
        let topic = topic("BTC-USDT");
        let taken = |ratio: f64| -> HashSet<TraceId> {
            let sampler = Sampler::new(ratio);
            stamps().filter_map(|stamp| sampler.trace(&topic, stamp)).collect()
        };
        let (few, more) = (taken(0.01), taken(0.2));
        assert!((50..200).contains(&few.len()), "{}", few.len());
        assert!((1_700..2_300).contains(&more.len()), "{}", more.len());
        assert!(few.is_subset(&more));
        assert_eq!((taken(0.0).len(), taken(1.0).len()), (0, 10_000));
    }
}
