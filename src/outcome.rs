//! How a command ends: exit codes and the one line on stderr.

use std::{
    io::{self, Write},
    process::ExitCode,
};
use tickcast_shared::{
    config::ConfigError,
    telemetry::{LogError, one_line},
};

/// Exit code of a run that failed.
const FAILED: u8 = 1;
/// Exit code of a mistake in flags, environment or file.
const MISTAKE: u8 = 2;
/// Exit code of `price` when the price is not live.
const NOT_LIVE: u8 = 3;
/// Exit code of `dlq retry` when a message would be refused again.
const STILL_REFUSED: u8 = 3;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The user can put it right: a line for each mistake says how.
    Mistake(String),
    /// Something failed while running.
    Failed(anyhow::Error),
    /// A price was printed, and it is not live.
    NotLive,
    /// What a Redis is like was printed, and it does not do.
    Unfit,
    /// What would become of a dead letter was printed, and it would be refused again.
    StillRefused,
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
    /// What is wrong in one line, for a process that goes on.
    pub fn line(self) -> String {
        match self {
            Self::Mistake(text) => text.replace('\n', "; "),
            Self::Failed(error) => one_line(error.as_ref()),
            Self::NotLive | Self::Unfit | Self::StillRefused => String::new(),
        }
    }

    /// Prints what is wrong, each mistake on a line of its own, and returns the exit code.
    pub fn report(self) -> ExitCode {
        let (text, code) = match self {
            Self::Mistake(text) => (text, MISTAKE),
            Self::Failed(error) => (one_line(error.as_ref()), FAILED),
            Self::NotLive => return ExitCode::from(NOT_LIVE),
            Self::Unfit => return ExitCode::from(FAILED),
            Self::StillRefused => return ExitCode::from(STILL_REFUSED),
        };
        for line in text.lines() {
            // Whoever closed stderr does not want to read this.
            let _ = writeln!(io::stderr(), "tickcast: {line}");
        }
        ExitCode::from(code)
    }
}
