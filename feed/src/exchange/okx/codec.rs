//! OKX's frames.

use crate::exchange::{DecodeError, Event, Fault, Market, Part, Update, text::Text};
use serde::Deserialize;

/// The answer to a ping; the one frame that is not JSON.
const PONG: &str = "pong";
/// The channel we subscribe to.
const CHANNEL: &str = "tickers";
/// The one kind of instrument that is published (`truth.md` 5).
const SPOT: &str = "SPOT";
/// The notice that a connection closes within 60 s.
const CLOSING: &str = "64008";
/// Codes of too many requests or connections.
const TOO_MANY: [&str; 2] = ["60014", "50011"];

/// What every frame looks like from outside.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    event: Option<Text<'a>>,
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    arg: Option<Arg<'a>>,
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    msg: Text<'a>,
    #[serde(borrow, default)]
    data: Option<Vec<Ticker<'a>>>,
}

/// What a frame is about.
#[derive(Deserialize)]
struct Arg<'a> {
    #[serde(borrow, default)]
    channel: Text<'a>,
    #[serde(borrow, default, rename = "instId")]
    symbol: Text<'a>,
}

/// One element of a ticker push, or of a REST answer. Fields of other channels' pushes do not match and stay empty.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ticker<'a> {
    #[serde(borrow, default)]
    inst_type: Text<'a>,
    #[serde(borrow, default)]
    inst_id: Text<'a>,
    #[serde(borrow, default)]
    last: Text<'a>,
    #[serde(borrow, default)]
    bid_px: Text<'a>,
    #[serde(borrow, default)]
    bid_sz: Text<'a>,
    #[serde(borrow, default)]
    ask_px: Text<'a>,
    #[serde(borrow, default)]
    ask_sz: Text<'a>,
    #[serde(borrow, default)]
    open24h: Text<'a>,
    #[serde(borrow, default)]
    high24h: Text<'a>,
    #[serde(borrow, default)]
    low24h: Text<'a>,
    #[serde(borrow, default)]
    vol24h: Text<'a>,
    /// For spot: the volume in the quote currency.
    #[serde(borrow, default)]
    vol_ccy24h: Text<'a>,
    #[serde(borrow, default)]
    ts: Text<'a>,
}

/// Reads one frame.
pub(super) fn decode(frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
    if frame == PONG {
        events(Event::Alive);
        return Ok(());
    }
    let envelope: Envelope<'_> = serde_json::from_str(frame).map_err(|_| DecodeError::Garbage)?;
    let ours = envelope.arg.as_ref().is_some_and(|arg| arg.channel.as_str() == CHANNEL);
    match (&envelope.event, &envelope.data) {
        (Some(event), _) => control(event.as_str(), &envelope, ours, events),
        (None, Some(tickers)) if ours => {
            for ticker in tickers {
                events(Event::Update(ticker.update()));
            }
            Ok(())
        }
        _ => Err(DecodeError::UnknownType),
    }
}

fn control(
    event: &str,
    envelope: &Envelope<'_>,
    ours: bool,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<(), DecodeError> {
    let request = envelope.id.number();
    let (code, message) = (envelope.code.as_str(), envelope.msg.as_str());
    match event {
        "subscribe" if ours => {
            let symbol = envelope.arg.as_ref().map(|arg| arg.symbol.as_str());
            events(Event::Ack { request, symbol });
        }
        "error" => {
            let fault = if TOO_MANY.contains(&code) { Fault::Limit } else { Fault::Request };
            events(Event::Error { request, code, message, fault });
        }
        "channel-conn-count-error" => {
            events(Event::Error { request, code, message, fault: Fault::Limit });
        }
        "notice" if code == CLOSING => events(Event::Closing { message }),
        "subscribe" | "unsubscribe" | "channel-conn-count" | "notice" => events(Event::Ignored),
        _ => return Err(DecodeError::UnknownType),
    }
    Ok(())
}

impl Ticker<'_> {
    pub(super) fn update(&self) -> Update<'_> {
        let market = if self.inst_type.as_str() == SPOT { Market::Spot } else { Market::Other };
        Update {
            market,
            last: Some(self.last.as_str()),
            bid: Some(self.bid_px.as_str()),
            bid_qty: Some(self.bid_sz.as_str()),
            ask: Some(self.ask_px.as_str()),
            ask_qty: Some(self.ask_sz.as_str()),
            open: Some(self.open24h.as_str()),
            high: Some(self.high24h.as_str()),
            low: Some(self.low24h.as_str()),
            volume: Some(self.vol24h.as_str()),
            quote_volume: Some(self.vol_ccy24h.as_str()),
            exchange_ts: self.ts.millis(),
            ..Update::of(self.inst_id.as_str(), Part::Main)
        }
    }
}
