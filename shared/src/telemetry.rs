//! Logs to stderr, as text or JSON, and metrics for the admin listener.

use crate::metric::{self, Row};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use std::{
    error::Error,
    fmt,
    io::{IsTerminal, stderr},
    str::FromStr,
};
use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt::SubscriberBuilder};

/// An error and its causes in one line. Many errors say their cause themselves; nothing is said twice.
#[must_use]
pub fn one_line(error: &(dyn Error + 'static)) -> String {
    let (mut line, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        let text = cause.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        next = cause.source();
    }
    line.replace('\n', " ")
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

impl FromStr for LogFormat {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(LogError::Format(other.into())),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Why logs cannot be written as asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Neither of the two formats.
    #[error("--log-format = {0:?} does not fit: expected text or json")]
    Format(String),
    /// No level and no list of levels by target.
    #[error(
        "--log-level = {0:?} does not fit: expected error, warn, info, debug, trace or off, \
         or levels by target such as info,tickcast_feed=debug"
    )]
    Level(String),
    /// Another log was started before.
    #[error("logs were started twice")]
    Twice,
}

/// Starts writing logs to stderr. `level` is one of `error`, `warn`, `info`, `debug`, `trace` and
/// `off`, or a list of levels by target: `info,tickcast_feed=debug`.
///
/// # Errors
/// [`LogError::Level`] for text that is neither; [`LogError::Twice`] on a second call.
pub fn log_to_stderr(format: LogFormat, level: &str) -> Result<(), LogError> {
    let builder = SubscriberBuilder::default()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .log_internal_errors(false)
        .with_env_filter(filter(level)?);
    let started = match format {
        LogFormat::Text => builder.compact().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|_| LogError::Twice)
}

/// A single word must be a level: the filter's own reader would take it for a target's name, and
/// a typing slip would silence everything.
fn filter(level: &str) -> Result<EnvFilter, LogError> {
    let wrong = || LogError::Level(level.into());
    for part in level.split(',').filter(|part| !part.contains('=')) {
        let known = !part.trim().is_empty() && part.trim().parse::<LevelFilter>().is_ok();
        known.then_some(()).ok_or_else(wrong)?;
    }
    EnvFilter::builder().parse(level).map_err(|_| wrong())
}

/// Starts collecting metrics in this process; the handle renders them for `/metrics`. `tables` are
/// the lists of the crates that count here; the ones of every role need not be named.
///
/// # Errors
/// [`BuildError`] when another collector was started before.
pub fn collect_metrics(tables: &[&'static [Row]]) -> Result<PrometheusHandle, BuildError> {
    let rows = || metric::table::TABLE.iter().chain(tables.iter().copied().flatten());
    let builder = rows().try_fold(PrometheusBuilder::new(), |builder, row| row.prepare(builder))?;
    let handle = builder.install_recorder()?;
    metric::describe(rows());
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once_whoever_says_it() {
        #[derive(Debug, thiserror::Error)]
        enum Failed {
            #[error("cannot do it: {source}")]
            Telling { source: std::io::Error },
            #[error("cannot do it")]
            Leaving(#[source] std::io::Error),
        }
        let cause = || std::io::Error::other("out of\nluck");
        for error in [Failed::Telling { source: cause() }, Failed::Leaving(cause())] {
            assert_eq!(one_line(&error), "cannot do it: out of luck");
        }
    }

    #[test]
    fn takes_levels_and_levels_by_target() {
        for level in ["info", "warn", "off", "info,tickcast_feed=debug", "tickcast_gateway=trace"] {
            assert!(filter(level).is_ok(), "{level}");
        }
        for level in ["loud", "", "info,loud", "tickcast_feed=loud"] {
            let message = filter(level).unwrap_err().to_string();
            assert!(message.contains("expected error, warn, info"), "{message}");
        }
    }

    #[test]
    fn formats_read_as_they_are_written() {
        for format in [LogFormat::Text, LogFormat::Json] {
            assert_eq!(format.to_string().parse::<LogFormat>().unwrap(), format);
        }
        assert!("xml".parse::<LogFormat>().is_err());
    }
}
