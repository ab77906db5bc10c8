//! Results for people and programs: a table, JSON, and a page that needs nothing but itself.

mod html;
mod plot;
mod table;

pub use html::page;
pub use table::table;

use super::{results::Results, target::Measure};
use std::{fs, io, path::Path};

/// Writes `results.json` and `report.html` into a folder, which is made if it is not there.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write(results: &Results, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(results).map_err(io::Error::other)?;
    fs::write(folder.join("results.json"), json)?;
    fs::write(folder.join("report.html"), page(results))
}

/// The figures worth a line: some side has them, and they are not all nothing.
fn shown(compared: &super::results::Compared) -> Vec<Measure> {
    let quiet = [Measure::Disconnects, Measure::Evicted];
    let is_shown = |measure: &Measure| {
        compared
            .sides
            .iter()
            .filter_map(|side| side.figures.get(measure))
            .any(|spread| spread.most != 0.0 || !quiet.contains(measure))
    };
    Measure::ALL.into_iter().filter(is_shown).collect()
}
