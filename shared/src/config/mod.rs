//! Settings from file, environment and flags, in rising order, and secrets from a service manager;
//! every mistake is one line that names the key, the value and what would be right.

mod changes;
mod credential;
mod error;
mod key;
mod known;
mod layer;
mod redact;

pub use changes::changed_keys;
pub use error::ConfigError;
pub use redact::{is_secret, redact_url};

use credential::Credentials;
use error::invalid;
use layer::Layer;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::path::Path;

/// Read when no other file is named, if it exists.
pub const DEFAULT_FILE: &str = "tickcast.toml";
/// What the names of all our environment variables start with.
pub const ENV_PREFIX: &str = "TICKCAST_";
/// Variables with our prefix that are no settings: where recordings lie, and the short name of
/// `TICKCAST_LOG_LEVEL`, which is read with the flags.
pub const OTHER_VARIABLES: [&str; 2] = ["TICKCAST_RECORDINGS", "TICKCAST_LOG"];

/// A setting given on the command line.
#[derive(Debug, Clone)]
pub struct Override {
    /// The flag, for messages: `--listen`.
    pub flag: &'static str,
    /// The key that it sets: `gateway.listen`.
    pub key: &'static str,
    /// Its value; text where the setting is text.
    pub value: Value,
}

/// The process environment as [`load`] takes it; what is no UTF-8 is replaced.
pub fn process_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    })
}

/// The defaults, overlaid by the file, the environment and the flags. Without `file`,
/// [`DEFAULT_FILE`] is read if it exists.
///
/// `sample` has every list and option filled, so that all keys are known: serialised, it is the
/// list of keys that may be set, and where examples in messages come from.
/// Sections in `not_ours` are another role's, whose credentials this process was not given.
///
/// # Errors
/// The first mistake found: an unreadable file, an unknown key, a value that does not fit.
pub fn load<T: Default + Serialize + DeserializeOwned>(
    sample: &T,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: Vec<Override>,
    not_ours: &[&str],
) -> Result<T, ConfigError> {
    let sample = as_json(sample)?;
    let mut layers = vec![Layer::of_defaults(as_json(&T::default())?)];
    layers.extend(Layer::of_file(file)?);
    layers.extend(layer::of_environment(environment, &sample));
    layers.extend(overrides.into_iter().map(Layer::of_flag));
    read(&layers, &sample, not_ours)
}

/// The defaults, overlaid by the text of a file.
///
/// # Errors
/// As [`load`].
#[cfg(any(test, feature = "testing"))]
pub fn load_text<T>(sample: &T, text: &str) -> Result<T, ConfigError>
where
    T: Default + Serialize + DeserializeOwned,
{
    let defaults = Layer::of_defaults(as_json(&T::default())?);
    let file = Layer::of_text(DEFAULT_FILE.to_owned(), text.to_owned())?;
    read(&[defaults, file], &as_json(sample)?, &[])
}

fn read<T: DeserializeOwned>(
    layers: &[Layer],
    sample: &Value,
    not_ours: &[&str],
) -> Result<T, ConfigError> {
    for layer in layers {
        known::check(layer, sample)?;
    }
    let mut merged = merge(layers)?;
    let credentials = Credentials::of_process();
    credential::resolve(&mut merged, &credentials, not_ours).map_err(|(key, value, why)| {
        let origin = layers.iter().rev().find(|layer| layer.covers(&key));
        let origin = origin.map_or_else(String::new, |layer| layer.origin.describe(&key));
        ConfigError::Invalid { origin, key: key.to_string(), value: format!("{value:?}"), why }
    })?;
    serde_path_to_error::deserialize(&merged).map_err(|error| {
        let key = key::Key::from(error.path());
        invalid(&key, &error.into_inner().to_string(), &merged, sample, layers)
    })
}

fn as_json<T: Serialize>(settings: &T) -> Result<Value, ConfigError> {
    serde_json::to_value(settings).map_err(|error| ConfigError::Layers(error.to_string()))
}

fn merge(layers: &[Layer]) -> Result<Value, ConfigError> {
    let mut builder = config::Config::builder();
    for layer in layers {
        builder = builder.add_source(layer.clone());
    }
    builder
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| ConfigError::Layers(error.to_string()))
}

#[cfg(test)]
mod tests;
