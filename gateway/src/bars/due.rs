//! Which closed bars of a topic a connection is to be sent.

use tickcast_shared::{clock::Micros, protocol::DEFAULT_HISTORY};

/// The closed bars that one connection lacks of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarsDue {
    /// So many of the newest, whatever came before: the beginning of a subscription.
    pub newest: Option<usize>,
    /// All that opened later than this.
    pub after: Option<Micros>,
    /// Reading them has failed: it is to be what is there.
    pub has_failed: bool,
}

impl BarsDue {
    /// A subscription begins.
    #[must_use]
    pub fn start(newest: usize) -> Self {
        Self { newest: Some(newest), after: None, has_failed: false }
    }

    /// What closed behind the bar that opened at `before` was missed. Where there was no bar before,
    /// the topic begins for the connection.
    #[must_use]
    pub fn missed(before: Option<Micros>) -> Self {
        match before {
            Some(_) => Self { newest: None, after: before, has_failed: false },
            None => Self::start(DEFAULT_HISTORY as usize),
        }
    }

    /// Both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let after = match (self.after, other.after) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { newest: self.newest.max(other.newest), after, has_failed: false }
    }
}
