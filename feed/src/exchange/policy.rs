//! What a venue allows, and how its connections are kept alive.

use std::{num::NonZeroU32, time::Duration};

/// So many actions within a span of time, as a token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once after a pause.
    pub burst: NonZeroU32,
    /// Time until one more is allowed.
    pub every: Duration,
}

impl Rate {
    /// `burst` at once, then one per `every`.
    #[must_use]
    pub const fn new(burst: u32, every: Duration) -> Self {
        let burst = match NonZeroU32::new(burst) {
            Some(burst) => burst,
            None => NonZeroU32::MIN,
        };
        Self { burst, every }
    }
}

/// Whom a venue's answer to a subscription is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// One answer for the whole request.
    PerRequest,
    /// One answer for each symbol in it.
    PerSymbol,
}

/// A venue's limits, each kept below what the venue documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Symbols in one subscribe frame.
    pub symbols_per_request: usize,
    /// Symbols on one connection.
    pub symbols_per_connection: usize,
    /// Dials, token requests included, from one address.
    pub dials: Rate,
    /// Messages to the venue on one connection.
    pub messages: Rate,
    /// REST requests from one address.
    pub requests: Rate,
    /// Symbols in one REST request for tickers.
    pub symbols_per_poll: usize,
    /// Bars in one REST answer.
    pub bars_per_request: usize,
    /// The venue ends a connection that is so old; `None` if it does not.
    pub longest_connection: Option<Duration>,
    /// A connection without a single ticker message for this long is dialled again: pongs alone
    /// do not prove that the subscription lives.
    pub idle: Duration,
    /// Quotes are no longer known so long after they were stated, where the venue states them with
    /// its trades only (`truth.md` 8); `None` where every change is told.
    pub quotes_good_for: Option<Duration>,
    /// Whom acknowledgements are about.
    pub answers: Answers,
}

/// How the peer is asked for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// By the text of [`super::Exchange::ping`].
    Text,
    /// By a WebSocket ping frame.
    Frame,
}

/// When a connection is asked for a sign of life, and when it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// How to ask.
    pub probe: Probe,
    /// The venue drops clients that do not ping at least this often; `None` if it does not care.
    pub demanded: Option<Duration>,
    /// Ask after this long without any frame.
    pub quiet: Duration,
    /// Give up after this long without any frame: proof of life is missing (`truth.md` 7).
    pub proof: Duration,
    /// Whether [`super::Event::Welcome`] must come before subscribing.
    pub welcome: bool,
}

/// Longest time without proof of life before prices are stale (`truth.md` 7).
pub const PROOF_WITHIN: Duration = Duration::from_secs(10);
/// Silence after which a ping is sent: leaves time for two before [`PROOF_WITHIN`].
pub const PROBE_AFTER: Duration = Duration::from_secs(4);
/// A connection without a single ticker message for this long is dialled again, unless its venue is
/// known to be quieter.
pub const IDLE: Duration = Duration::from_secs(60);
