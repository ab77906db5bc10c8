//! What a venue's frame can say.

use tickcast_shared::clock::Micros;

/// One statement of a venue, borrowed from its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// The connection is open for subscriptions.
    Welcome,
    /// A subscription was accepted: a whole request, or one symbol of it.
    Ack {
        /// The number of the request, if the venue repeats it.
        request: Option<u64>,
        /// The venue symbol, if the venue answers each apart.
        symbol: Option<&'a str>,
    },
    /// The venue refuses something.
    Error {
        /// The number of the refused request, if the venue repeats it.
        request: Option<u64>,
        /// The venue's own code.
        code: &'a str,
        /// The venue's own words.
        message: &'a str,
        /// What it means for the connection.
        fault: Fault,
    },
    /// New values of a symbol.
    Update(Update<'a>),
    /// Proof of life without content: a pong or heartbeat.
    Alive,
    /// The venue will close the connection soon: dial again now.
    Closing {
        /// The venue's own words or code.
        message: &'a str,
    },
    /// The venue trades nothing now, and says so.
    Maintenance {
        /// The venue's own words or code.
        message: &'a str,
    },
    /// Known, and of no interest.
    Ignored,
}

/// How far a venue's error reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// One request is refused; the connection is sound.
    Request,
    /// The token is unknown or expired: dial again with a new one.
    Token,
    /// Too many connections, topics or messages: dial again after a pause.
    Limit,
    /// The connection is given up by the venue: dial again.
    Session,
}

/// Which market a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Market {
    /// What we subscribe to.
    Spot,
    /// Futures, options and the like: never published (`truth.md` 5).
    Other,
}

/// Which of a venue's channels a message came by. Sequence numbers count within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Trades and 24-hour statistics, or everything where the venue has one channel only.
    Main,
    /// Best bid and ask, where these have a channel of their own.
    Quotes,
    /// Figures of 24 hours, where these have a channel of their own.
    Statistics,
    /// Single trades, where they tell the last price sooner than [`Self::Main`] does.
    Trades,
}

/// New values of one symbol. A field is `None` when its owner is another channel (`truth.md` 1),
/// and the venue's own text otherwise, good or bad, empty when it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update<'a> {
    /// The venue's name of the symbol.
    pub symbol: &'a str,
    /// The channel.
    pub part: Part,
    /// Spot or not.
    pub market: Market,
    /// The channel's sequence number, if it has one.
    pub sequence: Option<u64>,
    /// Last traded price.
    pub last: Option<&'a str>,
    /// Best bid.
    pub bid: Option<&'a str>,
    /// Size at the best bid.
    pub bid_qty: Option<&'a str>,
    /// Best ask.
    pub ask: Option<&'a str>,
    /// Size at the best ask.
    pub ask_qty: Option<&'a str>,
    /// Price 24 hours ago.
    pub open: Option<&'a str>,
    /// Highest price of 24 hours.
    pub high: Option<&'a str>,
    /// Lowest price of 24 hours.
    pub low: Option<&'a str>,
    /// Volume of 24 hours in the base currency.
    pub volume: Option<&'a str>,
    /// Volume of 24 hours in the quote currency.
    pub quote_volume: Option<&'a str>,
    /// When the venue made the quote.
    pub exchange_ts: Option<Micros>,
    /// When the venue last matched a trade.
    pub trade_ts: Option<Micros>,
}

impl<'a> Update<'a> {
    /// A spot update that owns no field yet.
    #[must_use]
    pub fn of(symbol: &'a str, part: Part) -> Self {
        Self {
            symbol,
            part,
            market: Market::Spot,
            sequence: None,
            last: None,
            bid: None,
            bid_qty: None,
            ask: None,
            ask_qty: None,
            open: None,
            high: None,
            low: None,
            volume: None,
            quote_volume: None,
            exchange_ts: None,
            trade_ts: None,
        }
    }
}

/// Why a frame could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not the JSON the venue documents.
    #[error("the frame is not what the venue documents")]
    Garbage,
    /// JSON of a type that the codec does not know.
    #[error("the frame's type is unknown")]
    UnknownType,
    /// A protocol version we do not speak (`truth.md` 19).
    #[error("the frame belongs to a protocol version that is not supported")]
    UnsupportedProtocol,
}
