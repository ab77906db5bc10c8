//! Finds the few fields that are measured in a message's bytes, without parsing it.

use memchr::memmem::{self, Finder, FinderRev};
use tickcast_shared::clock::Micros;

/// Due times are told modulo this many microseconds (100 000 s).
const STAMP_MODULUS: i64 = 100_000_000_000;
/// A stamp that is older than this is an ordinary size that looks like one.
const MAX_LATENCY: i64 = 120_000_000;
/// Clocks of two processes on one machine may differ by this much.
const MAX_AHEAD: i64 = 100_000;
/// Digits after the point of a stamp.
const STAMP_DECIMALS: usize = 6;

/// Prepared searches; one set per thread.
#[derive(Debug)]
pub(super) struct Scanner {
    kind: Finder<'static>,
    topic: Finder<'static>,
    bid_qty: Finder<'static>,
    published: FinderRev<'static>,
    epoch: FinderRev<'static>,
    seq: FinderRev<'static>,
}

/// What a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub(super) topic: &'a [u8],
    pub(super) epoch: u64,
    pub(super) seq: u64,
    pub(super) published: Option<Micros>,
}

impl Scanner {
    pub(super) fn new() -> Self {
        Self {
            kind: Finder::new(br#""type":""#),
            topic: Finder::new(br#""topic":""#),
            bid_qty: Finder::new(br#""bid_qty":""#),
            published: FinderRev::new(br#""published_ts":"#),
            epoch: FinderRev::new(br#""epoch":"#),
            seq: FinderRev::new(br#""seq":"#),
        }
    }

    /// The message's type; nothing when it has none.
    pub(super) fn kind<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        text_after(message, self.kind.find(message)? + self.kind.needle().len())
    }

    /// Topic, pair and time of publication of a value.
    pub(super) fn fields<'a>(&self, message: &'a [u8]) -> Option<Fields<'a>> {
        let topic = text_after(message, self.topic.find(message)? + self.topic.needle().len())?;
        let published = number_after(message, &self.published);
        Some(Fields {
            topic,
            epoch: number_after(message, &self.epoch)?,
            seq: number_after(message, &self.seq)?,
            published: published.and_then(|micros| i64::try_from(micros).ok()).map(Micros),
        })
    }

    /// How long ago, in microseconds, the update was due by the stamp in its bid's size; nothing
    /// when it has none.
    pub(super) fn latency(&self, message: &[u8], now: Micros) -> Option<u64> {
        let at = self.bid_qty.find(message)? + self.bid_qty.needle().len();
        let text = text_after(message, at)?;
        let point = memchr::memchr(b'.', text)?;
        let (seconds, decimals) = (&text[..point], &text[point + 1..]);
        if decimals.len() != STAMP_DECIMALS || seconds.len() > 5 {
            return None;
        }
        let due = digits(seconds)? * 1_000_000 + digits(decimals)?;
        let due = i64::try_from(due).ok()?;
        let since = (now.0 - due + MAX_AHEAD).rem_euclid(STAMP_MODULUS) - MAX_AHEAD;
        (since <= MAX_LATENCY).then(|| u64::try_from(since).unwrap_or(0))
    }
}

/// The text from `start` up to the closing quote.
fn text_after(message: &[u8], start: usize) -> Option<&[u8]> {
    let rest = message.get(start..)?;
    rest.get(..memchr::memchr(b'"', rest)?)
}

fn number_after(message: &[u8], key: &FinderRev) -> Option<u64> {
    let rest = message.get(key.rfind(message)? + key.needle().len()..)?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    digits(&rest[..end])
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// Where the head of an HTTP answer ends.
pub(super) fn end_of_head(bytes: &[u8]) -> Option<usize> {
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
    }

    #[test]
    fn an_ordinary_size_is_no_stamp() {
        let scanner = Scanner::new();
        for size in ["0.01045638", "1", "123456.123456", "12.123456", "null"] {
            let message = format!(r#"{{"bid_qty":"{size}"}}"#);
            let now = Micros(1_729_745_296_123_456);
            assert_eq!(scanner.latency(message.as_bytes(), now), None, "{size}");
        }
    }
}
