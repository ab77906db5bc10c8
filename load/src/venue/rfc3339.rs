//! Times as Coinbase and Kraken write them (RFC 3339).

use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// A time in milliseconds since the Unix epoch with six digits of a second's fraction, in UTC.
pub(super) fn text(time_ms: i64) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    let nanos = i128::from(time_ms) * 1_000_000;
    let time =
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // Each part of the format is there.
    time.format(format).unwrap_or_default()
}

/// Milliseconds since the Unix epoch, from such a text or from a number of seconds.
pub(super) fn millis(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1000);
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_there_and_back() {
        let written = text(1_669_852_800_122);
        assert_eq!(written, "2022-12-01T00:00:00.122000Z");
        assert_eq!(millis(&written), Some(1_669_852_800_122));
        assert_eq!(millis("2022-12-01T01:00:00+01:00"), Some(1_669_852_800_000));
        assert_eq!((millis("1669852800"), millis("today")), (Some(1_669_852_800_000), None));
    }
}
