//! Which columns a terminal has room for.

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `BTC-USDT`
    Symbol,
    /// `kucoin`
    Exchange,
    /// The last price, and which way it went.
    Last,
    /// The change since the screen opened.
    Change,
    /// The best bid.
    Bid,
    /// The best ask.
    Ask,
    /// How old the price is.
    Age,
    /// How far it may be believed, and why no further.
    State,
    /// The prices of the last while.
    Spark,
}

/// All columns from left to right.
pub const ALL: [Column; 9] = [
    Column::Symbol,
    Column::Exchange,
    Column::Last,
    Column::Change,
    Column::Bid,
    Column::Ask,
    Column::Age,
    Column::State,
    Column::Spark,
];
/// Those that a narrow terminal goes without, the first one last.
const OPTIONAL: [Column; 5] =
    [Column::Change, Column::Spark, Column::Bid, Column::Ask, Column::Age];
/// A state's word and where it comes from: `STALE SIM`. The reason takes what is left.
const SHORT_STATE: u16 = 9;
/// A line of bars that says anything.
const SHORT_SPARK: u16 = 10;
/// One that is long enough.
const LONG_SPARK: u16 = 40;
/// Between two columns.
pub const GAP: u16 = 1;

/// The widest that each column has had to be so far: columns that come and go with every price
/// cannot be read.
#[derive(Debug, Default, Clone, Copy)]
pub struct Widths([u16; ALL.len()]);

impl Widths {
    /// A cell of a column takes so many characters.
    pub fn note(&mut self, column: Column, width: usize) {
        let known = &mut self.0[column as usize];
        *known = (*known).max(u16::try_from(width).unwrap_or(u16::MAX));
    }

    /// A column may become narrower again: the last ones have none behind them that would move.
    pub fn forget(&mut self, column: Column) {
        self.0[column as usize] = 0;
    }

    fn of(&self, column: Column) -> u16 {
        self.0[column as usize]
    }

    /// At least what a column needs.
    fn needed(&self, column: Column) -> u16 {
        match column {
            Column::State => self.of(column).min(SHORT_STATE),
            Column::Spark => SHORT_SPARK,
            _ => self.of(column),
        }
    }

    /// The columns that there is room for, each with its width.
    pub fn fit(&self, width: u16) -> Vec<(Column, u16)> {
        let mut picked = vec![Column::Symbol, Column::Exchange, Column::Last, Column::State];
        let taken = |picked: &[Column]| -> u16 {
            let widths = picked.iter().map(|column| self.needed(*column).saturating_add(GAP));
            widths.fold(0, u16::saturating_add).saturating_sub(GAP)
        };
        if taken(&picked) > width {
            picked.retain(|column| *column != Column::Exchange);
        }
        for column in OPTIONAL {
            picked.push(column);
            if taken(&picked) > width {
                picked.pop();
            }
        }
        let mut spare = width.saturating_sub(taken(&picked));
        picked.sort_by_key(|column| *column as usize);
        let mut fitted = Vec::new();
        for column in picked {
            let wanted = match column {
                Column::Spark => LONG_SPARK,
                _ => self.of(column),
            };
            let more = wanted.saturating_sub(self.needed(column)).min(spare);
            spare -= more;
            fitted.push((column, self.needed(column) + more));
        }
        fitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths() -> Widths {
        let mut widths = Widths::default();
        for (column, width) in ALL.into_iter().zip([9, 8, 10, 8, 8, 8, 6, 24, 5]) {
            widths.note(column, width);
            widths.note(column, 1);
        }
        widths
    }

    fn names(width: u16) -> Vec<Column> {
        widths().fit(width).into_iter().map(|(column, _)| column).collect()
    }

    #[test]
    fn a_wide_terminal_has_them_all() {
        assert_eq!(names(200), ALL);
        let fitted = widths().fit(200);
        assert_eq!(fitted[7..], [(Column::State, 24), (Column::Spark, LONG_SPARK)]);
    }

    #[test]
    fn a_narrow_one_keeps_what_counts_most() {
        use Column::{Age, Change, Exchange, Last, Spark, State, Symbol};
        assert_eq!(names(60), [Symbol, Exchange, Last, Change, State, Spark]);
        assert_eq!(names(40), [Symbol, Exchange, Last, State]);
        assert_eq!(names(38), [Symbol, Last, Age, State]);
        assert_eq!(names(5), [Symbol, Last, State], "and is cut there");
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        for width in 31..200 {
            let fitted = widths().fit(width);
            let gaps = u16::try_from(fitted.len()).unwrap() - 1;
            let taken: u16 = fitted.iter().map(|(_, width)| width).sum();
            assert!(taken + gaps * GAP <= width, "{width}: {fitted:?}");
        }
    }
}
