//! Finds the measured fields in a MessagePack map's bytes, without parsing it.
//!
//! Keys are searched with their length byte in front (`0xa5 topic`), so that a value which happens
//! to hold a key's name is not taken for it.

use super::scan::Fields;
use memchr::memmem::Finder;
use tickcast_shared::clock::Micros;

/// Prepared searches; one set per thread.
#[derive(Debug)]
pub(super) struct PackedScanner {
    kind: Finder<'static>,
    topic: Finder<'static>,
    published: Finder<'static>,
    epoch: Finder<'static>,
    seq: Finder<'static>,
}

impl PackedScanner {
    pub(super) fn new() -> Self {
        Self {
            kind: Finder::new(b"\xa4type"),
            topic: Finder::new(b"\xa5topic"),
            published: Finder::new(b"\xacpublished_ts"),
            epoch: Finder::new(b"\xa5epoch"),
            seq: Finder::new(b"\xa3seq"),
        }
    }

    /// The message's type; nothing when it has none.
    pub(super) fn kind<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        text(after(message, &self.kind)?)
    }

    /// Topic, pair and time of publication of a value.
    pub(super) fn fields<'a>(&self, message: &'a [u8]) -> Option<Fields<'a>> {
        let published = after(message, &self.published).and_then(number);
        Some(Fields {
            topic: text(after(message, &self.topic)?)?,
            epoch: number(after(message, &self.epoch)?)?,
            seq: number(after(message, &self.seq)?)?,
            published: published.and_then(|micros| i64::try_from(micros).ok()).map(Micros),
        })
    }
}

fn after<'a>(message: &'a [u8], key: &Finder) -> Option<&'a [u8]> {
    message.get(key.find(message)? + key.needle().len()..)
}

/// A text at the start: fixstr, str 8 or str 16.
fn text(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [head @ 0xa0..=0xbf, rest @ ..] => rest.get(..usize::from(head & 0x1f)),
        [0xd9, length, rest @ ..] => rest.get(..usize::from(*length)),
        [0xda, high, low, rest @ ..] => rest.get(..usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    }
}

/// A whole number from zero up at the start, in any of its widths; signed ones may be used for it.
fn number(bytes: &[u8]) -> Option<u64> {
    let (head, rest) = bytes.split_first()?;
    let width = match head {
        0..=0x7f => return Some(u64::from(*head)),
        0xcc | 0xd0 => 1,
        0xcd | 0xd1 => 2,
        0xce | 0xd2 => 4,
        0xcf | 0xd3 => 8,
        _ => return None,
    };
    let value = rest.get(..width)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_the_fields_of_a_packed_value() {
        let scanner = PackedScanner::new();
        for seq in [1_u64, 127, 128, 255, 256, 65_536, 1 << 40] {
            let value = json!({
                "type": "ticker", "topic": "ticker:kucoin:BTC-USDT", "bid_qty": "45296.123456",
                "published_ts": 1_729_757_723_655_301_u64, "epoch": 1_729_757_700_001_u64,
                "seq": seq
            });
            let message = rmp_serde::to_vec(&value).unwrap();
            assert_eq!(scanner.kind(&message), Some(&b"ticker"[..]));
            let fields = scanner.fields(&message).unwrap();
            assert_eq!(fields.topic, b"ticker:kucoin:BTC-USDT");
            assert_eq!((fields.epoch, fields.seq), (1_729_757_700_001, seq));
            assert_eq!(fields.published, Some(Micros(1_729_757_723_655_301)));
        }
        assert_eq!(scanner.kind(b"\x81\xa4typo\x01"), None);
        assert_eq!(scanner.fields(b"\xa5topic\xd9"), None);
    }
}
