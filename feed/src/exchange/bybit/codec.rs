//! Bybit's frames.

use crate::exchange::{DecodeError, Event, Fault, Market, Part, Update, text::Text};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use std::fmt;

/// What comes before the symbol in the topic of last prices and statistics.
pub(super) const TICKERS: &str = "tickers.";
/// What comes before the symbol in the topic of best bid and ask.
pub(super) const QUOTES: &str = "orderbook.1.";
/// Spot sends whole states only.
const SNAPSHOT: &str = "snapshot";

/// A message of a topic, or the answer to an operation.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    topic: Option<Text<'a>>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    ts: Text<'a>,
    /// When the matching engine made the quote.
    #[serde(borrow, default)]
    cts: Text<'a>,
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
    #[serde(borrow, default)]
    op: Text<'a>,
    #[serde(default)]
    success: Option<bool>,
    #[serde(borrow, default)]
    ret_msg: Text<'a>,
    #[serde(borrow, default)]
    req_id: Text<'a>,
}

/// The data of both topics, read in one go with the envelope; its topic says which fields count.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow, default)]
    symbol: Text<'a>,
    #[serde(borrow, default)]
    last_price: Text<'a>,
    #[serde(borrow, default)]
    prev_price24h: Text<'a>,
    #[serde(borrow, default)]
    high_price24h: Text<'a>,
    #[serde(borrow, default)]
    low_price24h: Text<'a>,
    #[serde(borrow, default)]
    volume24h: Text<'a>,
    #[serde(borrow, default)]
    turnover24h: Text<'a>,
    /// Derivatives have it; spot has not.
    #[serde(default)]
    mark_price: Option<IgnoredAny>,
    /// Derivatives have it; spot has not.
    #[serde(default)]
    bid1_price: Option<IgnoredAny>,
    /// The symbol of a book.
    #[serde(borrow, default, rename = "s")]
    book: Text<'a>,
    #[serde(borrow, default, rename = "b")]
    bid: Best<'a>,
    #[serde(borrow, default, rename = "a")]
    ask: Best<'a>,
    #[serde(borrow, default, rename = "u")]
    sequence: Text<'a>,
}

/// Price and size of the best level of a book's side; empty when nobody offers.
#[derive(Default)]
struct Best<'a> {
    price: Text<'a>,
    size: Text<'a>,
}

/// Reads one frame.
pub(super) fn decode(frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
    let envelope: Envelope<'_> = serde_json::from_str(frame).map_err(|_| DecodeError::Garbage)?;
    match (&envelope.topic, &envelope.data) {
        (Some(topic), Some(data)) => {
            events(Event::Update(message(topic.as_str(), &envelope, data)?));
            Ok(())
        }
        (Some(_), None) => Err(DecodeError::Garbage),
        (None, _) => answer(&envelope, events),
    }
}

fn message<'a>(
    topic: &str,
    envelope: &Envelope<'_>,
    data: &'a Data<'_>,
) -> Result<Update<'a>, DecodeError> {
    let update = if topic.starts_with(TICKERS) {
        data.ticker()
    } else if topic.starts_with(QUOTES) {
        let made = envelope.cts.millis().or_else(|| envelope.ts.millis());
        Update { exchange_ts: made, ..data.quotes() }
    } else {
        return Err(DecodeError::UnknownType);
    };
    if update.symbol.is_empty() {
        return Err(DecodeError::Garbage);
    }
    // Topics are named alike on all markets: the path of the connection is what tells them apart,
    // and what a derivative's message looks like tells that the path was a wrong one (`truth.md` 5).
    let spot = envelope.kind.as_str() == SNAPSHOT
        && data.mark_price.is_none()
        && data.bid1_price.is_none();
    Ok(Update { market: if spot { Market::Spot } else { Market::Other }, ..update })
}

/// Answers to operations. A pong says `pong` either as its operation or as its words.
fn answer(envelope: &Envelope<'_>, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
    let request = envelope.req_id.number();
    let (code, message) = (envelope.op.as_str(), envelope.ret_msg.as_str());
    match (code, envelope.success) {
        ("ping" | "pong", _) => events(Event::Alive),
        ("unsubscribe", _) => events(Event::Ignored),
        ("subscribe", Some(true)) => events(Event::Ack { request, symbol: None }),
        (_, Some(false)) => {
            events(Event::Error { request, code, message, fault: Fault::Request });
        }
        _ => return Err(DecodeError::UnknownType),
    }
    Ok(())
}

impl Data<'_> {
    /// `tickers`: owner of the last price and the statistics. Spot has no quotes in it.
    fn ticker(&self) -> Update<'_> {
        Update {
            last: Some(self.last_price.as_str()),
            open: Some(self.prev_price24h.as_str()),
            high: Some(self.high_price24h.as_str()),
            low: Some(self.low_price24h.as_str()),
            volume: Some(self.volume24h.as_str()),
            quote_volume: Some(self.turnover24h.as_str()),
            ..Update::of(self.symbol.as_str(), Part::Main)
        }
    }

    /// `orderbook.1`: owner of the quotes. Its `u` is repeated after 3 quiet seconds and begins at 1
    /// again when the venue's service does.
    fn quotes(&self) -> Update<'_> {
        Update {
            sequence: self.sequence.number(),
            bid: Some(self.bid.price.as_str()),
            bid_qty: Some(self.bid.size.as_str()),
            ask: Some(self.ask.price.as_str()),
            ask_qty: Some(self.ask.size.as_str()),
            ..Update::of(self.book.as_str(), Part::Quotes)
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Best<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BestVisitor)
    }
}

/// Takes the first of a list of levels without keeping the list.
struct BestVisitor;

impl<'de> Visitor<'de> for BestVisitor {
    type Value = Best<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of levels")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut levels: A) -> Result<Self::Value, A::Error> {
        let best: Option<(Text<'de>, Text<'de>)> = levels.next_element()?;
        while levels.next_element::<IgnoredAny>()?.is_some() {}
        Ok(best.map(|(price, size)| Best { price, size }).unwrap_or_default())
    }
}
