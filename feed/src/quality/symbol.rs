//! One symbol's merged state, and what becomes of each message about it.

mod reading;

use super::{
    Refusal,
    sequence::{Baseline, Order},
    values::Values,
};
use crate::exchange::{Part, Update};
use std::time::Duration;
use tickcast_shared::{
    clock::Micros,
    market::{Reason, Source, State, Ticker, Topic},
};

/// Quotes crossed for this long make a topic stale (`truth.md` 4).
const CROSSED_STALE_AFTER: Duration = Duration::from_secs(1);
/// A change of the volume alone is published at most this often (`truth.md` 10).
const VOLUME_EVERY: Duration = Duration::from_secs(1);

/// A channel that is silent for this long while the symbol's other one speaks is mute: its fields
/// are no longer known (`truth.md` 1). The same time as that for which a link speaks for a symbol.
const OWNER_SILENCE: Duration = Duration::from_secs(60);

/// A topic with everything known of it.
#[derive(Debug, Clone)]
pub(super) struct SymbolState {
    pub(super) topic: Topic,
    pub(super) ticker: Ticker,
    main: Baseline,
    quotes: Baseline,
    statistics: Baseline,
    trades: Baseline,
    crossed_since: Option<Micros>,
    published: Option<Micros>,
    /// A change of the volume alone waits to be published.
    volume_held: bool,
    /// Nothing has been taken in on this connection yet: what is shown is an older one's.
    fresh: bool,
    /// The newest message took back all prices.
    withdrawn: bool,
    /// When the channels last spoke on this connection.
    main_heard: Option<Micros>,
    quotes_heard: Option<Micros>,
    statistics_heard: Option<Micros>,
    trades_heard: Option<Micros>,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Publish,
    Duplicate,
    VolumeOnly,
    Refuse(Refusal),
}

/// An outcome and what was noticed on the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) outcome: Outcome,
    pub(super) sequence_reset: bool,
    pub(super) crossed: bool,
}

impl SymbolState {
    pub(super) fn new(topic: Topic, ticker: Ticker) -> Self {
        Self {
            topic,
            ticker,
            main: Baseline::default(),
            quotes: Baseline::default(),
            statistics: Baseline::default(),
            trades: Baseline::default(),
            crossed_since: None,
            published: None,
            volume_held: false,
            fresh: true,
            withdrawn: false,
            main_heard: None,
            quotes_heard: None,
            statistics_heard: None,
            trades_heard: None,
        }
    }

    /// A new connection: its sequence numbers have nothing to do with the old one's, and no field
    /// is live before its owner has spoken on it.
    pub(super) fn reconnected(&mut self, venue_symbol: &str, simulated: bool) {
        self.main = Baseline::default();
        self.quotes = Baseline::default();
        self.statistics = Baseline::default();
        self.trades = Baseline::default();
        self.fresh = true;
        (self.main_heard, self.quotes_heard) = (None, None);
        (self.statistics_heard, self.trades_heard) = (None, None);
        venue_symbol.clone_into(&mut self.ticker.venue_symbol);
        self.ticker.simulated = simulated;
    }

    /// Takes a message in.
    pub(super) fn judge(&mut self, update: &Update<'_>, now: Micros) -> Judgement {
        let (baseline, heard) = match update.part {
            Part::Main => (&mut self.main, &mut self.main_heard),
            Part::Quotes => (&mut self.quotes, &mut self.quotes_heard),
            Part::Statistics => (&mut self.statistics, &mut self.statistics_heard),
            Part::Trades => (&mut self.trades, &mut self.trades_heard),
        };
        *heard = Some(now);
        let order = baseline.judge(update.sequence);
        let update = &self.without_older_last(update);
        let own = Values::default().merged(update);
        let crossed = own.crossed();
        let outcome = match order {
            Order::Older => Outcome::Refuse(Refusal::OlderSequence),
            Order::Repeated => self.repeated(update, now),
            Order::Newer | Order::Reset if !own.usable(update.part) => {
                self.withdrawn = !self.basis().merged(update).priced();
                Outcome::Refuse(Refusal::NothingUsable)
            }
            Order::Newer | Order::Reset => self.take(update, crossed, now),
        };
        Judgement { outcome, sequence_reset: order == Order::Reset, crossed }
    }

    /// A venue that tells single trades tells the last price by two channels: the newer one counts
    /// (`truth.md` 1).
    fn without_older_last<'a>(&self, update: &Update<'a>) -> Update<'a> {
        let traded = self.trades_heard.and(self.ticker.trade_ts);
        let older = update.part == Part::Main
            && traded.zip(update.exchange_ts).is_some_and(|(traded, told)| told < traded);
        Update { last: if older { None } else { update.last }, ..*update }
    }

    /// What the fields of a message are merged into.
    fn basis(&self) -> Values {
        if self.fresh { Values::default() } else { Values::of(&self.ticker) }
    }

    /// The last sequence number again: proof of life, never a value.
    fn repeated(&mut self, update: &Update<'_>, now: Micros) -> Outcome {
        self.ticker.received_ts = Some(now);
        let before = Values::of(&self.ticker);
        if before.merged(update) == before {
            Outcome::Duplicate
        } else {
            Outcome::Refuse(Refusal::RepeatedSequence)
        }
    }

    fn take(&mut self, update: &Update<'_>, crossed: bool, now: Micros) -> Outcome {
        let before = Values::of(&self.ticker);
        let mut after = self.basis().merged(update);
        if crossed {
            after = after.without_quotes();
            self.crossed_since.get_or_insert(now);
        } else if update.bid.is_some() {
            self.crossed_since = None;
        }
        if update.part == Part::Statistics && !after.priced() {
            // Figures alone say nothing yet, and come again within seconds.
            return Outcome::VolumeOnly;
        }
        if std::mem::take(&mut self.fresh) {
            (self.ticker.trade_ts, self.ticker.exchange_ts) = (None, None);
        }
        self.withdrawn = false;
        if !after.priced() && self.published.is_none() {
            // Kept for the message that completes it.
            after.write_to(&mut self.ticker);
            return Outcome::Refuse(Refusal::Unpriced);
        }
        let (state, reason) = self.state_with(&after, now);
        let was = std::mem::replace(&mut self.ticker.source, Source::Stream);
        let same_state =
            (&self.ticker.state, &self.ticker.reason, was) == (&state, &reason, Source::Stream);
        self.ticker.received_ts = Some(now);
        self.ticker.trade_ts = update.trade_ts.or(self.ticker.trade_ts);
        if update.bid.is_some() {
            self.ticker.exchange_ts = update.exchange_ts;
        }
        if same_state && after == before {
            return Outcome::Duplicate;
        }
        after.write_to(&mut self.ticker);
        if same_state && after.equal_but_volume(&before) && !self.volume_due(now) {
            self.volume_held = true;
            return Outcome::VolumeOnly;
        }
        self.ticker.enter(state, reason, now);
        self.mark_published(now);
        Outcome::Publish
    }

    /// The state that these values deserve on a live connection.
    fn state_with(&self, values: &Values, now: Micros) -> (State, Reason) {
        let long = self.crossed_since.is_some_and(|at| now.since(at) >= CROSSED_STALE_AFTER);
        if long || (!values.priced() && self.crossed_since.is_some()) {
            (State::Stale, Reason::CROSSED)
        } else if values.priced() {
            (State::Live, Reason::NONE)
        } else {
            (State::Stale, Reason::AWAITING_DATA)
        }
    }

    fn volume_due(&self, now: Micros) -> bool {
        self.published.is_none_or(|at| now.since(at) >= VOLUME_EVERY)
    }

    fn mark_published(&mut self, now: Micros) {
        self.published = Some(now);
        self.volume_held = false;
    }

    /// Takes the fields of a mute channel away; true if that is to be published.
    pub(super) fn silence_owner(&mut self, now: Micros) -> bool {
        let (Some(main), Some(quotes)) = (self.main_heard, self.quotes_heard) else { return false };
        let values = Values::of(&self.ticker);
        let known = if main.since(quotes) > OWNER_SILENCE {
            self.quotes_heard = None;
            values.without_quotes()
        } else if quotes.since(main) > OWNER_SILENCE {
            self.main_heard = None;
            values.only_quotes()
        } else {
            return false;
        };
        if known == values || self.ticker.state != State::Live {
            return false;
        }
        match self.quotes_heard {
            None => self.ticker.exchange_ts = None,
            Some(_) => self.ticker.trade_ts = None,
        }
        known.write_to(&mut self.ticker);
        let (state, reason) = self.state_with(&known, now);
        self.ticker.enter(state, reason, now);
        self.mark_published(now);
        true
    }

    /// What time alone changes; true if it is to be published.
    pub(super) fn pass_time(&mut self, now: Micros) -> bool {
        let live = self.ticker.state == State::Live;
        let crossed = self.crossed_since.is_some_and(|at| now.since(at) >= CROSSED_STALE_AFTER);
        if live && crossed {
            self.ticker.enter(State::Stale, Reason::CROSSED, now);
            self.mark_published(now);
            return true;
        }
        if live && std::mem::take(&mut self.withdrawn) {
            self.ticker.enter(State::Stale, Reason::AWAITING_DATA, now);
            self.mark_published(now);
            return true;
        }
        if live && self.volume_held && self.volume_due(now) {
            self.mark_published(now);
            return true;
        }
        false
    }

    /// The connection is gone; true if that is to be published.
    pub(super) fn lose_link(&mut self, now: Micros) -> bool {
        self.crossed_since = None;
        let told = self.ticker.state == State::Stale && self.ticker.reason == Reason::LINK_LOST;
        if self.published.is_none() || told || self.ticker.state == State::Halted {
            return false;
        }
        self.ticker.enter(State::Stale, Reason::LINK_LOST, now);
        self.mark_published(now);
        true
    }

    /// The venue does not list the symbol, or refuses it; true if that is to be published.
    pub(super) fn halt(&mut self, now: Micros) -> bool {
        let told = self.ticker.state == State::Halted;
        self.ticker.enter(State::Halted, Reason::NOT_LISTED, now);
        !told
    }
}
