//! What became of a hostile client.

use crate::swarm::{dial::NotIn, part::Reasons};
use std::{fmt, io, time::Duration};

/// How a server answered an offence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// With an HTTP status instead of what was asked for.
    Status(u16),
    /// With a close frame.
    Closed(u16, String),
    /// With an error message; the connection stays.
    Told(String),
    /// By ending the connection without a word.
    Ended,
    /// By resetting it.
    Reset,
    /// It let it happen.
    Served,
    /// Not at all: the dial was not answered in time.
    NoAnswer,
    /// There was nobody to dial.
    Unreachable(String),
    /// With what no WebSocket server says.
    Garbled(String),
}

impl From<NotIn> for Outcome {
    fn from(refused: NotIn) -> Self {
        match refused {
            NotIn::Status(status) => Self::Status(status),
            NotIn::TimedOut => Self::NoAnswer,
            NotIn::Closed => Self::Ended,
            NotIn::System(kind) => Self::of(kind),
            NotIn::Wrong(why) => Self::Garbled(why.to_owned()),
        }
    }
}

impl Outcome {
    /// What an error of the system means.
    #[must_use]
    pub fn of(kind: io::ErrorKind) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected, TimedOut};
        match kind {
            ConnectionReset | BrokenPipe | NotConnected => Self::Reset,
            TimedOut => Self::NoAnswer,
            other => Self::Unreachable(other.to_string()),
        }
    }

    /// Whether the server has put an end to it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Closed(..) | Self::Ended | Self::Reset)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "HTTP {status}"),
            Self::Closed(code, reason) if reason.is_empty() => write!(f, "close {code}"),
            Self::Closed(code, reason) => write!(f, "close {code} {reason}"),
            Self::Told(code) => write!(f, "error {code}"),
            Self::Ended => f.write_str("closed without a word"),
            Self::Reset => f.write_str("reset"),
            Self::Served => f.write_str("served"),
            Self::NoAnswer => f.write_str("no answer in time"),
            Self::Unreachable(why) => write!(f, "cannot connect: {why}"),
            Self::Garbled(why) => write!(f, "no WebSocket: {why}"),
        }
    }
}

/// An outcome, and how long after the offence began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What happened.
    pub outcome: Outcome,
    /// After which time.
    pub after: Duration,
}

/// What one client did and saw; those of all add up.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) sightings: Vec<Sighting>,
    /// Commands, frames, bytes or requests sent.
    pub(super) sent: u64,
    /// Error messages of the server, by code.
    pub(super) errors: Reasons,
    /// The heartbeat that the server promised.
    pub(super) heartbeat: Option<Duration>,
}

impl Story {
    /// Of a client that saw nothing else.
    pub(super) fn of(outcome: Outcome, after: Duration) -> Self {
        Self { sightings: vec![Sighting { outcome, after }], ..Self::default() }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sightings.extend(other.sightings);
        self.sent += other.sent;
        self.errors.merge(other.errors);
        self.heartbeat = self.heartbeat.max(other.heartbeat);
    }
}
