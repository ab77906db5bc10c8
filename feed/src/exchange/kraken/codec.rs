//! Kraken's frames, version 2 of its protocol. Numbers come bare and are read from their text.

use crate::exchange::{DecodeError, Event, Fault, Part, Update, text::Text};
use serde::{Deserialize, de::IgnoredAny};

/// The one state of the venue's system in which orders are matched.
const ONLINE: &str = "online";
/// How a refusal for too many messages or subscriptions reads.
const TOO_MANY: &str = "rate limit";

/// What every frame looks like from outside: data of a channel, or the answer to a method.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    channel: Text<'a>,
    #[serde(borrow, default)]
    data: Vec<Item<'a>>,
    #[serde(borrow, default)]
    method: Text<'a>,
    #[serde(borrow, default)]
    req_id: Text<'a>,
    #[serde(default)]
    success: Option<bool>,
    #[serde(borrow, default)]
    error: Text<'a>,
    #[serde(borrow, default)]
    result: Option<Accepted<'a>>,
    /// Version 1 named its frames so.
    #[serde(default)]
    event: Option<IgnoredAny>,
}

/// What an accepted subscription is about.
#[derive(Deserialize)]
struct Accepted<'a> {
    #[serde(borrow, default)]
    symbol: Option<Text<'a>>,
}

/// An element of the data of any channel of ours, read in one go with the envelope.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    symbol: Text<'a>,
    #[serde(borrow, default)]
    bid: Text<'a>,
    #[serde(borrow, default)]
    bid_qty: Text<'a>,
    #[serde(borrow, default)]
    ask: Text<'a>,
    #[serde(borrow, default)]
    ask_qty: Text<'a>,
    #[serde(borrow, default)]
    last: Text<'a>,
    #[serde(borrow, default)]
    high: Text<'a>,
    #[serde(borrow, default)]
    low: Text<'a>,
    #[serde(borrow, default)]
    volume: Text<'a>,
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    /// Of a trade.
    #[serde(borrow, default)]
    price: Text<'a>,
    /// Of a trade: counted within the symbol.
    #[serde(borrow, default)]
    trade_id: Text<'a>,
    /// Of the status: the state of the system.
    #[serde(borrow, default)]
    system: Text<'a>,
}

/// Reads one frame.
pub(super) fn decode(frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
    let garbage = |_| DecodeError::Garbage;
    if frame.trim_start().starts_with('[') {
        let _: Vec<IgnoredAny> = serde_json::from_str(frame).map_err(garbage)?;
        return Err(DecodeError::UnsupportedProtocol);
    }
    let envelope: Envelope<'_> = serde_json::from_str(frame).map_err(garbage)?;
    if envelope.event.is_some() {
        return Err(DecodeError::UnsupportedProtocol);
    }
    match envelope.channel.as_str() {
        "ticker" => told(&envelope.data, Item::ticker, events),
        "trade" => told(&envelope.data, Item::trade, events),
        "heartbeat" => {
            events(Event::Alive);
            Ok(())
        }
        "status" => {
            status(&envelope.data, events);
            Ok(())
        }
        "" => answer(&envelope, events),
        _ => Err(DecodeError::UnknownType),
    }
}

/// Passes on what a channel tells of each symbol.
fn told<'a, 'frame>(
    items: &'a [Item<'frame>],
    update: fn(&'a Item<'frame>) -> Update<'a>,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<(), DecodeError> {
    if items.is_empty() || items.iter().any(|it| it.symbol.as_str().is_empty()) {
        return Err(DecodeError::Garbage);
    }
    for item in items {
        events(Event::Update(update(item)));
    }
    Ok(())
}

/// The state of the system, sent on connection and when it changes. In any other than `online`
/// nothing is traded, so that nothing may be called a live price.
fn status(items: &[Item<'_>], events: &mut dyn FnMut(Event<'_>)) {
    match items.first().map(|it| it.system.as_str()) {
        Some(ONLINE | "") | None => events(Event::Alive),
        Some(system) => events(Event::Maintenance { message: system }),
    }
}

/// Answers to requests, one for each symbol.
fn answer(envelope: &Envelope<'_>, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
    let request = envelope.req_id.number();
    let (code, message) = (envelope.method.as_str(), envelope.error.as_str());
    match (code, envelope.success) {
        ("pong", _) => events(Event::Alive),
        ("subscribe", Some(true)) => {
            let accepted = envelope.result.as_ref().and_then(|it| it.symbol.as_ref());
            events(Event::Ack { request, symbol: accepted.map(Text::as_str) });
        }
        // It ends with the connection at the latest.
        ("unsubscribe", _) => events(Event::Ignored),
        (_, Some(false)) => {
            let many = message.to_ascii_lowercase().contains(TOO_MANY);
            let fault = if many { Fault::Limit } else { Fault::Request };
            events(Event::Error { request, code, message, fault });
        }
        _ => return Err(DecodeError::UnknownType),
    }
    Ok(())
}

impl Item<'_> {
    /// Told when the price levels of the best bid or ask change. A listing that was never quoted has
    /// zeros and the time 1970, which become nothing.
    fn ticker(&self) -> Update<'_> {
        Update {
            last: Some(self.last.as_str()),
            bid: Some(self.bid.as_str()),
            bid_qty: Some(self.bid_qty.as_str()),
            ask: Some(self.ask.as_str()),
            ask_qty: Some(self.ask_qty.as_str()),
            high: Some(self.high.as_str()),
            low: Some(self.low.as_str()),
            volume: Some(self.volume.as_str()),
            exchange_ts: self.timestamp.rfc3339(),
            ..Update::of(self.symbol.as_str(), Part::Main)
        }
    }

    /// A trade, which may be newer than the last ticker.
    fn trade(&self) -> Update<'_> {
        Update {
            sequence: self.trade_id.number(),
            last: Some(self.price.as_str()),
            trade_ts: self.timestamp.rfc3339(),
            ..Update::of(self.symbol.as_str(), Part::Trades)
        }
    }
}
