//! Mistakes in the configuration, one line each.

use super::{
    is_secret,
    key::{Key, Step},
    layer::Layer,
    redact_url,
};
use crate::secret::HIDDEN;
use serde_json::Value;

/// A mistake in the configuration; its text is one line for the person who made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {why}")]
    Unreadable {
        /// Its path.
        file: String,
        /// What the system said.
        why: String,
    },
    /// The file is no TOML.
    #[error("{file}:{line}: not TOML: {why}")]
    Syntax {
        /// Its path.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What the reader expected there.
        why: String,
    },
    /// There is no such key.
    #[error("{origin}: unknown key {key}; the nearest known one is {nearest}")]
    UnknownKey {
        /// File and line, variable or flag.
        origin: String,
        /// What was written.
        key: String,
        /// What was probably meant.
        nearest: String,
    },
    /// A value does not fit its key.
    #[error("{origin}: {key} = {value} does not fit: {why}")]
    Invalid {
        /// File and line, variable or flag.
        origin: String,
        /// The key.
        key: String,
        /// The value as it was written.
        value: String,
        /// What would be right.
        why: String,
    },
    /// A key that has no default was not given.
    #[error("{origin}: {key} is missing{example}")]
    Missing {
        /// File and line, variable or flag.
        origin: String,
        /// The key.
        key: String,
        /// What it could be.
        example: String,
    },
    /// The layers could not be put together: a fault of the program.
    #[error("the settings could not be put together: {0}")]
    Layers(String),
}

/// Longest part of a wrong value that is shown, in characters.
const SHOWN_CHARS: usize = 80;

/// The mistake that the reader of the merged settings reported at `key` as `message`.
pub(super) fn invalid(
    key: &Key,
    message: &str,
    merged: &Value,
    sample: &Value,
    layers: &[Layer],
) -> ConfigError {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let full = missing.map_or_else(|| key.clone(), |field| key.with_name(field));
    let example = example(full.find_sample(sample));
    let said_by = layers.iter().rev().find(|layer| layer.covers(key));
    let origin = said_by.map_or_else(String::new, |layer| layer.origin.describe(key));
    match missing {
        Some(_) => ConfigError::Missing { origin, key: full.to_string(), example },
        None => ConfigError::Invalid {
            origin,
            key: key.to_string(),
            value: shown_at(key, key.find(merged).unwrap_or(&Value::Null)),
            why: format!("{}{example}", expected(message)),
        },
    }
}

/// `, for example "127.0.0.1:8080"`, where a sample has a value to show.
fn example(sample: Option<&Value>) -> String {
    match sample {
        None | Some(Value::Null | Value::Object(_)) => String::new(),
        Some(value) => format!(", for example {}", shown(value)),
    }
}

/// The same as [`shown`], unless the key names a secret.
fn shown_at(key: &Key, value: &Value) -> String {
    match key.0.last() {
        Some(Step::Name(name)) if is_secret(name) => HIDDEN.to_owned(),
        _ => shown(value),
    }
}

/// A value as one would write it, on one line, without secrets, cut to a readable length.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        other => redacted(other).to_string(),
    };
    if text.chars().count() <= SHOWN_CHARS {
        return text;
    }
    let start: String = text.chars().take(SHOWN_CHARS).collect();
    format!("{start}...")
}

fn redacted(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact_url(text)),
        Value::Array(list) => Value::Array(list.iter().map(redacted).collect()),
        Value::Object(table) => Value::Object(
            table.iter().map(|(key, member)| (key.clone(), redacted_member(key, member))).collect(),
        ),
        other => other.clone(),
    }
}

fn redacted_member(key: &str, value: &Value) -> Value {
    if is_secret(key) { Value::String(HIDDEN.to_owned()) } else { redacted(value) }
}

/// What the reader wanted, in words of the configuration rather than of Rust.
fn expected(message: &str) -> String {
    let Some((_, wanted)) = message.rsplit_once(", expected ") else {
        return message.replace('\n', " ");
    };
    let wanted = match wanted {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" => "text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        other if other.starts_with("struct ") || other == "a map" => "a table of settings",
        other => other,
    };
    format!("expected {wanted}")
}
