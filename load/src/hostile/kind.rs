//! What a hostile client does.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// A way to be a nuisance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Send the HTTP head one byte a second.
    Slowloris,
    /// Connect and say nothing.
    IdleDial,
    /// Dial as often as asked, and leave again.
    DialStorm,
    /// Open many connections and hold them.
    Connections,
    /// Send commands without a pause: JSON pings, bare pings, ping frames.
    Flood,
    /// Subscribe to 10 000 symbols that nobody lists.
    UnknownTopics,
    /// Send random bytes after the upgrade.
    Junk,
    /// Announce a frame of 1 GiB.
    Giant,
    /// Send a message in fragments of one byte, without an end.
    Fragments,
    /// Send a frame one byte a second.
    Trickle,
    /// Send text that is not UTF-8.
    BadUtf8,
    /// Set bits that no extension has claimed.
    ReservedBits,
    /// Send a frame without a mask.
    Unmasked,
    /// Subscribe and do not read for a while.
    Stalled,
    /// Fall silent after the handshake, and answer no ping.
    Vanish,
    /// Come from pages of origins that are not listed.
    Origin,
    /// Name another made-up address in X-Forwarded-For at each dial.
    ForgedForwarded,
    /// Show tokens that nobody has signed, in each place for them.
    BadToken,
    /// Ask REST without a pause.
    RestFlood,
}

impl Kind {
    /// All of them.
    #[must_use]
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// How many clients, unless told.
    #[must_use]
    pub fn clients(self) -> usize {
        match self {
            Self::Slowloris | Self::IdleDial => 500,
            Self::Connections => 2000,
            Self::Stalled | Self::Vanish => 20,
            // Every token in every place.
            Self::BadToken => 12,
            _ => 10,
        }
    }

    /// How long it goes on, unless told: longer than a good server needs to end it.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Vanish => 80,
            Self::Trickle | Self::Stalled => 20,
            Self::DialStorm | Self::ForgedForwarded | Self::RestFlood | Self::BadToken => 5,
            _ => 10,
        })
    }

    /// Dials, commands, fragments or requests a second, unless told.
    #[must_use]
    pub fn rate(self) -> u32 {
        match self {
            Self::DialStorm | Self::ForgedForwarded => 500,
            Self::Fragments => 10_000,
            _ => 1000,
        }
    }

    /// Whether each dial is an event of its own, made at the rate, instead of one a client.
    pub(super) fn is_dialling(self) -> bool {
        matches!(self, Self::DialStorm | Self::ForgedForwarded)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No variant is hidden from the command line.
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_command_line_and_in_reports_are_the_same() {
        for kind in Kind::all() {
            let json = serde_json::to_string(kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
            assert!(kind.clients() > 0 && kind.rate() > 0 && !kind.duration().is_zero());
        }
    }
}
