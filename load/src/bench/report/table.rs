//! A scenario as a table for the terminal.

use super::shown;
use crate::bench::{
    results::Compared,
    target::{Measure, Outcome},
};
use std::fmt::Write;

/// Between two columns.
const GAP: &str = "  ";

/// Figures, one column a side, then targets and whatever else is to be known.
#[must_use]
pub fn table(compared: &Compared) -> String {
    let mut rows = vec![head(compared)];
    for measure in shown(compared) {
        let figure = |side: &crate::bench::results::Measured| {
            side.figures.get(&measure).map_or_else(|| "-".to_owned(), |spread| spread.text())
        };
        let figures = compared.sides.iter().map(figure);
        rows.push(std::iter::once(measure.title().to_owned()).chain(figures).collect());
    }
    for against in 1..compared.sides.len() {
        if let Some(ratio) = compared.ratio(Measure::CpuUsPerDelivery, 0, against) {
            let mut row = vec![format!("CPU x {}", compared.sides[against].label), ratio.text()];
            row.resize(compared.sides.len() + 1, String::new());
            rows.push(row);
        }
    }
    let mut text = format!("{}: {}\n", compared.name, compared.title);
    aligned(&mut text, &rows);
    for outcome in &compared.targets {
        // Writing into a text cannot fail.
        let _ = writeln!(text, "target: {}", verdict(outcome));
    }
    for side in &compared.sides {
        for note in side.notes() {
            let _ = writeln!(text, "{}: {note}", side.label);
        }
    }
    text
}

fn head(compared: &Compared) -> Vec<String> {
    let labels = compared.sides.iter().map(|side| {
        let valid = side.runs.iter().flatten().filter(|run| run.is_valid()).count();
        format!("{} [{valid}]", side.label)
    });
    std::iter::once("median (range) [runs]".to_owned()).chain(labels).collect()
}

fn verdict(outcome: &Outcome) -> String {
    let target = &outcome.target;
    let measured = outcome.measured.map_or_else(|| "-".to_owned(), |spread| spread.text());
    let (title, bound) = (target.measure.title(), target.bound());
    format!("{}: {title} {bound}: {measured} {}", target.text, outcome.verdict)
}

fn aligned(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}", width = *width))
            .collect();
        text.push_str(cells.join(GAP).trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut text = String::new();
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), "2".to_owned()]];
        aligned(&mut text, &rows);
        assert_eq!(text, "a     1\nlong  2\n");
    }
}
