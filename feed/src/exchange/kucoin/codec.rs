//! KuCoin's frames.

use crate::exchange::{DecodeError, Event, Fault, Part, Update, text::Text};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{borrow::Cow, fmt};

/// What comes before the symbols in a ticker topic.
pub(super) const TICKER_TOPIC: &str = "/market/ticker:";
/// What comes before the symbols in a topic of 24-hour figures.
pub(super) const SNAPSHOT_TOPIC: &str = "/market/snapshot:";
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
    data: Option<Data<'a>>,
}

/// What a frame carries: the fields of a message, or the words of an error. It is read in one go
/// with its envelope, whose fields may come after it.
#[allow(clippy::large_enum_variant, reason = "a box would be an allocation for each message")]
enum Data<'a> {
    Fields(Fields<'a>),
    Words(Text<'a>),
}

/// The data of a `/market/ticker` message; that of a `/market/snapshot` lies one level deeper.
#[derive(Deserialize)]
struct Fields<'a> {
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
    #[serde(borrow, default, rename = "data")]
    snapshot: Option<Snapshot<'a>>,
}

/// Figures of 24 hours, as bare numbers. Not every server tells each of them.
#[derive(Deserialize)]
struct Snapshot<'a> {
    #[serde(borrow, default)]
    open: Option<Text<'a>>,
    #[serde(borrow, default)]
    high: Option<Text<'a>>,
    #[serde(borrow, default)]
    low: Option<Text<'a>>,
    #[serde(borrow, default, rename = "vol")]
    volume: Option<Text<'a>>,
    #[serde(borrow, default, rename = "volValue")]
    quote_volume: Option<Text<'a>>,
}

/// Reads one frame.
pub(super) fn decode(frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
    let envelope: Envelope<'_> = serde_json::from_str(frame).map_err(|_| DecodeError::Garbage)?;
    match envelope.kind.as_str() {
        "message" => events(Event::Update(message(&envelope)?)),
        "pong" => events(Event::Alive),
        "welcome" => events(Event::Welcome),
        "ack" => events(Event::Ack { request: envelope.id.number(), symbol: None }),
        "error" => error(&envelope, events),
        _ => return Err(DecodeError::UnknownType),
    }
    Ok(())
}

fn message<'a>(envelope: &'a Envelope<'_>) -> Result<Update<'a>, DecodeError> {
    let topic = envelope.topic.as_str();
    let fields = match &envelope.data {
        Some(Data::Fields(fields)) => fields,
        Some(Data::Words(_)) | None => return Err(DecodeError::Garbage),
    };
    match (topic.strip_prefix(TICKER_TOPIC), topic.strip_prefix(SNAPSHOT_TOPIC)) {
        (Some(ALL_SYMBOLS), _) => Ok(fields.update(envelope.subject.as_str())),
        (Some(symbol), _) => Ok(fields.update(symbol)),
        (None, Some(symbol)) => match &fields.snapshot {
            Some(snapshot) => Ok(snapshot.update(symbol)),
            None => Err(DecodeError::Garbage),
        },
        (None, None) => Err(DecodeError::UnknownType),
    }
}

impl Fields<'_> {
    fn update<'a>(&'a self, symbol: &'a str) -> Update<'a> {
        Update {
            sequence: self.sequence.number(),
            last: Some(self.price.as_str()),
            bid: Some(self.bid.as_str()),
            bid_qty: Some(self.bid_size.as_str()),
            ask: Some(self.ask.as_str()),
            ask_qty: Some(self.ask_size.as_str()),
            trade_ts: self.time.millis(),
            ..Update::of(symbol, Part::Main)
        }
    }
}

impl Snapshot<'_> {
    /// Without its sequence, which counts trades: the figures of the last 24 hours change without any.
    fn update<'a>(&'a self, symbol: &'a str) -> Update<'a> {
        Update {
            open: self.open.as_ref().map(Text::as_str),
            high: self.high.as_ref().map(Text::as_str),
            low: self.low.as_ref().map(Text::as_str),
            volume: self.volume.as_ref().map(Text::as_str),
            quote_volume: self.quote_volume.as_ref().map(Text::as_str),
            ..Update::of(symbol, Part::Statistics)
        }
    }
}

/// 401 is a bad token, 404 an unknown topic, 509 a limit; 400 is a bad topic when it answers a
/// request of ours, and a missed ping otherwise.
fn error(envelope: &Envelope<'_>, events: &mut dyn FnMut(Event<'_>)) {
    let message = match &envelope.data {
        Some(Data::Words(words)) => words.as_str(),
        Some(Data::Fields(_)) | None => "",
    };
    let fault = match envelope.code.as_str() {
        "401" => Fault::Token,
        "509" => Fault::Limit,
        "404" => Fault::Request,
        "400" if message.contains("topic") => Fault::Request,
        _ => Fault::Session,
    };
    let (request, code) = (envelope.id.number(), envelope.code.as_str());
    events(Event::Error { request, code, message, fault });
}

impl<'de: 'a, 'a> Deserialize<'de> for Data<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of a message or the words of an error")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Fields::deserialize(MapAccessDeserializer::new(map)).map(Data::Fields)
    }

    fn visit_borrowed_str<E>(self, words: &'de str) -> Result<Self::Value, E> {
        Ok(Data::Words(Cow::Borrowed(words).into()))
    }

    fn visit_str<E>(self, words: &str) -> Result<Self::Value, E> {
        Ok(Data::Words(Cow::<str>::Owned(words.to_owned()).into()))
    }
}
