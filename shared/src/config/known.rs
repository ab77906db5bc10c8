//! Refuses keys that do not exist, and names the one that was probably meant.

use super::{
    ConfigError,
    key::{Key, Step},
    layer::{Layer, Origin},
};
use serde_json::Value;

/// Stands in a sample for names that the user is free to choose.
pub(super) const ANY_NAME: &str = "*";

/// Checks that every key of a layer exists in the sample.
pub(super) fn check(layer: &Layer, sample: &Value) -> Result<(), ConfigError> {
    let unknown = match layer.at.find_sample(sample) {
        None => Some(layer.at.clone()),
        Some(sample) => first_unknown(&layer.at, &layer.value, sample),
    };
    unknown.map_or(Ok(()), |key| Err(refused(layer, &key, sample)))
}

fn refused(layer: &Layer, key: &Key, sample: &Value) -> ConfigError {
    let nearest = nearest(key, sample).map(|known| match layer.origin {
        Origin::Variable(_) => format!("{known} ({})", known.variable()),
        _ => known.to_string(),
    });
    ConfigError::UnknownKey {
        origin: layer.origin.describe(key),
        key: key.to_string(),
        nearest: nearest.unwrap_or_else(|| "nothing".to_owned()),
    }
}

/// The first key below `at` that the sample does not have.
fn first_unknown(at: &Key, value: &Value, sample: &Value) -> Option<Key> {
    match (value, sample) {
        (Value::Object(table), Value::Object(known)) => table.iter().find_map(|(name, member)| {
            let key = at.with_name(name);
            match known.get(name).or_else(|| known.get(ANY_NAME)) {
                None => Some(key),
                Some(sample) => first_unknown(&key, member, sample),
            }
        }),
        (Value::Array(list), Value::Array(known)) => {
            let sample = known.first()?;
            let unknown = |(n, element)| first_unknown(&at.with_index(n), element, sample);
            list.iter().enumerate().find_map(unknown)
        }
        _ => None,
    }
}

/// The known key most like `key`: the same name in another table, else the fewest typing slips.
fn nearest(key: &Key, sample: &Value) -> Option<Key> {
    let mut known = Vec::new();
    list_keys(&Key::default(), sample, &mut known);
    let written = key.to_string();
    let known = known.into_iter().map(|candidate| at_indices_of(candidate, key));
    known.min_by_key(|candidate| {
        let moved = candidate.0.last() != key.0.last();
        (moved, strsim::damerau_levenshtein(&candidate.to_string(), &written))
    })
}

/// The candidate in the list element or under the name that the user was writing, rather than in the
/// first or any.
fn at_indices_of(mut candidate: Key, written: &Key) -> Key {
    for (step, written) in candidate.0.iter_mut().zip(&written.0) {
        match (step, written) {
            (Step::Index(index), Step::Index(wanted)) => *index = *wanted,
            (Step::Name(name), Step::Name(wanted)) if name == ANY_NAME => name.clone_from(wanted),
            _ => {}
        }
    }
    candidate
}

fn list_keys(at: &Key, sample: &Value, keys: &mut Vec<Key>) {
    match sample {
        Value::Object(table) => {
            for (name, member) in table {
                let key = at.with_name(name);
                keys.push(key.clone());
                list_keys(&key, member, keys);
            }
        }
        Value::Array(list) => {
            if let Some(element) = list.first() {
                list_keys(&at.with_index(0), element, keys);
            }
        }
        _ => {}
    }
}
