//! Messages that come late or twice.

use crate::venue::tick::Tick;

/// What becomes of the order of a symbol's ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disorder {
    /// Nothing.
    #[default]
    None,
    /// After each tick comes the one before it once more, with its own lower sequence and time.
    OutOfOrder,
    /// Each tick comes twice.
    Duplicate,
}

impl Disorder {
    /// What follows a tick, given the one before it.
    pub(in crate::venue) fn echo(self, tick: &Tick, before: Option<Tick>) -> Option<Tick> {
        match self {
            Self::None => None,
            Self::OutOfOrder => before,
            Self::Duplicate => Some(tick.clone()),
        }
    }
}
