//! JSON text to MessagePack, in one pass.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The MessagePack of a JSON text: shortest forms, keys in the order in which they stand. Numbers
/// that are no 64-bit integer become floats.
///
/// # Errors
/// When the text is not JSON, or has a number too large for a float.
pub fn from_json(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let mut packed = Vec::with_capacity(json.len());
    let mut reader = serde_json::Deserializer::from_slice(json);
    Packer(&mut packed).deserialize(&mut reader)?;
    reader.end()?;
    Ok(packed)
}

/// Appends whatever it is shown.
struct Packer<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Packer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Packer<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        rmp::encode::write_nil(self.0).map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        rmp::encode::write_bool(self.0, value).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        rmp::encode::write_uint(self.0, value).map(drop).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        rmp::encode::write_sint(self.0, value).map(drop).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        rmp::encode::write_f64(self.0, value).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        rmp::encode::write_str(self.0, value).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let header = self.0.len();
        self.0.push(0);
        let mut count = 0;
        while entries.next_element_seed(Packer(self.0))?.is_some() {
            count += 1;
        }
        set_count(self.0, header, count, Kind::LIST);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let header = self.0.len();
        self.0.push(0);
        let mut count = 0;
        while entries.next_key_seed(Packer(self.0))?.is_some() {
            entries.next_value_seed(Packer(self.0))?;
            count += 1;
        }
        set_count(self.0, header, count, Kind::MAP);
        Ok(())
    }
}

/// First bytes of a list or a map, by the size of its count.
struct Kind {
    fix: u8,
    two_bytes: u8,
    four_bytes: u8,
}

impl Kind {
    const LIST: Self = Self { fix: 0x90, two_bytes: 0xdc, four_bytes: 0xdd };
    const MAP: Self = Self { fix: 0x80, two_bytes: 0xde, four_bytes: 0xdf };
}

/// JSON tells how many entries there were only at their end: writes the header into the byte that
/// was left for it, and moves the entries where one byte is not enough.
fn set_count(packed: &mut Vec<u8>, header: usize, count: usize, kind: Kind) {
    if let Ok(short @ 0..=15) = u8::try_from(count) {
        packed[header] = kind.fix | short;
    } else if let Ok(count) = u16::try_from(count) {
        let [high, low] = count.to_be_bytes();
        packed.splice(header..=header, [kind.two_bytes, high, low]);
    } else {
        // A message with more than 2^32 entries does not fit into memory.
        let [a, b, c, d] = u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes();
        packed.splice(header..=header, [kind.four_bytes, a, b, c, d]);
    }
}
