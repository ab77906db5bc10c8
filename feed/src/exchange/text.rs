//! The text of a JSON scalar, quoted or bare, borrowed from its frame wherever possible.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;
use std::borrow::Cow;
use tickcast_shared::clock::Micros;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A string's content or a number's digits, as the venue wrote them; empty for `null`.
///
/// Numbers are never read through floating point: `5.3e-8` stays these six characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self(text)
    }
}

impl Text<'_> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as a whole number.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The text as milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(&self) -> Option<Micros> {
        let millis: i64 = self.0.parse().ok()?;
        if millis > 0 { Micros::from_millis(millis) } else { None }
    }

    /// The text as whole seconds since the Unix epoch.
    #[must_use]
    pub fn seconds(&self) -> Option<Micros> {
        let seconds: i64 = self.0.parse().ok()?;
        if seconds > 0 { seconds.checked_mul(1_000_000).map(Micros) } else { None }
    }

    /// The text as a time of RFC 3339 with any number of decimals, cut to microseconds. Nothing for
    /// the epoch itself, which stands for "never" (Kraken's listings without a quote).
    #[must_use]
    pub fn rfc3339(&self) -> Option<Micros> {
        let nanos = OffsetDateTime::parse(&self.0, &Rfc3339).ok()?.unix_timestamp_nanos();
        i64::try_from(nanos / 1000).ok().filter(|micros| *micros > 0).map(Micros)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(inner) if !inner.contains('\\') => Ok(Self(Cow::Borrowed(inner))),
            Some(_) => serde_json::from_str(raw)
                .map(|text| Self(Cow::Owned(text)))
                .map_err(D::Error::custom),
            None if raw == "null" => Ok(Self::default()),
            None => Ok(Self(Cow::Borrowed(raw))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Sample<'a> {
        #[serde(borrow)]
        a: Text<'a>,
        #[serde(borrow, default)]
        b: Option<Text<'a>>,
    }

    fn read(json: &str) -> (String, Option<String>) {
        let sample: Sample<'_> = serde_json::from_str(json).unwrap();
        (sample.a.as_str().into(), sample.b.map(|b| b.as_str().into()))
    }

    #[test]
    fn reads_quoted_and_bare_numbers_from_their_text() {
        assert_eq!(
            read(r#"{"a":"67220","b":0.00000005300}"#),
            ("67220".into(), Some("0.00000005300".into()))
        );
        assert_eq!(read(r#"{"a":-1.0e-5}"#), ("-1.0e-5".into(), None));
        assert_eq!(read(r#"{"a":null}"#), (String::new(), None));
        assert_eq!(read(r#"{"a":"a\"\u0041\/"}"#).0, "a\"A/");
    }

    #[test]
    fn a_time_is_positive_milliseconds() {
        let text = |text: &'static str| Text(Cow::Borrowed(text));
        assert_eq!(text("1729757723612").millis(), Some(Micros(1_729_757_723_612_000)));
        assert_eq!(text("0").millis(), None);
        assert_eq!(text("9223372036854775807").millis(), None);
        assert_eq!(text("1729757723").seconds(), Some(Micros(1_729_757_723_000_000)));
        assert_eq!(text("9223372036854775807").seconds(), None);
    }

    #[test]
    fn a_time_of_day_is_cut_to_microseconds() {
        let at = |text: &'static str| Text(Cow::Borrowed(text)).rfc3339();
        let known = Some(Micros(1_669_852_800_122_581));
        assert_eq!(at("2022-12-01T00:00:00.122581Z"), known);
        assert_eq!(at("2022-12-01T00:00:00.122581999Z"), known);
        assert_eq!(at("2022-12-01T01:00:00.122581+01:00"), known);
        for never in ["1970-01-01T00:00:00.000000Z", "1969-01-01T00:00:00Z", "2022-12-01", ""] {
            assert_eq!(at(never), None);
        }
    }
}
