//! Which channel owns which fields, and whether it still speaks (`truth.md` 1).

use super::values::Values;
use crate::exchange::Part;
use std::time::Duration;
use tickcast_shared::clock::Micros;

/// A channel that is silent for this long while the symbol's others speak is mute: its fields are
/// no longer known. The same time as that for which a link speaks for a symbol.
const SILENCE: Duration = Duration::from_secs(60);

/// When each channel of a symbol last spoke on this connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Owners {
    main: Option<Micros>,
    quotes: Option<Micros>,
    statistics: Option<Micros>,
    /// Single trades are told, beside the last price of the main channel.
    trades: bool,
    /// The statistics have a channel of their own, heard or mute.
    apart: bool,
}

impl Owners {
    /// A channel speaks, whatever it says.
    pub(super) fn hear(&mut self, part: Part, now: Micros) {
        match part {
            Part::Main => self.main = Some(now),
            Part::Quotes => self.quotes = Some(now),
            Part::Trades => self.trades = true,
            Part::Statistics => {
                self.statistics = Some(now);
                self.apart = true;
            }
        }
    }

    /// Whether single trades are told.
    pub(super) fn tells_trades(&self) -> bool {
        self.trades
    }

    /// A channel that has become mute, if there is one; each is told once.
    ///
    /// Quotes and trades bear witness for each other. Statistics come by the clock: they say
    /// nothing about channels that speak when something happens.
    pub(super) fn fall_silent(&mut self) -> Option<Part> {
        let outlived = |part: Option<Micros>, other: Option<Micros>| {
            part.zip(other).is_some_and(|(part, other)| other.since(part) > SILENCE)
        };
        if outlived(self.quotes, self.main) {
            self.quotes = None;
            Some(Part::Quotes)
        } else if outlived(self.main, self.quotes) {
            self.main = None;
            Some(Part::Main)
        } else if outlived(self.statistics, self.main.max(self.quotes)) {
            self.statistics = None;
            Some(Part::Statistics)
        } else {
            None
        }
    }

    /// What is left of the values without those of a mute channel.
    pub(super) fn without(&self, mute: Part, values: Values) -> Values {
        match mute {
            Part::Quotes => values.without_quotes(),
            Part::Main if self.apart => values.without_last(),
            Part::Main => values.without_last().without_statistics(),
            // They own nothing alone.
            Part::Trades => values,
            Part::Statistics => values.without_statistics(),
        }
    }
}
