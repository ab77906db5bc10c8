//! Finds the few fields that are measured in a message's bytes, without parsing it.

use memchr::memmem::{self, Finder};
use tickcast_shared::clock::Micros;

/// Due times are told modulo this many microseconds (100 000 s).
const STAMP_MODULUS: i64 = 100_000_000_000;
/// A stamp that is older than this is an ordinary size that looks like one.
const MAX_LATENCY: i64 = 120_000_000;
/// Clocks of two processes on one machine may differ by this much.
const MAX_AHEAD: i64 = 100_000;
/// Digits after the point of a stamp.
const STAMP_DECIMALS: usize = 6;

/// Between the key of a stamp and its digits stand quotes, a colon, perhaps backslashes or a length.
const MAX_BETWEEN: usize = 8;
/// How every message of the gateway begins, so that nothing needs to be searched.
const HEAD: &[u8] = br#"{"type":""#;
/// Where the fields at the end of a ticker are looked for first, in bytes from the end.
const FOOT_BYTES: usize = 128;

/// Prepared searches; one set per thread.
#[derive(Debug)]
pub(crate) struct Scanner {
    topic: Finder<'static>,
    stamp: Finder<'static>,
    published: Finder<'static>,
    epoch: Finder<'static>,
    seq: Finder<'static>,
}

/// What a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fields<'a> {
    pub(crate) topic: &'a [u8],
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
    pub(crate) published: Option<Micros>,
}

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            topic: Finder::new(br#""topic":""#),
            stamp: Finder::new(b"bid_qty"),
            published: Finder::new(br#""published_ts":"#),
            epoch: Finder::new(br#""epoch":"#),
            seq: Finder::new(br#""seq":"#),
        }
    }

    /// The message's type; nothing when it does not begin with one.
    pub(super) fn kind<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        text(message.strip_prefix(HEAD)?)
    }

    /// Topic, pair and time of publication of a value.
    pub(crate) fn fields<'a>(&self, message: &'a [u8]) -> Option<Fields<'a>> {
        let topic = message.get(self.topic.find(message)? + self.topic.needle().len()..)?;
        let published = number_of(message, &self.published);
        Some(Fields {
            topic: text(topic)?,
            epoch: number_of(message, &self.epoch)?,
            seq: number_of(message, &self.seq)?,
            published: published.and_then(|micros| i64::try_from(micros).ok()).map(Micros),
        })
    }

    /// How long ago, in microseconds, the update was due by the stamp in its bid's size; nothing
    /// when it has none. In JSON, escaped JSON and MessagePack alike.
    pub(super) fn latency(&self, message: &[u8], now: Micros) -> Option<u64> {
        self.latencies(message, now).next()?
    }

    /// The same for every bid's size in the message.
    pub(super) fn latencies(
        &self,
        message: &[u8],
        now: Micros,
    ) -> impl Iterator<Item = Option<u64>> {
        self.stamp.find_iter(message).map(move |at| {
            let value = message.get(at + self.stamp.needle().len()..)?;
            let digits = value.iter().take(MAX_BETWEEN).position(u8::is_ascii_digit)?;
            since(value.get(digits..)?, now)
        })
    }
}

/// How long ago the time was that a stamp at the start of `text` tells.
fn since(text: &[u8], now: Micros) -> Option<u64> {
    let (seconds, rest) = leading_number(text);
    let (decimals, end) = leading_number(rest.strip_prefix(b".")?);
    let widths = (text.len() - rest.len(), rest.len() - 1 - end.len());
    if widths.0 > 5 || widths.1 != STAMP_DECIMALS {
        return None;
    }
    let due = i64::try_from(seconds? * 1_000_000 + decimals?).ok()?;
    let since = (now.0 - due + MAX_AHEAD).rem_euclid(STAMP_MODULUS) - MAX_AHEAD;
    (since <= MAX_LATENCY).then(|| u64::try_from(since).unwrap_or(0))
}

/// The text up to the closing quote.
fn text(rest: &[u8]) -> Option<&[u8]> {
    rest.get(..memchr::memchr(b'"', rest)?)
}

/// The number after a key that stands near the end of a ticker.
fn number_of(message: &[u8], key: &Finder) -> Option<u64> {
    let foot = message.get(message.len().saturating_sub(FOOT_BYTES)..)?;
    let after = |part: &[u8]| {
        let rest = part.get(key.find(part)? + key.needle().len()..)?;
        leading_number(rest).0
    };
    after(foot).or_else(|| after(message))
}

/// The digits at the start as a number, and what follows; no number when there are none or too
/// many.
fn leading_number(text: &[u8]) -> (Option<u64>, &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let add =
        |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    let number = digits.iter().try_fold(0, add).filter(|_| end > 0);
    (number, rest)
}

/// Where the head of an HTTP answer ends.
pub(crate) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = br#"{"type":"ticker","topic":"ticker:kucoin:BTC-USDT","bid_qty":"45296.123456","published_ts":1729757723655301,"epoch":1729757700001,"seq":1042}"#;

    #[test]
    fn finds_the_measured_fields() {
        let scanner = Scanner::new();
        assert_eq!(scanner.kind(MESSAGE), Some(&b"ticker"[..]));
        let fields = scanner.fields(MESSAGE).unwrap();
        assert_eq!(fields.topic, b"ticker:kucoin:BTC-USDT");
        assert_eq!((fields.epoch, fields.seq), (1_729_757_700_001, 1042));
        assert_eq!(fields.published, Some(Micros(1_729_757_723_655_301)));
        assert_eq!(scanner.fields(br#"{"type":"synced","id":1}"#), None);
        assert_eq!(scanner.kind(b"pong"), None);
    }

    #[test]
    fn reads_latency_from_the_stamp() {
        let scanner = Scanner::new();
        let due = 1_729_745_296_123_456;
        assert_eq!(scanner.latency(MESSAGE, Micros(due + 1500)), Some(1500));
        assert_eq!(scanner.latency(MESSAGE, Micros(due - 20)), Some(0));
        let around = br#"{"bid_qty":"99999.999999"}"#;
        assert_eq!(scanner.latency(around, Micros(1_729_700_000_000_009)), Some(10));
        let escaped = br#"{"data":"{\"bid_qty\":\"45296.123456\"}"}"#;
        assert_eq!(scanner.latency(escaped, Micros(due + 7)), Some(7));
        let packed = b"\xa7bid_qty\xac45296.123456\xa3ask";
        assert_eq!(scanner.latency(packed, Micros(due + 7)), Some(7));
        let both = [&escaped[..], packed].concat();
        let all: Vec<_> = scanner.latencies(&both, Micros(due + 9)).collect();
        assert_eq!(all, [Some(9), Some(9)]);
    }

    #[test]
    fn an_ordinary_size_is_no_stamp() {
        let scanner = Scanner::new();
        for size in ["0.01045638", "1", "123456.123456", "12.123456", "null", "", "1.1234567"] {
            let message = format!(r#"{{"bid_qty":"{size}"}}"#);
            let now = Micros(1_729_745_296_123_456);
            assert_eq!(scanner.latency(message.as_bytes(), now), None, "{size}");
        }
    }
}
