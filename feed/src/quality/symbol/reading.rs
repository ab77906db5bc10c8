//! What a venue's REST says of a symbol, where its subscription is silent or there is none.

use super::{Outcome, SymbolState};
use crate::{
    exchange::{Part, Update},
    quality::{books::Books, owners::Owners, said::Said, sequence::Baseline, values::Values},
};
use tickcast_shared::{
    clock::Micros,
    market::{Reason, Source, State},
};

impl SymbolState {
    /// Messages come by this from now on. Stream and REST complete nothing of each other: no field
    /// is live before its owner has spoken.
    pub(super) fn listen_to(&mut self, source: Source) {
        if self.source != source {
            self.source = source;
            self.said = Said::default();
            self.owners = Owners::default();
        }
    }

    /// Takes a whole ticker from REST in, as a message without number.
    pub(in crate::quality) fn read(
        &mut self,
        update: &Update<'_>,
        text: &str,
        books: &Books,
        now: Micros,
    ) -> Outcome {
        self.listen_to(Source::Poll);
        let told = Update { sequence: None, part: Part::Main, ..*update };
        self.take_in(&told, text, books, now)
    }

    /// Whether REST tells the same prices.
    pub(in crate::quality) fn agrees(&self, update: &Update<'_>) -> bool {
        Values::of(&self.ticker).agree(&Values::said(update))
    }

    /// REST has told the same: the value is as good as new.
    pub(in crate::quality) fn refresh(&mut self, now: Micros) {
        self.said.received = Some(now);
        self.ticker.received_ts = Some(now);
    }

    /// The subscription does not tell the venue's price; true if that is to be published.
    pub(in crate::quality) fn doubt(&mut self, now: Micros) -> bool {
        let doubted = self.ticker.state == State::Live;
        if doubted {
            self.take_back(Reason::SUBSCRIPTION_LOST, now);
        }
        doubted
    }

    /// The channel is another connection's from now on, which counts anew.
    pub(in crate::quality) fn rebase(&mut self, part: Part) {
        self.sequences[part as usize] = Baseline::default();
    }
}
