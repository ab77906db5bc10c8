//! Binance's frames.

use crate::exchange::{DecodeError, Event, Fault, Part, Update, text::Text};
use serde::Deserialize;

/// The stream that announces the end of a connection, without being subscribed to.
const SHUTDOWN: &str = "!serverShutdown";
/// Code of requests that come too fast, in Binance's list of errors.
const TOO_MANY: &str = "-1003";

/// A combined stream's message, or the answer to a request.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    stream: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    error: Option<Failure<'a>>,
    #[serde(borrow, default)]
    code: Option<Text<'a>>,
    #[serde(borrow, default)]
    msg: Text<'a>,
}

/// An error wrapped in `error`, as newer servers send it.
#[derive(Deserialize)]
struct Failure<'a> {
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    msg: Text<'a>,
}

/// The data of both streams, read in one go with the envelope; its stream says which fields count.
#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default, rename = "s")]
    symbol: Text<'a>,
    #[serde(borrow, default, rename = "u")]
    sequence: Text<'a>,
    #[serde(borrow, default, rename = "b")]
    bid: Text<'a>,
    #[serde(borrow, default, rename = "B")]
    bid_qty: Text<'a>,
    #[serde(borrow, default, rename = "a")]
    ask: Text<'a>,
    #[serde(borrow, default, rename = "A")]
    ask_qty: Text<'a>,
    #[serde(borrow, default, rename = "c")]
    last: Text<'a>,
    #[serde(borrow, default, rename = "o")]
    open: Text<'a>,
    #[serde(borrow, default, rename = "h")]
    high: Text<'a>,
    #[serde(borrow, default, rename = "l")]
    low: Text<'a>,
    #[serde(borrow, default, rename = "v")]
    volume: Text<'a>,
    #[serde(borrow, default, rename = "q")]
    quote_volume: Text<'a>,
}

/// Reads one frame.
pub(super) fn decode(frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
    let envelope: Envelope<'_> = serde_json::from_str(frame).map_err(|_| DecodeError::Garbage)?;
    match (&envelope.stream, &envelope.data) {
        (Some(stream), Some(data)) => return message(stream.as_str(), data, events),
        (Some(_), None) => return Err(DecodeError::Garbage),
        (None, _) => {}
    }
    let request = envelope.id.as_ref().and_then(Text::number);
    if let Some(failure) = &envelope.error {
        error(request, &failure.code, &failure.msg, events);
    } else if let Some(code) = &envelope.code {
        error(request, code, &envelope.msg, events);
    } else if envelope.id.is_some() {
        events(Event::Ack { request, symbol: None });
    } else {
        return Err(DecodeError::UnknownType);
    }
    Ok(())
}

fn message(
    stream: &str,
    data: &Data<'_>,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<(), DecodeError> {
    let event = match stream.rsplit_once('@').map(|(_, channel)| channel) {
        Some("bookTicker") => Event::Update(data.quotes()),
        Some("ticker") => Event::Update(data.statistics()),
        None if stream == SHUTDOWN => Event::Closing { message: "serverShutdown" },
        _ => return Err(DecodeError::UnknownType),
    };
    if matches!(event, Event::Update(Update { symbol: "", .. })) {
        return Err(DecodeError::Garbage);
    }
    events(event);
    Ok(())
}

impl Data<'_> {
    /// `@ticker`: owner of the last price and the statistics. Its quotes belong to `@bookTicker`.
    fn statistics(&self) -> Update<'_> {
        Update {
            last: Some(self.last.as_str()),
            open: Some(self.open.as_str()),
            high: Some(self.high.as_str()),
            low: Some(self.low.as_str()),
            volume: Some(self.volume.as_str()),
            quote_volume: Some(self.quote_volume.as_str()),
            ..Update::of(self.symbol.as_str(), Part::Main)
        }
    }

    /// `@bookTicker`: owner of the quotes. It names no time.
    fn quotes(&self) -> Update<'_> {
        Update {
            sequence: self.sequence.number(),
            bid: Some(self.bid.as_str()),
            bid_qty: Some(self.bid_qty.as_str()),
            ask: Some(self.ask.as_str()),
            ask_qty: Some(self.ask_qty.as_str()),
            ..Update::of(self.symbol.as_str(), Part::Quotes)
        }
    }
}

fn error(
    request: Option<u64>,
    code: &Text<'_>,
    message: &Text<'_>,
    events: &mut dyn FnMut(Event<'_>),
) {
    let fault = match code.as_str() {
        TOO_MANY => Fault::Limit,
        _ => Fault::Request,
    };
    events(Event::Error { request, code: code.as_str(), message: message.as_str(), fault });
}
