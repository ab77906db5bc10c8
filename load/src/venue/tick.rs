//! One state of a market as an exchange is about to tell it, every number as text.

/// A market's state. Numbers are the text that goes on the wire, so that a test can send what no
/// decimal type would hold (`""`, `"NaN"`, `"-1"`). `None` is sent the way the exchange itself
/// writes an absent value: KuCoin `null`, Binance `0.00000000`, OKX an empty text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tick {
    /// Our name, `BTC-USDT`; the exchange's own for what it does not list.
    pub symbol: String,
    /// Last traded price.
    pub last: Option<String>,
    /// Size of the last trade.
    pub last_qty: Option<String>,
    /// Best bid.
    pub bid: Option<String>,
    /// Size of the best bid.
    pub bid_qty: Option<String>,
    /// Best ask.
    pub ask: Option<String>,
    /// Size of the best ask.
    pub ask_qty: Option<String>,
    /// Price 24 hours ago.
    pub open_24h: Option<String>,
    /// Highest price in 24 hours.
    pub high_24h: Option<String>,
    /// Lowest price in 24 hours.
    pub low_24h: Option<String>,
    /// Volume of 24 hours in the base currency.
    pub volume_24h: Option<String>,
    /// Volume of 24 hours in the quote currency.
    pub quote_volume_24h: Option<String>,
    /// The exchange's sequence number; `None`: the next one.
    pub sequence: Option<u64>,
    /// The exchange's time in milliseconds since the Unix epoch; `None`: now.
    pub time_ms: Option<i64>,
}

impl Tick {
    /// A quote of one unit on both sides.
    #[must_use]
    pub fn quote(symbol: &str, bid: &str, ask: &str) -> Self {
        let one = || Some("1".to_owned());
        Self {
            symbol: symbol.to_owned(),
            bid: Some(bid.to_owned()),
            bid_qty: one(),
            ask: Some(ask.to_owned()),
            ask_qty: one(),
            ..Self::default()
        }
    }

    /// The same with a last price.
    #[must_use]
    pub fn with_last(mut self, last: &str) -> Self {
        self.last = Some(last.to_owned());
        self.last_qty = Some("1".to_owned());
        self
    }

    /// Takes over what it says nothing of: a quote without either side, the last price, figures of
    /// the day.
    pub(super) fn complete(&mut self, before: &Self) {
        if self.bid.is_none() && self.ask.is_none() {
            self.bid.clone_from(&before.bid);
            self.bid_qty.clone_from(&before.bid_qty);
            self.ask.clone_from(&before.ask);
            self.ask_qty.clone_from(&before.ask_qty);
        }
        if self.last.is_none() {
            self.last.clone_from(&before.last);
            self.last_qty.clone_from(&before.last_qty);
        }
        let figures = [
            (&mut self.open_24h, &before.open_24h),
            (&mut self.high_24h, &before.high_24h),
            (&mut self.low_24h, &before.low_24h),
            (&mut self.volume_24h, &before.volume_24h),
            (&mut self.quote_volume_24h, &before.quote_volume_24h),
        ];
        for (own, before) in figures.into_iter().filter(|(own, _)| own.is_none()) {
            own.clone_from(before);
        }
    }

    /// The same with a sequence number of its own.
    #[must_use]
    pub fn with_sequence(mut self, sequence: u64) -> Self {
        self.sequence = Some(sequence);
        self
    }
}

/// A number's text as a JSON number with all its digits; as a JSON string if it is none.
pub(super) fn bare(text: &str) -> String {
    let is_number = serde_json::from_str::<serde_json::Number>(text).is_ok();
    if is_number { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
