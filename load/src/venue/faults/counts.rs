//! What a simulated exchange counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// What happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// WebSocket handshakes asked for.
    pub dials: u64,
    /// Of these, refused by a fault.
    pub refused: u64,
    /// KuCoin tokens issued.
    pub tokens: u64,
    /// Dials with a token that was unknown, used or expired.
    pub bad_tokens: u64,
    /// Connections open now.
    pub open: u64,
    /// Connections that the exchange ended for the client's silence or excess.
    pub dropped_clients: u64,
    /// Subscribe requests.
    pub subscribes: u64,
    /// Application pings received, and pongs to Binance's ping frames.
    pub heartbeats: u64,
    /// Market data messages written to sockets.
    pub frames: u64,
    /// Market data messages that found a connection's queue full.
    pub dropped: u64,
    /// Market data messages that nobody had subscribed to.
    pub unwanted: u64,
    /// Frames of garbage written by a fault.
    pub garbage: u64,
}

/// [`Counts`] while they are counted.
#[derive(Debug, Default)]
pub(in crate::venue) struct Counters {
    pub(in crate::venue) dials: AtomicU64,
    pub(in crate::venue) refused: AtomicU64,
    pub(in crate::venue) tokens: AtomicU64,
    pub(in crate::venue) bad_tokens: AtomicU64,
    pub(in crate::venue) dropped_clients: AtomicU64,
    pub(in crate::venue) subscribes: AtomicU64,
    pub(in crate::venue) heartbeats: AtomicU64,
    pub(in crate::venue) frames: AtomicU64,
    pub(in crate::venue) dropped: AtomicU64,
    pub(in crate::venue) unwanted: AtomicU64,
    pub(in crate::venue) garbage: AtomicU64,
}

impl Counters {
    pub(in crate::venue) fn read(&self, open: u64) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            dials: get(&self.dials),
            refused: get(&self.refused),
            tokens: get(&self.tokens),
            bad_tokens: get(&self.bad_tokens),
            open,
            dropped_clients: get(&self.dropped_clients),
            subscribes: get(&self.subscribes),
            heartbeats: get(&self.heartbeats),
            frames: get(&self.frames),
            dropped: get(&self.dropped),
            unwanted: get(&self.unwanted),
            garbage: get(&self.garbage),
        }
    }
}
