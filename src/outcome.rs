//! How a command ends: exit codes and the one line on stderr.

use std::process::ExitCode;
use tickcast_shared::{config::ConfigError, telemetry::LogError};

/// Exit code of a run that failed.
const FAILED: u8 = 1;
/// Exit code of a mistake in flags, environment or file.
const MISTAKE: u8 = 2;
/// Exit code of `price` when the price is not live.
const NOT_LIVE: u8 = 3;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The user can put it right: one line says how.
    Mistake(String),
    /// Something failed while running.
    Failed(anyhow::Error),
    /// A price was printed, and it is not live.
    NotLive,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Mistake(error.to_string())
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::Mistake(error.to_string())
    }
}

impl Failure {
    /// Prints the line and returns the exit code.
    pub fn report(self) -> ExitCode {
        let (line, code) = match self {
            Self::Mistake(line) => (line, MISTAKE),
            Self::Failed(error) => (format!("{error:#}"), FAILED),
            Self::NotLive => return ExitCode::from(NOT_LIVE),
        };
        // Whoever closed stderr does not want to read this.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("tickcast: {}\n", line.replace('\n', " ")),
        );
        ExitCode::from(code)
    }
}
