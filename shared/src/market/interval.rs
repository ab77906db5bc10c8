//! The lengths of bars.

use super::ParseError;
use crate::clock::Micros;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The length of a bar, aligned to UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Interval {
    /// One minute.
    #[serde(rename = "1m")]
    M1,
    /// Five minutes.
    #[serde(rename = "5m")]
    M5,
    /// A quarter of an hour.
    #[serde(rename = "15m")]
    M15,
    /// One hour.
    #[serde(rename = "1h")]
    H1,
    /// Four hours.
    #[serde(rename = "4h")]
    H4,
    /// A day of UTC.
    #[serde(rename = "1d")]
    D1,
}

impl Interval {
    /// All of them, shortest first.
    pub const ALL: [Self; 6] = [Self::M1, Self::M5, Self::M15, Self::H1, Self::H4, Self::D1];

    /// Its name in topics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::M1 => "1m",
            Self::M5 => "5m",
            Self::M15 => "15m",
            Self::H1 => "1h",
            Self::H4 => "4h",
            Self::D1 => "1d",
        }
    }

    /// Its length in microseconds.
    #[must_use]
    pub fn micros(self) -> i64 {
        match self {
            Self::M1 => MINUTE,
            Self::M5 => 5 * MINUTE,
            Self::M15 => 15 * MINUTE,
            Self::H1 => HOUR,
            Self::H4 => 4 * HOUR,
            Self::D1 => DAY,
        }
    }

    /// When the bar that holds this moment opened.
    #[must_use]
    pub fn open_of(self, at: Micros) -> Micros {
        Micros(at.0 - at.0.rem_euclid(self.micros()))
    }

    /// When a bar that opened then closes: the next one's opening.
    #[must_use]
    pub fn close_of(self, open: Micros) -> Micros {
        Micros(open.0.saturating_add(self.micros()))
    }

    /// How long closed bars are kept; `None`: for good.
    #[must_use]
    pub fn kept(self) -> Option<Duration> {
        let days = match self {
            Self::M1 => 7,
            Self::M5 => 30,
            Self::M15 | Self::H1 => 180,
            Self::H4 | Self::D1 => return None,
        };
        Some(Duration::from_secs(days * 24 * 3600))
    }
}

impl FromStr for Interval {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let named = Self::ALL.into_iter().find(|interval| interval.as_str() == text);
        named.ok_or_else(|| ParseError::Interval(text.into()))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_aligned_to_utc() {
        // 2024-10-24 08:15:23.612 UTC
        let at = Micros(1_729_757_723_612_000);
        let opens = Interval::ALL.map(|interval| interval.open_of(at).0 / SECOND);
        assert_eq!(
            opens,
            [
                1_729_757_700,
                1_729_757_700,
                1_729_757_700,
                1_729_756_800,
                1_729_756_800,
                1_729_728_000
            ]
        );
        assert_eq!(Interval::M1.close_of(Micros(0)), Micros(MINUTE));
        assert_eq!(Interval::M1.open_of(Micros(-1)), Micros(-MINUTE));
    }

    #[test]
    fn names_lead_back() {
        for interval in Interval::ALL {
            assert_eq!(interval.to_string().parse::<Interval>().unwrap(), interval);
            assert_eq!(serde_json::to_string(&interval).unwrap(), format!("\"{interval}\""));
        }
        assert!("2m".parse::<Interval>().is_err());
    }
}
