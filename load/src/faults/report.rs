//! All figures of a run, for people and programs.

use super::{Row, figure::Figure};
use crate::bench::machine::Machine;
use serde::Serialize;
use std::{fmt, fs, io, path::Path};

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was measured.
    Measured(Vec<Figure>),
    /// It cannot be measured here, and why.
    Skipped(String),
    /// It could have been, but something broke.
    Failed(String),
}

/// One row of the table of faults.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Its number there.
    pub number: u8,
    /// Its name.
    pub name: String,
    /// What is done to the gateway, with the times that were shortened.
    pub fault: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// All rows.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where it was measured.
    pub machine: Machine,
    /// What the gateway calls itself.
    pub version: String,
    /// The rows.
    pub rows: Vec<Measured>,
}

impl Measured {
    pub(super) fn new(row: Row, outcome: Outcome) -> Self {
        Self { number: row.number(), name: row.name(), fault: row.fault(), outcome }
    }

    /// Whether it was not found wanting.
    #[must_use]
    pub fn is_good(&self) -> bool {
        match &self.outcome {
            Outcome::Measured(figures) => figures.iter().all(|figure| figure.is_met),
            Outcome::Skipped(_) => true,
            Outcome::Failed(_) => false,
        }
    }
}

impl Report {
    /// Writes `report.json` in a folder, which is made.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.json"), serde_json::to_vec_pretty(self)?)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}: {}", self.number, self.name, self.fault)?;
        match &self.outcome {
            Outcome::Measured(figures) => {
                figures.iter().try_for_each(|figure| writeln!(f, "{figure}"))
            }
            Outcome::Skipped(why) => writeln!(f, "  skipped: {why}"),
            Outcome::Failed(why) => writeln!(f, "  failed: {why}"),
        }
    }
}
