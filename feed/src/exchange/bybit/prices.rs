//! Bybit's REST answers about prices: tickers and candles.

use super::rest::list;
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

/// The ticker of one symbol, or those of all spot symbols.
pub(super) fn tickers_url(addresses: &Addresses, instruments: &[&Instrument]) -> String {
    let base = format!("{}/v5/market/tickers?category=spot", addresses.rest);
    match instruments {
        [one] => format!("{base}&symbol={}", one.rest_symbol()),
        _ => base,
    }
}

/// One symbol's ticker; by REST it has quotes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticker<'a> {
    #[serde(borrow)]
    symbol: Text<'a>,
    #[serde(borrow, default)]
    last_price: Text<'a>,
    #[serde(borrow, default)]
    bid1_price: Text<'a>,
    #[serde(borrow, default)]
    bid1_size: Text<'a>,
    #[serde(borrow, default)]
    ask1_price: Text<'a>,
    #[serde(borrow, default)]
    ask1_size: Text<'a>,
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
}

/// The tickers of an answer to [`tickers_url`].
pub(super) fn tickers(
    answer: &str,
    instruments: &[&Instrument],
    updates: &mut dyn FnMut(Update<'_>),
) -> Result<(), RestFault> {
    let tickers: Vec<Ticker<'_>> = list(answer)?;
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
            bid: Some(self.bid1_price.as_str()),
            bid_qty: Some(self.bid1_size.as_str()),
            ask: Some(self.ask1_price.as_str()),
            ask_qty: Some(self.ask1_size.as_str()),
            open: Some(self.prev_price24h.as_str()),
            high: Some(self.high_price24h.as_str()),
            low: Some(self.low_price24h.as_str()),
            volume: Some(self.volume24h.as_str()),
            quote_volume: Some(self.turnover24h.as_str()),
            ..Update::of(symbol, Part::Main)
        }
    }
}

/// The venue's name of an interval: minutes, and `D` for a day of UTC.
fn interval_name(interval: Interval) -> &'static str {
    match interval {
        Interval::M1 => "1",
        Interval::M5 => "5",
        Interval::M15 => "15",
        Interval::H1 => "60",
        Interval::H4 => "240",
        Interval::D1 => "D",
    }
}

/// Candles that open between two times in milliseconds.
pub(super) fn bars_url(
    addresses: &Addresses,
    instrument: &Instrument,
    interval: Interval,
    from: Micros,
    end: Micros,
) -> String {
    let (rest, name, kind) = (&addresses.rest, instrument.rest_symbol(), interval_name(interval));
    let (start, last, limit) =
        (millis(from), millis(bound(interval, end)) - 1, super::BARS_PER_REQUEST);
    format!(
        "{rest}/v5/market/kline?category=spot&symbol={name}&interval={kind}&start={start}&end={last}&limit={limit}"
    )
}

/// Rows of time in milliseconds, open, high, low, close, volume and turnover, newest first.
const CANDLE: Columns = Columns { time: Unit::Millis, prices: [1, 2, 3, 4] };

/// The bars of a candles answer.
pub(super) fn read_bars(answer: &str, interval: Interval) -> Result<Vec<Bar>, RestFault> {
    let rows: Vec<Row<'_>> = list(answer)?;
    bars(&rows, interval, CANDLE)
}
