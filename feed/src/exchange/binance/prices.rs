//! Binance's REST answers about prices: tickers and candles.

use crate::exchange::{
    Addresses, Instrument, Part, RestFault, Update,
    candles::{Columns, Row, Unit, bars, bound, millis},
    symbols::by_rest_symbol,
    text::Text,
};
use serde::Deserialize;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval},
};

/// The 24-hour ticker of one symbol, or of a list of them: `["BTCUSDT","ETHUSDT"]`, escaped.
pub(super) fn tickers_url(addresses: &Addresses, instruments: &[&Instrument]) -> String {
    let base = format!("{}/api/v3/ticker/24hr", addresses.rest);
    match instruments {
        [one] => format!("{base}?symbol={}", one.rest_symbol()),
        _ => {
            let names: Vec<String> =
                instruments.iter().map(|it| format!("%22{}%22", it.rest_symbol())).collect();
            format!("{base}?symbols=%5B{}%5D", names.join(","))
        }
    }
}

/// One symbol's ticker.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticker<'a> {
    #[serde(borrow)]
    symbol: Text<'a>,
    #[serde(borrow, default)]
    last_price: Text<'a>,
    #[serde(borrow, default)]
    bid_price: Text<'a>,
    #[serde(borrow, default)]
    bid_qty: Text<'a>,
    #[serde(borrow, default)]
    ask_price: Text<'a>,
    #[serde(borrow, default)]
    ask_qty: Text<'a>,
    #[serde(borrow, default)]
    open_price: Text<'a>,
    #[serde(borrow, default)]
    high_price: Text<'a>,
    #[serde(borrow, default)]
    low_price: Text<'a>,
    #[serde(borrow, default)]
    volume: Text<'a>,
    #[serde(borrow, default)]
    quote_volume: Text<'a>,
}

/// The tickers of an answer to [`tickers_url`].
pub(super) fn tickers(
    answer: &str,
    instruments: &[&Instrument],
    updates: &mut dyn FnMut(Update<'_>),
) -> Result<(), RestFault> {
    let tickers: Vec<Ticker<'_>> = match instruments {
        [_] => serde_json::from_str(answer).map(|one| vec![one]),
        _ => serde_json::from_str(answer),
    }
    .map_err(|_| super::rest::refusal(answer))?;
    let names = by_rest_symbol(instruments);
    let mut told = Err(RestFault::Garbage);
    for ticker in &tickers {
        if let Some(name) = names.get(ticker.symbol.as_str()) {
            updates(ticker.update(name));
            told = Ok(());
        }
    }
    told
}

impl Ticker<'_> {
    fn update<'a>(&'a self, symbol: &'a str) -> Update<'a> {
        Update {
            last: Some(self.last_price.as_str()),
            bid: Some(self.bid_price.as_str()),
            bid_qty: Some(self.bid_qty.as_str()),
            ask: Some(self.ask_price.as_str()),
            ask_qty: Some(self.ask_qty.as_str()),
            open: Some(self.open_price.as_str()),
            high: Some(self.high_price.as_str()),
            low: Some(self.low_price.as_str()),
            volume: Some(self.volume.as_str()),
            quote_volume: Some(self.quote_volume.as_str()),
            ..Update::of(symbol, Part::Main)
        }
    }
}

/// Candles that open between two times in milliseconds. The venue's names of intervals are ours.
pub(super) fn bars_url(
    addresses: &Addresses,
    instrument: &Instrument,
    interval: Interval,
    from: Micros,
    end: Micros,
) -> String {
    let (rest, name, limit) = (&addresses.rest, instrument.rest_symbol(), super::BARS_PER_REQUEST);
    let (start, last) = (millis(from), millis(bound(interval, end)) - 1);
    format!(
        "{rest}/api/v3/klines?symbol={name}&interval={interval}&startTime={start}&endTime={last}&limit={limit}"
    )
}

/// Rows of time in milliseconds, open, high, low, close and figures, oldest first.
const CANDLE: Columns = Columns { time: Unit::Millis, prices: [1, 2, 3, 4] };

/// The bars of a candles answer.
pub(super) fn read_bars(answer: &str, interval: Interval) -> Result<Vec<Bar>, RestFault> {
    let rows: Vec<Row<'_>> =
        serde_json::from_str(answer).map_err(|_| super::rest::refusal(answer))?;
    bars(&rows, interval, CANDLE)
}
