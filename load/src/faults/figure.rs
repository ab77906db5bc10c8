//! A measured figure, what it must be, and whether it is.

use serde::Serialize;
use std::fmt;

/// A measured figure beside what is required of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured, with its unit.
    pub what: String,
    /// The figure; nothing when there was none to be had.
    pub measured: Option<f64>,
    /// What it has to be.
    #[serde(flatten)]
    pub bound: Bound,
    /// Whether it is.
    pub is_met: bool,
}

/// What a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "bound", content = "required")]
pub enum Bound {
    /// Not more than this.
    AtMost(f64),
    /// Not less than this.
    AtLeast(f64),
    /// Whatever: it is told for information.
    Any,
}

impl Figure {
    /// A figure that must not be above a bound.
    #[must_use]
    pub fn at_most(what: impl Into<String>, most: f64, measured: Option<f64>) -> Self {
        Self::new(what, Bound::AtMost(most), measured)
    }

    /// A figure that must not be below a bound.
    #[must_use]
    pub fn at_least(what: impl Into<String>, least: f64, measured: Option<f64>) -> Self {
        Self::new(what, Bound::AtLeast(least), measured)
    }

    /// Something that must hold: 1 if it does.
    #[must_use]
    pub fn holds(what: impl Into<String>, holds: bool) -> Self {
        Self::at_least(what, 1.0, Some(f64::from(u8::from(holds))))
    }

    /// A figure without a bound.
    #[must_use]
    pub fn told(what: impl Into<String>, measured: Option<f64>) -> Self {
        Self::new(what, Bound::Any, measured)
    }

    fn new(what: impl Into<String>, bound: Bound, measured: Option<f64>) -> Self {
        let is_met = match (bound, measured) {
            (Bound::Any, _) => true,
            (_, None) => false,
            (Bound::AtMost(most), Some(figure)) => figure <= most,
            (Bound::AtLeast(least), Some(figure)) => figure >= least,
        };
        Self { what: what.into(), measured, bound, is_met }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = match self.bound {
            Bound::AtMost(most) => format!("<= {}", short(most)),
            Bound::AtLeast(least) => format!(">= {}", short(least)),
            Bound::Any => "-".to_owned(),
        };
        let measured = self.measured.map_or("none".to_owned(), short);
        let verdict = match (self.bound, self.is_met) {
            (Bound::Any, _) => "",
            (_, true) => "met",
            (_, false) => "MISSED",
        };
        write!(f, "  {:72} {bound:>10} {measured:>10}  {verdict}", self.what)
    }
}

fn short(figure: f64) -> String {
    match figure.abs() {
        0.0 => "0".to_owned(),
        100.0.. => format!("{figure:.0}"),
        _ if figure.fract() == 0.0 => format!("{figure:.0}"),
        1.0..100.0 => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_met_or_not_and_nothing_measured_meets_none() {
        assert!(Figure::at_most("x", 10.0, Some(10.0)).is_met);
        assert!(!Figure::at_most("x", 10.0, Some(10.1)).is_met);
        assert!(!Figure::at_least("x", 0.9, Some(0.8)).is_met);
        assert!(Figure::holds("x", true).is_met && !Figure::holds("x", false).is_met);
        assert!(!Figure::at_most("x", 10.0, None).is_met);
        assert!(Figure::told("x", None).is_met);
        let line = Figure::at_most("evicted after s", 10.0, Some(10.25)).to_string();
        assert!(line.contains("<= 10") && line.contains("10.25") && line.ends_with("MISSED"));
    }
}
