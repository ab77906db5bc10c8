//! Frames as text: unpacked where they are compressed, taken apart where they are batches.

use serde_json::value::RawValue;
use std::{borrow::Cow, io::Read};

/// Longest text that a compressed frame may unpack to: four times the longest plain frame. More is
/// no ticker but an attempt to fill our memory.
const MAX_TEXT_BYTES: u64 = 4 << 20;
/// How gzip begins (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The text of a binary frame: as it is, or out of gzip, zlib or bare deflate. `None` when it is
/// none of these, or too long.
#[must_use]
pub fn text(frame: &[u8]) -> Option<Cow<'_, str>> {
    if let Ok(plain) = std::str::from_utf8(frame) {
        return Some(Cow::Borrowed(plain));
    }
    let unpacked = if frame.starts_with(&GZIP) {
        read(flate2::read::MultiGzDecoder::new(frame))
    } else {
        read(flate2::read::ZlibDecoder::new(frame))
            .or_else(|| read(flate2::read::DeflateDecoder::new(frame)))
    };
    unpacked.map(Cow::Owned)
}

fn read(packed: impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let read = packed.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes).ok()? as u64;
    if read == 0 || read > MAX_TEXT_BYTES {
        return None;
    }
    String::from_utf8(bytes).ok()
}

/// The messages of a frame that is an array of objects; `None` for every other frame, arrays of
/// other things included: these are a venue's own matter.
#[must_use]
pub fn batch(text: &str) -> Option<Vec<&str>> {
    if !text.trim_start().starts_with('[') {
        return None;
    }
    let parts: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let parts: Vec<&str> = parts.into_iter().map(RawValue::get).collect();
    (!parts.is_empty() && parts.iter().all(|part| part.starts_with('{'))).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };
    use std::io::Write;

    const TICKER: &str = r#"{"e":"ticker, and long enough to compress: aaaaaaaaaaaaaaaaaaaaaaaa"}"#;

    #[test]
    fn every_kind_of_compression_is_undone() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
        for packer in [&mut gzip as &mut dyn Write, &mut zlib, &mut bare] {
            packer.write_all(TICKER.as_bytes()).unwrap();
        }
        for packed in [gzip.finish(), zlib.finish(), bare.finish()] {
            assert_eq!(text(&packed.unwrap()).as_deref(), Some(TICKER));
        }
        assert_eq!(text(TICKER.as_bytes()).as_deref(), Some(TICKER));
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&vec![b' '; 5 << 20]).unwrap();
        let bomb = gzip.finish().unwrap();
        assert!(bomb.len() < 100_000);
        assert_eq!(text(&bomb), None);
    }

    #[test]
    fn garbage_is_no_text() {
        for garbage in [&[0xff, 0xfe][..], &[0x1f, 0x8b, 1, 2], &[0x78, 0x9c, 0xff, 0xff], &[0x80]]
        {
            assert_eq!(text(garbage), None, "{garbage:x?}");
        }
    }

    #[test]
    fn only_arrays_of_objects_are_batches() {
        assert_eq!(batch(r#" [{"a":1}, {"b":[2]}]"#), Some(vec![r#"{"a":1}"#, r#"{"b":[2]}"#]));
        for other in [r#"{"a":1}"#, "[]", "[1,2]", r#"[340,{"c":1},"ticker"]"#, "[{"] {
            assert_eq!(batch(other), None, "{other}");
        }
    }
}
