//! MessagePack to JSON text, as far as JSON can say it.

use rmp::{Marker, decode};

/// Deepest nesting of lists and maps; one more and the JSON could not be read (`serde_json` stops
/// at 128).
const MAX_DEPTH: usize = 127;

/// Why a MessagePack message has no meaning here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// It ends before it is complete.
    #[error("it ends too early")]
    Cut,
    /// Something follows it.
    #[error("bytes follow its end")]
    Trailing,
    /// A map has a key that is no string.
    #[error("the keys of a map must be strings")]
    Key,
    /// A string is not UTF-8.
    #[error("a string is not UTF-8")]
    NotText,
    /// A byte string.
    #[error("byte strings (bin) are not understood; use str")]
    Binary,
    /// An extension type, a time stamp included.
    #[error("extension types (ext) are not understood")]
    Extension,
    /// A float without a value.
    #[error("floats must be finite")]
    NotFinite,
    /// The one byte that MessagePack never uses.
    #[error("the byte 0xc1 means nothing")]
    Reserved,
    /// Lists in lists without end.
    #[error("it is nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

/// The JSON of a MessagePack message; at most some six times as long (control characters).
///
/// # Errors
/// [`UnpackError`] says what JSON has no word for.
pub fn to_json(packed: &[u8]) -> Result<String, UnpackError> {
    let mut unpacker = Unpacker { left: packed, json: Vec::with_capacity(packed.len() * 2) };
    unpacker.value(0)?;
    if !unpacker.left.is_empty() {
        return Err(UnpackError::Trailing);
    }
    String::from_utf8(unpacker.json).map_err(|_| UnpackError::NotText)
}

struct Unpacker<'a> {
    left: &'a [u8],
    json: Vec<u8>,
}

impl Unpacker<'_> {
    fn marker(&self) -> Result<Marker, UnpackError> {
        self.left.first().map(|byte| Marker::from_u8(*byte)).ok_or(UnpackError::Cut)
    }

    fn value(&mut self, depth: usize) -> Result<(), UnpackError> {
        match self.marker()? {
            Marker::Null => self.word("null"),
            Marker::True => self.word("true"),
            Marker::False => self.word("false"),
            Marker::F32 => {
                let value = decode::read_f32(&mut self.left).map_err(|_| UnpackError::Cut)?;
                self.float(value.into())
            }
            Marker::F64 => {
                let value = decode::read_f64(&mut self.left).map_err(|_| UnpackError::Cut)?;
                self.float(value)
            }
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => self.text(),
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => self.list(depth + 1),
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => self.map(depth + 1),
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => Err(UnpackError::Binary),
            Marker::Ext8 | Marker::Ext16 | Marker::Ext32 => Err(UnpackError::Extension),
            Marker::FixExt1 | Marker::FixExt2 | Marker::FixExt4 => Err(UnpackError::Extension),
            Marker::FixExt8 | Marker::FixExt16 => Err(UnpackError::Extension),
            Marker::Reserved => Err(UnpackError::Reserved),
            // All that is left are integers; i128 holds both i64 and u64.
            _ => {
                let value: i128 = decode::read_int(&mut self.left).map_err(|_| UnpackError::Cut)?;
                self.json.extend(value.to_string().into_bytes());
                Ok(())
            }
        }
    }

    fn word(&mut self, word: &str) -> Result<(), UnpackError> {
        self.left = &self.left[1..];
        self.json.extend(word.as_bytes());
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<(), UnpackError> {
        if !value.is_finite() {
            return Err(UnpackError::NotFinite);
        }
        // Only a writer that fails could fail this, and a Vec does not.
        serde_json::to_writer(&mut self.json, &value).map_err(|_| UnpackError::NotFinite)
    }

    fn text(&mut self) -> Result<(), UnpackError> {
        let length = decode::read_str_len(&mut self.left).map_err(|_| UnpackError::Cut)?;
        let (bytes, left) = self.left.split_at_checked(length as usize).ok_or(UnpackError::Cut)?;
        let text = std::str::from_utf8(bytes).map_err(|_| UnpackError::NotText)?;
        self.left = left;
        serde_json::to_writer(&mut self.json, text).map_err(|_| UnpackError::NotText)
    }

    fn list(&mut self, depth: usize) -> Result<(), UnpackError> {
        let count = decode::read_array_len(&mut self.left).map_err(|_| UnpackError::Cut)?;
        self.open(b'[', depth)?;
        for at in 0..count {
            self.comma(at);
            self.value(depth)?;
        }
        self.json.push(b']');
        Ok(())
    }

    fn map(&mut self, depth: usize) -> Result<(), UnpackError> {
        let count = decode::read_map_len(&mut self.left).map_err(|_| UnpackError::Cut)?;
        self.open(b'{', depth)?;
        for at in 0..count {
            self.comma(at);
            match self.marker()? {
                Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => self.text()?,
                _ => return Err(UnpackError::Key),
            }
            self.json.push(b':');
            self.value(depth)?;
        }
        self.json.push(b'}');
        Ok(())
    }

    fn open(&mut self, bracket: u8, depth: usize) -> Result<(), UnpackError> {
        if depth > MAX_DEPTH {
            return Err(UnpackError::TooDeep);
        }
        self.json.push(bracket);
        Ok(())
    }

    fn comma(&mut self, at: u32) {
        if at > 0 {
            self.json.push(b',');
        }
    }
}
