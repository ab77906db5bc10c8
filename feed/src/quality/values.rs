//! The numbers of a ticker, merged from the channels that own them (`truth.md` 1 to 4).

use super::guard::Prices;
use crate::exchange::{Part, Update};
use std::str::FromStr;
use tickcast_shared::market::{Price, Quantity, Ticker};

/// Above this no size at a best quote is believed.
const MAX_QUOTE_SIZE: i64 = 1_000_000_000_000_000;

/// A ticker's numbers, compared by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Values {
    last: Option<Price>,
    bid: Option<Price>,
    bid_qty: Option<Quantity>,
    ask: Option<Price>,
    ask_qty: Option<Quantity>,
    open: Option<Price>,
    high: Option<Price>,
    low: Option<Price>,
    volume: Option<Quantity>,
    quote_volume: Option<Quantity>,
}

/// A size at a best quote: none without its price, and neither zero nor absurd.
fn quote_size(text: Option<&str>, price: Option<Price>) -> Option<Quantity> {
    let absurd = |size: &Quantity| size.decimal() > MAX_QUOTE_SIZE.into();
    price?;
    read(text).filter(|size: &Quantity| !size.is_zero() && !absurd(size))
}

fn read<T: FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

/// Whether a field was given and cannot be used.
fn is_bad<T>(text: Option<&str>, value: Option<T>) -> bool {
    text.is_some_and(|text| !text.is_empty()) && value.is_none()
}

impl Values {
    pub(super) fn of(ticker: &Ticker) -> Self {
        Self {
            last: ticker.last_price,
            bid: ticker.bid_price,
            bid_qty: ticker.bid_qty,
            ask: ticker.ask_price,
            ask_qty: ticker.ask_qty,
            open: ticker.open_24h,
            high: ticker.high_24h,
            low: ticker.low_24h,
            volume: ticker.volume_24h,
            quote_volume: ticker.quote_volume_24h,
        }
    }

    /// What an update says by itself.
    pub(super) fn said(update: &Update<'_>) -> Self {
        let (bid, ask) = (read(update.bid), read(update.ask));
        Self {
            last: read(update.last),
            bid,
            bid_qty: quote_size(update.bid_qty, bid),
            ask,
            ask_qty: quote_size(update.ask_qty, ask),
            open: read(update.open),
            high: read(update.high),
            low: read(update.low),
            volume: read(update.volume),
            quote_volume: read(update.quote_volume),
        }
    }

    /// How many fields of the update that said this were there and of no use (`truth.md` 2 and 3).
    pub(super) fn bad_fields(&self, update: &Update<'_>) -> usize {
        let bad = [
            is_bad(update.last, self.last),
            is_bad(update.bid, self.bid),
            is_bad(update.bid_qty, self.bid_qty),
            is_bad(update.ask, self.ask),
            is_bad(update.ask_qty, self.ask_qty),
            is_bad(update.open, self.open),
            is_bad(update.high, self.high),
            is_bad(update.low, self.low),
            is_bad(update.volume, self.volume),
            is_bad(update.quote_volume, self.quote_volume),
        ];
        bad.into_iter().filter(|bad| *bad).count()
    }

    /// These values with what an update said in the place of its own fields: an owner's word
    /// counts even if it is nothing.
    pub(super) fn merged(&self, update: &Update<'_>, said: &Self) -> Self {
        fn owned<T>(text: Option<&str>, said: Option<T>, before: Option<T>) -> Option<T> {
            if text.is_some() { said } else { before }
        }
        let bid = owned(update.bid, said.bid, self.bid);
        let ask = owned(update.ask, said.ask, self.ask);
        Self {
            last: owned(update.last, said.last, self.last),
            bid,
            bid_qty: bid.and(owned(update.bid_qty, said.bid_qty, self.bid_qty)),
            ask,
            ask_qty: ask.and(owned(update.ask_qty, said.ask_qty, self.ask_qty)),
            open: owned(update.open, said.open, self.open),
            high: owned(update.high, said.high, self.high),
            low: owned(update.low, said.low, self.low),
            volume: owned(update.volume, said.volume, self.volume),
            quote_volume: owned(update.quote_volume, said.quote_volume, self.quote_volume),
        }
    }

    pub(super) fn write_to(&self, ticker: &mut Ticker) {
        ticker.last_price = self.last;
        ticker.bid_price = self.bid;
        ticker.bid_qty = self.bid_qty;
        ticker.ask_price = self.ask;
        ticker.ask_qty = self.ask_qty;
        ticker.open_24h = self.open;
        ticker.high_24h = self.high;
        ticker.low_24h = self.low;
        ticker.volume_24h = self.volume;
        ticker.quote_volume_24h = self.quote_volume;
    }

    /// Whether any price is among them, or anything at all where figures have a channel of their own.
    pub(super) fn usable(&self, part: Part) -> bool {
        match part {
            Part::Statistics => *self != Self::default(),
            _ => self.last.is_some() || self.bid.is_some() || self.ask.is_some(),
        }
    }

    /// Whether there is anything to show: a last price or both sides of a quote.
    pub(super) fn priced(&self) -> bool {
        self.last.is_some() || (self.bid.is_some() && self.ask.is_some())
    }

    /// Whether the bid lies above the ask.
    pub(super) fn crossed(&self) -> bool {
        matches!((self.bid, self.ask), (Some(bid), Some(ask)) if bid > ask)
    }

    pub(super) fn without_quotes(self) -> Self {
        Self { bid: None, bid_qty: None, ask: None, ask_qty: None, ..self }
    }

    pub(super) fn without_last(self) -> Self {
        Self { last: None, ..self }
    }

    pub(super) fn without_statistics(self) -> Self {
        let Self { last, bid, bid_qty, ask, ask_qty, .. } = self;
        Self { last, bid, bid_qty, ask, ask_qty, ..Self::default() }
    }

    /// What the jump guard looks at.
    pub(super) fn prices(&self) -> Prices {
        Prices { last: self.last, bid: self.bid, ask: self.ask }
    }

    /// Whether no price is known to both and not the same; and at least one is, if any is known
    /// here.
    pub(super) fn agree(&self, other: &Self) -> bool {
        let pairs = [(self.last, other.last), (self.bid, other.bid), (self.ask, other.ask)];
        let known = pairs.iter().filter_map(|(own, told)| Some((*own)? == (*told)?));
        let known: Vec<bool> = known.collect();
        !known.is_empty() && known.into_iter().all(|equal| equal)
    }

    /// Whether they are the same but for the volumes.
    pub(super) fn equal_but_volume(&self, other: &Self) -> bool {
        let bare = |it: &Self| Self { volume: None, quote_volume: None, ..*it };
        bare(self) == bare(other)
    }
}
