//! What a simulated exchange does wrong on purpose, and what it counts.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

/// The faults in force. Change them at any time through
/// [`VenueControl::change`](super::VenueControl::change); a new fault is a new field here and one
/// place that obeys it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// WebSocket handshakes are answered with this HTTP status.
    pub refuse_dials: Option<u16>,
    /// REST requests are answered with this HTTP status and an empty body.
    pub refuse_rest: Option<u16>,
    /// Market data is withheld; everything else is answered.
    pub mute: bool,
    /// Application pings stay unanswered (KuCoin JSON ping, OKX text ping).
    pub ignore_pings: bool,
    /// Symbols, in our spelling, whose subscription is refused although they are listed.
    pub rejected: BTreeSet<String>,
    /// So many of the next KuCoin tokens are expired when they are issued.
    pub expired_tokens: u32,
    /// KuCoin's token request is answered with this `code` (400302: refused by region).
    pub refuse_tokens: Option<&'static str>,
}

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
}

/// [`Counts`] while they are counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) dials: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) tokens: AtomicU64,
    pub(super) bad_tokens: AtomicU64,
    pub(super) dropped_clients: AtomicU64,
    pub(super) subscribes: AtomicU64,
    pub(super) heartbeats: AtomicU64,
    pub(super) frames: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) unwanted: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self, open: u64) -> Counts {
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
        }
    }
}
