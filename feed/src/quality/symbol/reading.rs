//! What a venue's REST says of a symbol, where its subscription is silent or there is none.

use super::{Judgement, Outcome, SymbolState};
use crate::{
    exchange::{Part, Update},
    quality::{sequence::Baseline, values::Values},
};
use tickcast_shared::{
    clock::Micros,
    market::{Reason, Source, State},
};

impl SymbolState {
    /// Takes a whole ticker from REST in, as a message without number.
    pub(in crate::quality) fn read(&mut self, update: &Update<'_>, now: Micros) -> Judgement {
        let told = Update { sequence: None, part: Part::Main, ..*update };
        let was = std::mem::replace(&mut self.ticker.source, Source::Stream);
        let kept = (self.main, self.main_heard, self.fresh);
        let mut judgement = self.judge(&told, now);
        // It is no word of the subscription: what comes by that starts from nothing.
        (self.main, self.main_heard, self.fresh) = kept;
        if matches!(judgement.outcome, Outcome::Refuse(_)) {
            self.ticker.source = was;
            return judgement;
        }
        self.ticker.source = Source::Poll;
        if was != Source::Poll && judgement.outcome == Outcome::Duplicate {
            self.mark_published(now);
            judgement.outcome = Outcome::Publish;
        }
        judgement
    }

    /// Whether REST tells the same prices.
    pub(in crate::quality) fn agrees(&self, update: &Update<'_>) -> bool {
        Values::of(&self.ticker).agree(&Values::default().merged(update))
    }

    /// REST has told the same: the value is as good as new.
    pub(in crate::quality) fn refresh(&mut self, now: Micros) {
        self.ticker.received_ts = Some(now);
    }

    /// The subscription does not tell the venue's price; true if that is to be published.
    pub(in crate::quality) fn doubt(&mut self, now: Micros) -> bool {
        let doubted = self.ticker.state == State::Live;
        if doubted {
            self.ticker.enter(State::Stale, Reason::SUBSCRIPTION_LOST, now);
            self.mark_published(now);
        }
        doubted
    }

    /// The channel is another connection's from now on, which counts anew.
    pub(in crate::quality) fn rebase(&mut self, part: Part) {
        match part {
            Part::Main => self.main = Baseline::default(),
            Part::Quotes => self.quotes = Baseline::default(),
            Part::Statistics => self.statistics = Baseline::default(),
            Part::Trades => self.trades = Baseline::default(),
        }
    }
}
