//! Coinbase's frames: those of Exchange, and those of Advanced Trade.

use crate::exchange::{DecodeError, Event, Fault, Part, Update, text::Text};
use serde::Deserialize;

/// Channels whose subscription brings tickers; the second one speaks every 5 s only.
const TICKERS: [&str; 2] = ["ticker", "ticker_batch"];
/// What a client that reads too slowly is told before it is dropped.
const TOO_SLOW: &str = "ErrSlowConsume";

/// A frame of either protocol, read in one go. Exchange says in `type` what it is and has all
/// fields on this level; Advanced Trade says it in `channel` and has `events`.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    product_id: Text<'a>,
    #[serde(borrow, default)]
    sequence: Text<'a>,
    #[serde(borrow, default)]
    price: Text<'a>,
    #[serde(borrow, default)]
    best_bid: Text<'a>,
    #[serde(borrow, default)]
    best_bid_size: Text<'a>,
    #[serde(borrow, default)]
    best_ask: Text<'a>,
    #[serde(borrow, default)]
    best_ask_size: Text<'a>,
    #[serde(borrow, default)]
    open_24h: Text<'a>,
    #[serde(borrow, default)]
    high_24h: Text<'a>,
    #[serde(borrow, default)]
    low_24h: Text<'a>,
    #[serde(borrow, default)]
    volume_24h: Text<'a>,
    /// When the match was made that this ticker is about.
    #[serde(borrow, default)]
    time: Text<'a>,
    #[serde(borrow, default)]
    channels: Vec<Channel<'a>>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    reason: Text<'a>,
    #[serde(borrow, default)]
    channel: Option<Text<'a>>,
    /// When Advanced Trade made the frame.
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    events: Vec<Batch<'a>>,
}

/// One line of the list of subscriptions. A channel may stand there without products.
#[derive(Deserialize)]
struct Channel<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    product_ids: Option<Vec<Text<'a>>>,
}

/// One event of Advanced Trade.
#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow, default)]
    tickers: Vec<Ticker<'a>>,
    #[serde(borrow, default)]
    subscriptions: Subscriptions<'a>,
}

/// The symbols that Advanced Trade sends tickers of.
#[derive(Deserialize, Default)]
struct Subscriptions<'a> {
    #[serde(borrow, default)]
    ticker: Vec<Text<'a>>,
    #[serde(borrow, default)]
    ticker_batch: Vec<Text<'a>>,
}

/// A ticker of Advanced Trade.
#[derive(Deserialize)]
struct Ticker<'a> {
    #[serde(borrow, default)]
    product_id: Text<'a>,
    #[serde(borrow, default)]
    price: Text<'a>,
    #[serde(borrow, default)]
    best_bid: Text<'a>,
    #[serde(borrow, default)]
    best_bid_quantity: Text<'a>,
    #[serde(borrow, default)]
    best_ask: Text<'a>,
    #[serde(borrow, default)]
    best_ask_quantity: Text<'a>,
    #[serde(borrow, default)]
    high_24_h: Text<'a>,
    #[serde(borrow, default)]
    low_24_h: Text<'a>,
    #[serde(borrow, default)]
    volume_24_h: Text<'a>,
}

/// Reads one frame.
pub(super) fn decode(frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
    let frame: Frame<'_> = serde_json::from_str(frame).map_err(|_| DecodeError::Garbage)?;
    match (frame.kind.as_str(), &frame.channel) {
        ("error", _) => error(&frame, events),
        (_, Some(channel)) => return advanced(channel.as_str(), &frame, events),
        ("ticker", _) if frame.product_id.as_str().is_empty() => return Err(DecodeError::Garbage),
        ("ticker", _) => events(Event::Update(frame.update())),
        ("heartbeat", _) => events(Event::Alive),
        ("subscriptions", _) => {
            let listed = frame.channels.iter().filter(|it| TICKERS.contains(&it.name.as_str()));
            accepted(listed.filter_map(|it| it.product_ids.as_ref()).flatten(), events);
        }
        _ => return Err(DecodeError::UnknownType),
    }
    Ok(())
}

/// Reads what Advanced Trade says.
fn advanced(
    channel: &str,
    frame: &Frame<'_>,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<(), DecodeError> {
    match channel {
        "heartbeats" => events(Event::Alive),
        "subscriptions" => {
            let listed = frame.events.iter().map(|it| &it.subscriptions);
            accepted(listed.flat_map(|it| it.ticker.iter().chain(&it.ticker_batch)), events);
        }
        channel if TICKERS.contains(&channel) => {
            let exchange_ts = frame.timestamp.rfc3339();
            for ticker in frame.events.iter().flat_map(|it| &it.tickers) {
                events(Event::Update(Update { exchange_ts, ..ticker.update() }));
            }
        }
        _ => return Err(DecodeError::UnknownType),
    }
    Ok(())
}

/// The answer to a subscription is the whole list of what is subscribed to, each time.
fn accepted<'a>(symbols: impl Iterator<Item = &'a Text<'a>>, events: &mut dyn FnMut(Event<'_>)) {
    let mut any = false;
    for symbol in symbols {
        any = true;
        events(Event::Ack { request: None, symbol: Some(symbol.as_str()) });
    }
    if !any {
        events(Event::Ignored);
    }
}

/// Exchange says what it refuses in `message` and why in `reason`; Advanced Trade has no reason.
fn error(frame: &Frame<'_>, events: &mut dyn FnMut(Event<'_>)) {
    let (code, message) = match (frame.message.as_str(), frame.reason.as_str()) {
        (message, "") => ("error", message),
        (code, reason) => (code, reason),
    };
    let fault =
        if code == TOO_SLOW || message == TOO_SLOW { Fault::Session } else { Fault::Request };
    events(Event::Error { request: None, code, message, fault });
}

impl Frame<'_> {
    /// Quotes are as old as the match: the channel says nothing of what happens between two
    /// (`truth.md` 8).
    fn update(&self) -> Update<'_> {
        let matched = self.time.rfc3339();
        Update {
            sequence: self.sequence.number(),
            last: Some(self.price.as_str()),
            bid: Some(self.best_bid.as_str()),
            bid_qty: Some(self.best_bid_size.as_str()),
            ask: Some(self.best_ask.as_str()),
            ask_qty: Some(self.best_ask_size.as_str()),
            open: Some(self.open_24h.as_str()),
            high: Some(self.high_24h.as_str()),
            low: Some(self.low_24h.as_str()),
            volume: Some(self.volume_24h.as_str()),
            exchange_ts: matched,
            trade_ts: matched,
            ..Update::of(self.product_id.as_str(), Part::Main)
        }
    }
}

impl Ticker<'_> {
    /// Without a sequence: Advanced Trade numbers the frames of a connection, not those of a symbol.
    fn update(&self) -> Update<'_> {
        Update {
            last: Some(self.price.as_str()),
            bid: Some(self.best_bid.as_str()),
            bid_qty: Some(self.best_bid_quantity.as_str()),
            ask: Some(self.best_ask.as_str()),
            ask_qty: Some(self.best_ask_quantity.as_str()),
            high: Some(self.high_24_h.as_str()),
            low: Some(self.low_24_h.as_str()),
            volume: Some(self.volume_24_h.as_str()),
            ..Update::of(self.product_id.as_str(), Part::Main)
        }
    }
}
