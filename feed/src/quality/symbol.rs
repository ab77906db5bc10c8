//! One symbol's merged state, and what becomes of each message about it.

mod reading;

use super::{
    Refusal,
    board::Seat,
    books::{Books, OnHold},
    guard::{Guard, Ruling, Stated},
    owners::Owners,
    said::Said,
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

/// A topic with everything known of it.
#[derive(Debug)]
pub(super) struct SymbolState {
    pub(super) topic: Topic,
    /// What is shown. While something is on hold that is older than `said`.
    pub(super) ticker: Ticker,
    said: Said,
    /// By what it has said that.
    source: Source,
    /// Of each channel, in the order of [`Part`].
    sequences: [Baseline; 4],
    owners: Owners,
    crossed_since: Option<Micros>,
    published: Option<Micros>,
    /// A change of the volume alone waits to be published.
    volume_held: bool,
    /// The newest message took back all prices.
    withdrawn: bool,
    guard: Guard,
    on_hold: OnHold,
    seat: Seat,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Publish,
    Duplicate,
    VolumeOnly,
    /// It waits to be confirmed; the topic's state is to be published if that is news.
    Hold {
        news: bool,
    },
    Refuse(Refusal),
}

impl SymbolState {
    pub(super) fn new(topic: Topic, ticker: Ticker, seat: Seat) -> Self {
        Self {
            topic,
            ticker,
            said: Said::default(),
            source: Source::Stream,
            sequences: Default::default(),
            owners: Owners::default(),
            crossed_since: None,
            published: None,
            volume_held: false,
            withdrawn: false,
            guard: Guard::default(),
            on_hold: OnHold::default(),
            seat,
        }
    }

    /// Takes another place at the board.
    pub(super) fn sit(&mut self, seat: Seat) {
        self.seat = seat;
    }

    /// A new connection: its sequence numbers have nothing to do with the old one's, and no field
    /// is live before its owner has spoken on it.
    pub(super) fn reconnected(&mut self, venue_symbol: &str, simulated: bool) {
        self.sequences = Default::default();
        self.owners = Owners::default();
        self.said = Said::default();
        self.source = Source::Stream;
        self.guard.give_up();
        venue_symbol.clone_into(&mut self.ticker.venue_symbol);
        self.ticker.simulated = simulated;
    }

    /// Takes a message in.
    pub(super) fn judge(
        &mut self,
        update: &Update<'_>,
        frame: &str,
        books: &Books,
        now: Micros,
    ) -> Outcome {
        if update.part != Part::Statistics {
            self.listen_to(Source::Stream);
        }
        self.take_in(update, frame, books, now)
    }

    fn take_in(&mut self, update: &Update<'_>, frame: &str, books: &Books, now: Micros) -> Outcome {
        let order = self.sequences[update.part as usize].judge(update.sequence);
        self.owners.hear(update.part, now);
        let update = &self.without_older_last(update);
        let own = Values::said(update);
        books.accounting.noticed(own.bad_fields(update), own.crossed(), order == Order::Reset);
        let merged = self.said.values.merged(update, &own);
        match order {
            Order::Older => Outcome::Refuse(Refusal::OlderSequence),
            Order::Repeated => self.repeated(update, &merged, now),
            // What takes back some fields of a price is as good as any other word of their owner.
            Order::Newer | Order::Reset
                if !own.usable(update.part) && (!merged.priced() || merged == self.said.values) =>
            {
                self.withdrawn = !merged.priced();
                self.said.values = merged;
                if update.bid.is_some() {
                    self.post(now);
                }
                Outcome::Refuse(Refusal::NothingUsable)
            }
            Order::Newer | Order::Reset if update.part == Part::Statistics => {
                self.take_statistics(merged, now)
            }
            Order::Newer | Order::Reset => {
                self.said.take(update, merged, now);
                self.take(update, own.crossed(), frame, books, now)
            }
        }
    }

    /// A venue that tells single trades tells the last price by two channels: the newer one counts
    /// (`truth.md` 1).
    fn without_older_last<'a>(&self, update: &Update<'a>) -> Update<'a> {
        let traded = self.said.trade_ts.filter(|_| self.owners.tells_trades());
        let older = update.part == Part::Main
            && traded.zip(update.exchange_ts).is_some_and(|(traded, told)| told < traded);
        Update { last: if older { None } else { update.last }, ..*update }
    }

    /// The last sequence number again: proof of life, never a value.
    fn repeated(&mut self, update: &Update<'_>, merged: &Values, now: Micros) -> Outcome {
        if *merged != self.said.values {
            return Outcome::Refuse(Refusal::RepeatedSequence);
        }
        self.said.received = Some(now);
        if update.bid.is_some() {
            self.said.quoted = Some(now);
            self.post(now);
        }
        if !self.guard.is_holding() {
            self.ticker.received_ts = Some(now);
        }
        Outcome::Duplicate
    }

    /// Figures of 24 hours by a channel of their own: they complete a price, and prove none.
    fn take_statistics(&mut self, merged: Values, now: Micros) -> Outcome {
        let same = merged == self.said.values;
        self.said.values = merged;
        if same {
            Outcome::Duplicate
        } else if self.ticker.state != State::Live || !merged.priced() {
            // Shown with the price.
            Outcome::VolumeOnly
        } else {
            self.show(now)
        }
    }

    fn take(
        &mut self,
        update: &Update<'_>,
        crossed: bool,
        frame: &str,
        books: &Books,
        now: Micros,
    ) -> Outcome {
        if crossed {
            self.said.values = self.said.values.without_quotes();
            self.crossed_since.get_or_insert(now);
        } else if update.bid.is_some() {
            self.crossed_since = None;
        }
        self.withdrawn = false;
        if !self.said.values.priced() && self.published.is_none() {
            // Kept for the message that completes it.
            return Outcome::Refuse(Refusal::Unpriced);
        }
        if update.bid.is_some() {
            self.post(now);
        }
        let stated = Stated { quotes: update.bid.is_some(), last: update.last.is_some() };
        let prices = self.said.values.prices();
        match self.guard.judge(&prices, stated, self.seat.others(now), now) {
            Ruling::Hold => return self.hold(frame, books, now),
            Ruling::Accept => self.on_hold.refuse(books),
            Ruling::Release => self.on_hold.release(books),
        }
        self.show(now)
    }

    /// The price needs to be confirmed: what is shown is no longer the venue's.
    fn hold(&mut self, frame: &str, books: &Books, now: Micros) -> Outcome {
        self.on_hold.push(frame, now);
        let reason = Reason::UNCONFIRMED;
        let news = self.ticker.state != State::Stale || self.ticker.reason != reason;
        if news {
            books.accounting.jump_held();
            self.ticker.enter(State::Stale, reason, now);
            self.mark_published(now);
        }
        Outcome::Hold { news }
    }

    /// Tells the others what the venue says.
    fn post(&mut self, now: Micros) {
        match self.said.values.prices().mid() {
            Some(mid) => self.seat.post(mid, now),
            None => self.seat.withdraw(),
        }
    }

    /// Shows what the venue says.
    fn show(&mut self, now: Micros) -> Outcome {
        let (before, after) = (Values::of(&self.ticker), self.said.values);
        let (state, reason) = self.state_with(&after, now);
        let same_source = std::mem::replace(&mut self.ticker.source, self.source) == self.source;
        let same_state = same_source && self.ticker.state == state && self.ticker.reason == reason;
        self.said.write_to(&mut self.ticker);
        if same_state && after == before {
            return Outcome::Duplicate;
        }
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

    /// What time alone changes; true if it is to be published. Quotes are good for so long after
    /// they were stated, if that is limited.
    pub(super) fn pass_time(
        &mut self,
        quotes_good_for: Option<Duration>,
        books: &Books,
        now: Micros,
    ) -> bool {
        if self.guard.is_holding() {
            let prices = self.said.values.prices();
            if !self.guard.pass_time(&prices, self.seat.others(now), now) {
                return false;
            }
            self.on_hold.release(books);
            return self.show(now) == Outcome::Publish;
        }
        let forgotten = self.forget(quotes_good_for, books, now);
        if self.ticker.state != State::Live {
            return false;
        }
        let crossed = self.crossed_since.is_some_and(|at| now.since(at) >= CROSSED_STALE_AFTER);
        if crossed {
            self.take_back(Reason::CROSSED, now);
        } else if std::mem::take(&mut self.withdrawn) {
            self.take_back(Reason::AWAITING_DATA, now);
        } else if forgotten {
            return self.show(now) == Outcome::Publish;
        } else if self.volume_held && self.volume_due(now) {
            self.mark_published(now);
        } else {
            return false;
        }
        true
    }

    /// Takes away the fields of mute channels, and quotes that are too old; true if there were any.
    fn forget(&mut self, quotes_good_for: Option<Duration>, books: &Books, now: Micros) -> bool {
        let before = self.said.values;
        while let Some(mute) = self.owners.fall_silent() {
            self.said.forget(mute, &self.owners);
            books.accounting.owner_mute();
        }
        let old = quotes_good_for
            .is_some_and(|good| self.said.quoted.is_some_and(|at| now.since(at) > good));
        if old {
            self.said.forget(Part::Quotes, &self.owners);
            books.accounting.quotes_expired();
        }
        let gone = before.prices().mid().is_some() && self.said.values.prices().mid().is_none();
        if gone {
            self.seat.withdraw();
        }
        self.said.values != before
    }

    /// What is shown is no longer vouched for.
    fn take_back(&mut self, reason: Reason, now: Micros) {
        self.seat.withdraw();
        self.ticker.enter(State::Stale, reason, now);
        self.mark_published(now);
    }

    /// Whether a price waits to be confirmed.
    pub(super) fn is_holding(&self) -> bool {
        self.guard.is_holding()
    }

    /// The connection is gone; true if that is to be published.
    pub(super) fn lose_link(&mut self, books: &Books, now: Micros) -> bool {
        self.crossed_since = None;
        self.end_hold(books);
        let told = self.ticker.state == State::Stale && self.ticker.reason == Reason::LINK_LOST;
        if self.published.is_none() || told || self.ticker.state == State::Halted {
            return false;
        }
        self.take_back(Reason::LINK_LOST, now);
        true
    }

    /// The venue trades nothing now; true if that is to be published.
    pub(super) fn pause(&mut self, books: &Books, now: Micros) -> bool {
        let halted = self.ticker.state == State::Halted;
        let any = !halted && self.lose_link(books, now);
        if any {
            self.ticker.enter(State::Halted, Reason::MAINTENANCE, now);
        }
        any
    }

    /// The venue does not list the symbol, or refuses it; true if that is to be published.
    pub(super) fn halt(&mut self, books: &Books, now: Micros) -> bool {
        let told = self.ticker.state == State::Halted;
        self.end_hold(books);
        self.seat.withdraw();
        self.ticker.enter(State::Halted, Reason::NOT_LISTED, now);
        !told
    }

    fn end_hold(&mut self, books: &Books) {
        self.guard.give_up();
        self.on_hold.refuse(books);
    }
}
