//! The `[telemetry]` section: one place for its keys and defaults.

use crate::config::redact_url;
use serde::{Deserialize, Serialize};
use url::Url;

/// Where spans go, and which; every key has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// An OpenTelemetry collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; unset:
    /// no spans.
    pub otlp_endpoint: Option<String>,
    /// The part of all ticks that is sampled, 0 to 1; the same for feeds and gateways.
    pub sample_ratio: f64,
    /// As what the process shows itself there.
    pub service_name: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            sample_ratio: DEFAULT_RATIO,
            service_name: DEFAULT_NAME.to_owned(),
        }
    }
}

/// One tick of a hundred: a busy market has thousands of updates a second, and each that is sampled
/// is four spans or more.
const DEFAULT_RATIO: f64 = 0.01;
/// What the process is called unless configured.
const DEFAULT_NAME: &str = "tickcast";
/// Where a collector takes traces, behind its base address (OTLP specification, OTLP/HTTP request).
const TRACES_PATH: &str = "v1/traces";

/// A setting that does not fit.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// This build has no exporter.
    #[error(
        "telemetry.otlp_endpoint is set, and this build cannot export spans: build with \
         --features otel, or remove the key"
    )]
    NotBuilt,
    /// The address cannot be one of a collector.
    #[error(
        "telemetry.otlp_endpoint = {0:?} does not fit: expected http:// or https:// with a host, \
         for example \"http://127.0.0.1:4318\""
    )]
    Endpoint(String),
    /// No part of something.
    #[error("telemetry.sample_ratio = {0} does not fit: expected 0 to 1")]
    Ratio(f64),
    /// Nothing to be found by.
    #[error("telemetry.service_name is empty: name the service, for example \"tickcast\"")]
    Name,
    /// The exporter cannot be set up.
    #[error("telemetry: {0}")]
    Exporter(String),
}

impl TelemetryConfig {
    /// The defaults with everything filled that is empty by default: the keys that may be set.
    #[must_use]
    pub fn sample() -> Self {
        Self { otlp_endpoint: Some("http://127.0.0.1:4318".to_owned()), ..Self::default() }
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`TelemetryError`] names the first key that does not fit.
    pub fn validate(&self) -> Result<(), TelemetryError> {
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return Err(TelemetryError::Ratio(self.sample_ratio));
        }
        if self.service_name.trim().is_empty() {
            return Err(TelemetryError::Name);
        }
        if self.otlp_endpoint.is_some() && !cfg!(feature = "otel") {
            return Err(TelemetryError::NotBuilt);
        }
        self.traces_url().map(drop)
    }

    /// Where spans are sent; none if nowhere.
    pub(super) fn traces_url(&self) -> Result<Option<Url>, TelemetryError> {
        let Some(text) = &self.otlp_endpoint else { return Ok(None) };
        let wrong = || TelemetryError::Endpoint(redact_url(text));
        let mut url = Url::parse(text).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong());
        }
        let base = url.path().trim_end_matches('/');
        if !base.ends_with(TRACES_PATH) {
            let path = format!("{base}/{TRACES_PATH}");
            url.set_path(&path);
        }
        Ok(Some(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(endpoint: &str) -> TelemetryConfig {
        TelemetryConfig { otlp_endpoint: Some(endpoint.to_owned()), ..TelemetryConfig::default() }
    }

    #[test]
    fn a_base_address_gets_the_path_of_traces() {
        for (endpoint, wanted) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://otel.example/api/", "https://otel.example/api/v1/traces"),
            ("http://host:4318/v1/traces", "http://host:4318/v1/traces"),
        ] {
            assert_eq!(with(endpoint).traces_url().unwrap().unwrap().as_str(), wanted);
        }
        for wrong in ["127.0.0.1:4318", "grpc://host:4317", "http://", "nonsense"] {
            assert!(
                matches!(with(wrong).traces_url(), Err(TelemetryError::Endpoint(_))),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_ratio_is_a_part() {
        for wrong in [-0.1, 1.5, f64::NAN] {
            let config = TelemetryConfig { sample_ratio: wrong, ..TelemetryConfig::default() };
            assert!(matches!(config.validate(), Err(TelemetryError::Ratio(_))), "{wrong}");
        }
        assert!(TelemetryConfig::default().validate().is_ok());
    }
}
