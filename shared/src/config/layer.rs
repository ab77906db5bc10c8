//! One origin of settings: the file, a variable of the environment, or a flag.

use super::{
    ConfigError, DEFAULT_FILE, ENV_PREFIX, OTHER_VARIABLES, Override,
    key::{Key, Step},
};
use config::{FileFormat, Map, Source};
use serde::Deserialize;
use serde_json::{Number, Value};
use std::{io::ErrorKind, path::Path};
use toml::de::{DeTable, DeValue};

/// Where a layer's settings were written.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// Nowhere: the program's own defaults.
    Defaults,
    /// In a file, whose text is kept to find line numbers.
    File {
        /// Its path as the user named it.
        name: String,
        /// Its content.
        text: String,
    },
    /// In a variable of the environment, by name.
    Variable(String),
    /// By a flag.
    Flag(&'static str),
}

impl Origin {
    /// How messages begin: `tickcast.toml:12`, `TICKCAST_REDIS_URL` or `--listen`.
    pub fn describe(&self, key: &Key) -> String {
        match self {
            Self::Defaults => "defaults".to_owned(),
            Self::Variable(name) => name.clone(),
            Self::Flag(flag) => (*flag).to_owned(),
            Self::File { name, text } => match offset_of(key, text) {
                Some(offset) => format!("{name}:{}", line_of(text, offset)),
                None => name.clone(),
            },
        }
    }
}

/// The settings of one origin, all below one key.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// Where they were written.
    pub origin: Origin,
    /// Where they belong; empty for a file.
    pub at: Key,
    /// What they are.
    pub value: Value,
}

impl Layer {
    /// The layer below all others.
    pub fn of_defaults(value: Value) -> Self {
        Self { origin: Origin::Defaults, at: Key::default(), value }
    }

    /// The layer of `file`, or of the default file if that exists.
    pub fn of_file(file: Option<&Path>) -> Result<Option<Self>, ConfigError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let name = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if file.is_none() && error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(ConfigError::Unreadable { file: name, why: error.to_string() });
            }
        };
        Self::of_text(name, text).map(Some)
    }

    /// The layer of a file's text.
    pub fn of_text(name: String, text: String) -> Result<Self, ConfigError> {
        if let Err(error) = DeTable::parse(&text) {
            let line = line_of(&text, error.span().map_or(0, |span| span.start));
            let why = error.message().replace('\n', ", ");
            return Err(ConfigError::Syntax { file: name, line, why });
        }
        let value = config::File::from_str(&text, FileFormat::Toml)
            .collect()
            .and_then(|table| Value::deserialize(config::Value::from(table)))
            .map_err(|error| ConfigError::Unreadable {
                file: name.clone(),
                why: error.to_string(),
            })?;
        Ok(Self { origin: Origin::File { name, text }, at: Key::default(), value })
    }

    /// The layer of one flag.
    pub fn of_flag(given: Override) -> Self {
        let Override { flag, key, value } = given;
        Self { origin: Origin::Flag(flag), at: Key::from(key), value }
    }

    /// Whether this layer says something at `key`, above or below it.
    pub fn covers(&self, key: &Key) -> bool {
        if key.0.len() < self.at.0.len() {
            return self.at.0.starts_with(&key.0);
        }
        key.0
            .strip_prefix(self.at.0.as_slice())
            .is_some_and(|rest| Key(rest.to_vec()).find(&self.value).is_some())
    }
}

/// One layer for each variable that is a setting; lists are separated by commas.
pub(super) fn of_environment(
    environment: impl IntoIterator<Item = (String, String)>,
    sample: &Value,
) -> Vec<Layer> {
    let layer = |(name, text): (String, String)| {
        let at = Key::of_variable(name.strip_prefix(ENV_PREFIX)?);
        if OTHER_VARIABLES.contains(&name.as_str()) {
            return None;
        }
        let value = typed(&text, at.find_sample(sample));
        Some(Layer { origin: Origin::Variable(name), at, value })
    };
    let mut layers: Vec<Layer> = environment.into_iter().filter_map(layer).collect();
    layers.sort_by_cached_key(|layer| layer.at.to_string());
    layers
}

/// Text as the kind of value that the sample is; text that does not fit stays text, and is
/// refused with its key when the settings are read.
fn typed(text: &str, sample: Option<&Value>) -> Value {
    let as_text = || Value::String(text.to_owned());
    match sample {
        Some(Value::Bool(_)) => text.parse().map_or_else(|_| as_text(), Value::Bool),
        Some(Value::Number(_)) => text.parse::<Number>().map_or_else(|_| as_text(), Value::Number),
        Some(Value::Array(elements)) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| typed(part, elements.first())).collect())
        }
        _ => as_text(),
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, config::Value>, config::ConfigError> {
        let value = |value: &Value| {
            config::Value::deserialize(value)
                .map_err(|error| config::ConfigError::Message(error.to_string()))
        };
        match &self.value {
            Value::Object(table) if self.at.0.is_empty() => {
                table.iter().map(|(key, member)| Ok((key.clone(), value(member)?))).collect()
            }
            whole => Ok(Map::from_iter([(self.at.to_string(), value(whole)?)])),
        }
    }
}

/// The number of the line that holds a byte, counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}

/// Where in a TOML text a key's value, or the nearest table around it, stands.
fn offset_of(key: &Key, text: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?.into_inner();
    let Some((Step::Name(first), rest)) = key.0.split_first() else { return None };
    let mut found = table.get(first.as_str())?;
    for step in rest {
        let next = match (found.get_ref(), step) {
            (DeValue::Table(table), Step::Name(name)) => table.get(name.as_str()),
            (DeValue::Array(list), Step::Index(index)) => list.get(*index),
            _ => None,
        };
        let Some(next) = next else { break };
        found = next;
    }
    Some(found.span().start)
}
