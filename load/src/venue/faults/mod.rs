//! What a simulated exchange does wrong on purpose, and what it counts.
//!
//! - `counts`: the counters
//! - [`prices`], [`sequence`], [`framing`]: how ticks, their order and their frames are spoilt
//! - [`named`]: faults by name, for the command line

mod counts;
pub mod framing;
pub mod named;
pub mod prices;
pub mod sequence;

pub(super) use counts::Counters;
pub use counts::Counts;
pub use framing::Framing;
pub use named::NamedFault;
pub use prices::{OddPrices, OddTicks};
pub use sequence::Disorder;

use std::{collections::BTreeSet, time::Duration};

/// The faults in force. Change them at any time through
/// [`VenueControl::change`](super::VenueControl::change); a new fault is a new field here and one
/// place that obeys it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// WebSocket handshakes are answered with this HTTP status.
    pub refuse_dials: Option<u16>,
    /// REST requests are answered with this HTTP status and an empty body.
    pub refuse_rest: Option<u16>,
    /// Seconds that both refusals name in `Retry-After`.
    pub retry_after: Option<u32>,
    /// Handshakes are finished only after this time.
    pub slow_dials: Option<Duration>,
    /// REST is answered only after this time.
    pub slow_rest: Option<Duration>,
    /// Connections are accepted and end at once, without a close frame.
    pub close_at_once: bool,
    /// Connections of this age are closed: the cut after 24 hours.
    pub age_limit: Option<Duration>,
    /// Each connection is told so long before the age limit, by exchanges that announce it.
    pub notice: Option<Duration>,
    /// Connections stay open but nothing is read from or written to them.
    pub frozen: bool,
    /// Market data is withheld; everything else is answered.
    pub mute: bool,
    /// The same for these symbols only, in our spelling.
    pub muted: BTreeSet<String>,
    /// Application pings stay unanswered (KuCoin JSON ping, OKX text ping, Bybit, Kraken), and no
    /// heartbeats come (Coinbase, Kraken).
    pub ignore_pings: bool,
    /// Symbols, in our spelling, whose subscription is refused although they are listed.
    pub rejected: BTreeSet<String>,
    /// So many of the next KuCoin tokens are expired when they are issued.
    pub expired_tokens: u32,
    /// KuCoin's token request is answered with this `code` (400302: refused by region).
    pub refuse_tokens: Option<&'static str>,
    /// Numbers that are none, or none to believe.
    pub odd_ticks: Option<OddTicks>,
    /// Messages out of order, or twice.
    pub disorder: Disorder,
    /// Market data in another frame than a text of its own.
    pub framing: Framing,
    /// Before each frame of market data comes one that no exchange should send.
    pub garbage: bool,
}

impl Faults {
    /// Whether market data of a symbol (our spelling) is withheld.
    pub(super) fn withholds(&self, symbol: &str) -> bool {
        self.mute || self.muted.contains(symbol)
    }
}
