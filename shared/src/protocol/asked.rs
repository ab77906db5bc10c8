//! How often, and on which moves, a client wants to hear of its topics.

use std::ops::RangeInclusive;

/// Settings of a subscription as a client gave them, in a message or in the URL; none = not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// At most one message per topic in that time; 0 = every update.
    pub interval_ms: Option<u32>,
    /// Smallest move of last, bid or ask worth a message, in hundredths of a percent; 0 = any.
    pub min_change_bps: Option<u32>,
    /// At least one message in that time while a change filter is set.
    pub max_silence_ms: Option<u32>,
    /// How many closed bars of a kline come first; other topics have no use for it.
    pub history: Option<u32>,
}

/// Closed bars that a kline's subscription begins with at most.
pub const MAX_HISTORY: u32 = 500;
/// Closed bars that it begins with unless the client says otherwise.
pub const DEFAULT_HISTORY: u32 = 100;

/// An hour: whoever wants to hear less often is better served by REST.
pub const MAX_INTERVAL_MS: u32 = 3_600_000;
/// The whole value: a larger move cannot be told from a fault.
const LARGEST_MOVE_BPS: u32 = 10_000;
/// Shorter, and the change filter would be none.
const SHORTEST_SILENCE_MS: u32 = 100;

impl Asked {
    /// The names of the settings.
    pub const FIELDS: [&'static str; 4] =
        ["interval_ms", "min_change_bps", "max_silence_ms", "history"];

    /// Reads one setting from the text of a JSON value or of a URL parameter; `null` says nothing.
    /// The answer is false if `key` is none of [`Self::FIELDS`].
    ///
    /// # Errors
    /// A line for a human that names the key and its range.
    pub fn field(&mut self, key: &str, text: &str) -> Result<bool, String> {
        let (setting, range): (_, RangeInclusive<u32>) = match key {
            "interval_ms" => (&mut self.interval_ms, 0..=MAX_INTERVAL_MS),
            "min_change_bps" => (&mut self.min_change_bps, 0..=LARGEST_MOVE_BPS),
            "max_silence_ms" => (&mut self.max_silence_ms, SHORTEST_SILENCE_MS..=MAX_INTERVAL_MS),
            "history" => (&mut self.history, 0..=MAX_HISTORY),
            _ => return Ok(false),
        };
        *setting = match text {
            "null" => None,
            _ => match text.parse() {
                Ok(value) if range.contains(&value) => Some(value),
                _ => {
                    let (least, most) = range.into_inner();
                    return Err(format!("{key} must be a whole number from {least} to {most}"));
                }
            },
        };
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_ends_of_each_range_and_nothing_beyond() {
        for (key, least, most) in [
            ("interval_ms", 0, 3_600_000),
            ("min_change_bps", 0, 10_000),
            ("max_silence_ms", 100, 3_600_000_i64),
            ("history", 0, 500),
        ] {
            for inside in [least, most] {
                assert_eq!(Asked::default().field(key, &inside.to_string()), Ok(true));
            }
            for outside in [least - 1, most + 1] {
                let message = Asked::default().field(key, &outside.to_string()).unwrap_err();
                assert_eq!(message, format!("{key} must be a whole number from {least} to {most}"));
            }
        }
    }

    #[test]
    fn takes_whole_numbers_and_null_only() {
        let mut asked = Asked { interval_ms: Some(5), ..Asked::default() };
        for text in ["", " 7", "7.0", "1e2", "\"7\"", "4294967296", "true"] {
            assert!(asked.field("interval_ms", text).is_err(), "{text:?}");
        }
        assert_eq!(asked.interval_ms, Some(5));
        assert_eq!(asked.field("interval_ms", "null"), Ok(true));
        assert_eq!(asked, Asked::default());
        assert_eq!(asked.field("colour", "7"), Ok(false));
    }

    #[test]
    fn the_names_are_those_that_are_read() {
        for key in Asked::FIELDS {
            assert_eq!(Asked::default().field(key, "100"), Ok(true));
        }
    }
}
