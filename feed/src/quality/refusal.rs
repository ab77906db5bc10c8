//! Why a message is not published.

use crate::exchange::DecodeError;
use serde::{Serialize, Serializer};

/// The reason of a refusal; each is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// A binary frame that is not UTF-8 text.
    NotText,
    /// Not what the venue documents.
    Undecodable,
    /// Of a type the codec does not know.
    UnknownType,
    /// Of a protocol version we do not speak.
    UnsupportedProtocol,
    /// Futures, options and the like.
    WrongMarket,
    /// Not among the symbols this connection asked for.
    UnknownSymbol,
    /// No field of it is a sound number.
    NothingUsable,
    /// Sound, but the topic has neither a last price nor both sides of a quote yet.
    Unpriced,
    /// Its sequence number lies below the last one.
    OlderSequence,
    /// The last sequence number again, with other values.
    RepeatedSequence,
    /// From a connection that has been replaced.
    OldConnection,
    /// A price far from where it should be that nothing confirmed.
    Unconfirmed,
}

impl Refusal {
    /// Every reason, in the order of its index.
    pub const ALL: [Self; 12] = [
        Self::NotText,
        Self::Undecodable,
        Self::UnknownType,
        Self::UnsupportedProtocol,
        Self::WrongMarket,
        Self::UnknownSymbol,
        Self::NothingUsable,
        Self::Unpriced,
        Self::OlderSequence,
        Self::RepeatedSequence,
        Self::OldConnection,
        Self::Unconfirmed,
    ];

    /// Its place in [`Self::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name in metrics and dead letters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotText => "not_text",
            Self::Undecodable => "undecodable",
            Self::UnknownType => "unknown_type",
            Self::UnsupportedProtocol => "unsupported_protocol",
            Self::WrongMarket => "wrong_market",
            Self::UnknownSymbol => "unknown_symbol",
            Self::NothingUsable => "nothing_usable",
            Self::Unpriced => "unpriced",
            Self::OlderSequence => "older_sequence",
            Self::RepeatedSequence => "repeated_sequence",
            Self::OldConnection => "old_connection",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Garbage => Self::Undecodable,
            DecodeError::UnknownType => Self::UnknownType,
            DecodeError::UnsupportedProtocol => Self::UnsupportedProtocol,
        }
    }
}

impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_stands_at_its_index() {
        for (at, reason) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), at);
        }
    }
}
