//! KuCoin's frames.

use crate::exchange::{DecodeError, Event, Fault, Part, Update, text::Text};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What comes before the symbols in a ticker topic.
pub(super) const TICKER_TOPIC: &str = "/market/ticker:";
/// The symbol part of the topic that carries all symbols; then `subject` names the symbol.
const ALL_SYMBOLS: &str = "all";

/// What every frame looks like from outside.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    topic: Text<'a>,
    #[serde(borrow, default)]
    subject: Text<'a>,
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// The data of a `/market/ticker` message.
#[derive(Deserialize)]
struct Ticker<'a> {
    #[serde(borrow, default)]
    sequence: Text<'a>,
    #[serde(borrow, default)]
    price: Text<'a>,
    #[serde(borrow, default, rename = "bestBid")]
    bid: Text<'a>,
    #[serde(borrow, default, rename = "bestBidSize")]
    bid_size: Text<'a>,
    #[serde(borrow, default, rename = "bestAsk")]
    ask: Text<'a>,
    #[serde(borrow, default, rename = "bestAskSize")]
    ask_size: Text<'a>,
    /// Time of the last match, in milliseconds.
    #[serde(borrow, default)]
    time: Text<'a>,
}

/// Reads one frame.
pub(super) fn decode(frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
    let envelope: Envelope<'_> = serde_json::from_str(frame).map_err(|_| DecodeError::Garbage)?;
    match envelope.kind.as_str() {
        "message" => message(&envelope, events)?,
        "pong" => events(Event::Alive),
        "welcome" => events(Event::Welcome),
        "ack" => events(Event::Ack { request: envelope.id.number(), symbol: None }),
        "error" => error(&envelope, events),
        _ => return Err(DecodeError::UnknownType),
    }
    Ok(())
}

fn message(envelope: &Envelope<'_>, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
    let symbol = match envelope.topic.as_str().strip_prefix(TICKER_TOPIC) {
        Some(ALL_SYMBOLS) => envelope.subject.as_str(),
        Some(symbol) => symbol,
        None => return Err(DecodeError::UnknownType),
    };
    let data = envelope.data.ok_or(DecodeError::Garbage)?;
    let ticker: Ticker<'_> = serde_json::from_str(data.get()).map_err(|_| DecodeError::Garbage)?;
    events(Event::Update(Update {
        sequence: ticker.sequence.number(),
        last: Some(ticker.price.as_str()),
        bid: Some(ticker.bid.as_str()),
        bid_qty: Some(ticker.bid_size.as_str()),
        ask: Some(ticker.ask.as_str()),
        ask_qty: Some(ticker.ask_size.as_str()),
        trade_ts: ticker.time.millis(),
        ..Update::of(symbol, Part::Main)
    }));
    Ok(())
}

/// 401 is a bad token, 404 an unknown topic, 509 a limit; 400 is a bad topic when it answers a
/// request of ours, and a missed ping otherwise.
fn error(envelope: &Envelope<'_>, events: &mut dyn FnMut(Event<'_>)) {
    let message: Text<'_> =
        envelope.data.and_then(|data| serde_json::from_str(data.get()).ok()).unwrap_or_default();
    let fault = match envelope.code.as_str() {
        "401" => Fault::Token,
        "509" => Fault::Limit,
        "404" => Fault::Request,
        "400" if message.as_str().contains("topic") => Fault::Request,
        _ => Fault::Session,
    };
    events(Event::Error {
        request: envelope.id.number(),
        code: envelope.code.as_str(),
        message: message.as_str(),
        fault,
    });
}
