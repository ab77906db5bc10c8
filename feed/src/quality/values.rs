//! The numbers of a ticker, merged from the channels that own them (`truth.md` 1 to 4).

use crate::exchange::{Part, Update};
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

/// A field's new value: its owner's, even if that is nothing; otherwise what it was.
fn owned<T: std::str::FromStr>(text: Option<&str>, before: Option<T>) -> Option<T> {
    match text {
        Some(text) => text.parse().ok(),
        None => before,
    }
}

/// A size at a best quote: none without its price, and neither zero nor absurd.
fn quote_size(
    text: Option<&str>,
    before: Option<Quantity>,
    price: Option<Price>,
) -> Option<Quantity> {
    let absurd = |size: &Quantity| size.decimal() > MAX_QUOTE_SIZE.into();
    price?;
    owned(text, before).filter(|size: &Quantity| !size.is_zero() && !absurd(size))
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

    /// These values with an update's fields in the place of their own.
    pub(super) fn merged(&self, update: &Update<'_>) -> Self {
        let bid = owned(update.bid, self.bid);
        let ask = owned(update.ask, self.ask);
        Self {
            last: owned(update.last, self.last),
            bid,
            bid_qty: quote_size(update.bid_qty, self.bid_qty, bid),
            ask,
            ask_qty: quote_size(update.ask_qty, self.ask_qty, ask),
            open: owned(update.open, self.open),
            high: owned(update.high, self.high),
            low: owned(update.low, self.low),
            volume: owned(update.volume, self.volume),
            quote_volume: owned(update.quote_volume, self.quote_volume),
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

    /// Whether any price is among them, or any figure where these have a channel of their own.
    pub(super) fn usable(&self, part: Part) -> bool {
        let figures = self.volume.is_some()
            || self.quote_volume.is_some()
            || self.open.is_some()
            || self.high.is_some()
            || self.low.is_some();
        let priced = self.last.is_some() || self.bid.is_some() || self.ask.is_some();
        priced || (part == Part::Statistics && figures)
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

    pub(super) fn only_quotes(self) -> Self {
        let Self { bid, bid_qty, ask, ask_qty, .. } = self;
        Self { bid, bid_qty, ask, ask_qty, ..Self::default() }
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
