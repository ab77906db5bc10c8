//! The jump guard (`truth.md` 13): a price far from where it should be is held until it is
//! confirmed. Pure: it is told what others say and what time it is.
//!
//! A price is compared with the median of the other venues, or else with the venue's own last one.
//! Of two medians the nearer one counts: their mean would be a price that nobody named. A venue
//! whose own price was confirmed far from the others may stay there: it is compared with that
//! price until it is back, or its topic would be taken away with every message.

use rust_decimal::Decimal;
use std::{collections::VecDeque, time::Duration};
use tickcast_shared::{clock::Micros, market::Price};

/// A price may be this far from its reference: a tenth.
const BAND: Decimal = Decimal::from_parts(1, 0, 0, false, 1);
/// Or so many price steps, where a step is a large part of the price.
const BAND_STEPS: i64 = 5;
/// So many other venues make a reference.
const QUORUM: usize = 2;
/// The venue's own price is a reference for this long.
const OWN_GOOD_FOR: Duration = Duration::from_secs(60);
/// So many messages confirm each other,
const MESSAGES: usize = 3;
/// when they are within a hundredth of each other
const AGREEMENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
/// and have stood for this long.
const STOOD: Duration = Duration::from_millis(300);
/// Another venue confirms what is within a fiftieth of its own price.
const SECONDED: Decimal = Decimal::from_parts(2, 0, 0, false, 2);
/// Prices of a run that are kept: enough for any number of messages, since its first one counts.
const MAX_RUN: usize = 16;

/// What a venue says now, merged from its channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Prices {
    pub(super) last: Option<Price>,
    pub(super) bid: Option<Price>,
    pub(super) ask: Option<Price>,
}

impl Prices {
    /// The middle of the quote.
    pub(super) fn mid(&self) -> Option<Decimal> {
        let (bid, ask) = self.bid.zip(self.ask)?;
        Some((bid.decimal() + ask.decimal()) / Decimal::TWO)
    }

    /// Digits after the point, as written, of the price that has most.
    fn decimals(&self) -> u32 {
        let all = [self.last, self.bid, self.ask].into_iter().flatten();
        all.map(|price| price.decimal().scale()).max().unwrap_or(0)
    }
}

/// Which prices the message at hand states; the others are from messages before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) quotes: bool,
    pub(super) last: bool,
}

/// What becomes of the prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ruling {
    /// They are where they should be. What was on hold is not confirmed.
    Accept,
    /// They are held, unconfirmed.
    Hold,
    /// They are confirmed, and what led to them.
    Release,
}

/// The guard of one symbol at one venue.
#[derive(Debug, Clone, Default)]
pub(super) struct Guard {
    /// The prices that were accepted last, and when they were stated.
    mid: Option<(Decimal, Micros)>,
    last: Option<(Decimal, Micros)>,
    /// Digits after the point of accepted prices.
    decimals: u32,
    /// The accepted price is far from the other venues', and was confirmed.
    departed: bool,
    held: Option<Held>,
}

/// Prices on hold.
#[derive(Debug, Clone)]
struct Held {
    claim: Claim,
    /// The newest prices that agree with each other, the oldest first.
    run: VecDeque<(Decimal, Micros)>,
}

/// A price that needs to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Mid(Decimal),
    Last(Decimal),
}

/// How a price stands to what it should be.
enum Finding {
    Sound,
    /// Far from the others, where it was before.
    Departed,
    Far,
}

impl Claim {
    fn price(self) -> Decimal {
        let (Self::Mid(price) | Self::Last(price)) = self;
        price
    }

    /// Whether these are the prices that it was made of.
    fn is_of(self, prices: &Prices) -> bool {
        match self {
            Self::Mid(mid) => prices.mid() == Some(mid),
            Self::Last(last) => prices.last.is_some_and(|it| it.decimal() == last),
        }
    }

    fn is_in(self, stated: Stated) -> bool {
        match self {
            Self::Mid(_) => stated.quotes,
            Self::Last(_) => stated.last,
        }
    }
}

impl Guard {
    /// Judges a message. `others` are the other venues' mids in order of size.
    pub(super) fn judge(
        &mut self,
        prices: &Prices,
        stated: Stated,
        others: &[Decimal],
        now: Micros,
    ) -> Ruling {
        let Some(claim) = self.claim(prices, others, now) else {
            let held = self.held.take();
            self.accept(prices, stated, now);
            // A last price that came before its quote stands once the quote has come.
            let stands =
                held.is_some_and(|it| matches!(it.claim, Claim::Last(_)) && it.claim.is_of(prices));
            return if stands { Ruling::Release } else { Ruling::Accept };
        };
        let held = self.held.get_or_insert_with(|| Held { claim, run: VecDeque::new() });
        held.claim = claim;
        if claim.is_in(stated) && claim.is_of(prices) {
            held.agree(claim.price(), now);
        }
        if self.release(prices, others, now) { Ruling::Release } else { Ruling::Hold }
    }

    /// Whether what is on hold is confirmed by now: by other venues, or by having stood. `prices`
    /// are the venue's as of its newest message.
    pub(super) fn pass_time(&mut self, prices: &Prices, others: &[Decimal], now: Micros) -> bool {
        self.release(prices, others, now)
    }

    /// Whether something is on hold.
    pub(super) fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    /// Gives up what is on hold.
    pub(super) fn give_up(&mut self) {
        self.held = None;
    }

    /// The price that needs to be confirmed before these can be shown, if one does.
    fn claim(&mut self, prices: &Prices, others: &[Decimal], now: Micros) -> Option<Claim> {
        let step = self.step(prices);
        let last = prices.last.map(Price::decimal);
        let (price, own, claim) = match (prices.mid(), last) {
            (Some(mid), _) => (mid, self.mid, Claim::Mid(mid)),
            // The quote is gone; what it said is as open as before.
            (None, _) if self.holds_mid() => return self.held.as_ref().map(|held| held.claim),
            (None, Some(last)) if self.last.is_some_and(|(own, _)| own == last) => return None,
            (None, Some(last)) => (last, self.last, Claim::Last(last)),
            (None, None) => return None,
        };
        let own = own.filter(|(_, at)| now.since(*at) <= OWN_GOOD_FOR).map(|(own, _)| own);
        match self.find(price, own, others, step) {
            Finding::Far => return Some(claim),
            Finding::Departed => self.departed = true,
            Finding::Sound => self.departed = false,
        }
        let last = last.filter(|_| matches!(claim, Claim::Mid(_)))?;
        self.is_stray(last, price, others, step, now).then_some(Claim::Last(last))
    }

    fn holds_mid(&self) -> bool {
        matches!(self.held, Some(Held { claim: Claim::Mid(_), .. }))
    }

    fn find(
        &self,
        price: Decimal,
        own: Option<Decimal>,
        others: &[Decimal],
        step: Decimal,
    ) -> Finding {
        let common = median_near(others, price);
        let is_near = |reference| near(price, reference, step);
        match (common, own) {
            (Some(common), _) if is_near(common) => Finding::Sound,
            (Some(_), Some(own)) if self.departed && is_near(own) => Finding::Departed,
            (Some(_), _) => Finding::Far,
            (None, Some(own)) if !is_near(own) => Finding::Far,
            (None, _) => Finding::Sound,
        }
    }

    /// Whether the last price, which may well lie outside the quote, has jumped to where neither it
    /// nor the quote nor another venue was.
    fn is_stray(
        &self,
        last: Decimal,
        mid: Decimal,
        others: &[Decimal],
        step: Decimal,
        now: Micros,
    ) -> bool {
        let Some((own, at)) = self.last else { return false };
        let known = now.since(at) <= OWN_GOOD_FOR && own != last;
        let common = median_near(others, last);
        let mut references = [Some(own), Some(mid), common].into_iter().flatten();
        known && !references.any(|reference| near(last, reference, step))
    }

    /// The smallest step that the venue's prices can make, as far as their digits tell.
    fn step(&self, prices: &Prices) -> Decimal {
        Decimal::new(1, self.decimals.max(prices.decimals()))
    }

    fn accept(&mut self, prices: &Prices, stated: Stated, now: Micros) {
        if let Some(mid) = prices.mid().filter(|_| stated.quotes) {
            self.mid = Some((mid, now));
        }
        if let Some(last) = prices.last.filter(|_| stated.last) {
            self.last = Some((last.decimal(), now));
        }
        self.decimals = self.decimals.max(prices.decimals());
    }

    /// Accepts what is on hold if it is confirmed and still what the venue says.
    fn release(&mut self, prices: &Prices, others: &[Decimal], now: Micros) -> bool {
        let confirmed = |held: &Held| held.claim.is_of(prices) && held.is_confirmed(others, now);
        let Some(held) = self.held.take_if(|held| confirmed(held)) else { return false };
        let price = prices.mid().unwrap_or(held.claim.price());
        let common = median_near(others, price);
        self.departed = common.is_some_and(|common| !near(price, common, self.step(prices)));
        self.accept(prices, Stated { quotes: true, last: true }, now);
        true
    }
}

impl Held {
    /// Adds a price, and gives up those before it that it does not agree with.
    fn agree(&mut self, price: Decimal, now: Micros) {
        self.run.push_back((price, now));
        while !self.agrees() {
            self.run.pop_front();
        }
        if self.run.len() > MAX_RUN {
            self.run.remove(1);
        }
    }

    fn agrees(&self) -> bool {
        let prices = || self.run.iter().map(|(price, _)| *price);
        let (low, high) = (prices().min(), prices().max());
        low.zip(high).is_none_or(|(low, high)| high - low <= low * AGREEMENT)
    }

    fn is_confirmed(&self, others: &[Decimal], now: Micros) -> bool {
        let price = self.claim.price();
        let seconded = others.iter().any(|other| (price - *other).abs() <= *other * SECONDED);
        let first = self.run.front().filter(|_| self.run.len() >= MESSAGES);
        seconded || first.is_some_and(|(_, at)| now.since(*at) >= STOOD)
    }
}

/// The median of these, if they are enough; of two the one that is nearer to `price`.
fn median_near(sorted: &[Decimal], price: Decimal) -> Option<Decimal> {
    if sorted.len() < QUORUM {
        return None;
    }
    let (lower, upper) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    Some(if (price - lower).abs() <= (price - upper).abs() { lower } else { upper })
}

/// Whether a price lies within the band around its reference.
fn near(price: Decimal, reference: Decimal, step: Decimal) -> bool {
    let band = (reference * BAND).max(step * Decimal::from(BAND_STEPS));
    (price - reference).abs() <= band
}

#[cfg(test)]
mod tests;
