//! KuCoin's REST answers about prices: tickers and candles.

use super::rest::data;
use crate::exchange::{
    Addresses, Instrument, Part, RestFault, Update,
    candles::{Columns, Row, Unit, bars, bound, seconds},
    symbols::by_rest_symbol,
    text::Text,
};
use serde::Deserialize;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval},
};

/// `level1` of one symbol, which tells what the ticker channel does; `allTickers` of several, which
/// costs one request for all.
pub(super) fn tickers_url(addresses: &Addresses, instruments: &[&Instrument]) -> String {
    match instruments {
        [one] => {
            let name = one.rest_symbol();
            format!("{}/api/v1/market/orderbook/level1?symbol={name}", addresses.rest)
        }
        _ => format!("{}/api/v1/market/allTickers", addresses.rest),
    }
}

/// The data of a `level1` answer; it names no symbol.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Level1<'a> {
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
}

/// The data of an `allTickers` answer.
#[derive(Deserialize)]
struct AllTickers<'a> {
    #[serde(borrow)]
    ticker: Vec<Ticker<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticker<'a> {
    #[serde(borrow)]
    symbol: Text<'a>,
    #[serde(borrow, default)]
    last: Text<'a>,
    #[serde(borrow, default)]
    buy: Text<'a>,
    #[serde(borrow, default)]
    best_bid_size: Text<'a>,
    #[serde(borrow, default)]
    sell: Text<'a>,
    #[serde(borrow, default)]
    best_ask_size: Text<'a>,
    #[serde(borrow, default)]
    high: Text<'a>,
    #[serde(borrow, default)]
    low: Text<'a>,
    #[serde(borrow, default)]
    vol: Text<'a>,
    #[serde(borrow, default)]
    vol_value: Text<'a>,
}

/// The tickers of an answer to [`tickers_url`].
pub(super) fn tickers(
    answer: &str,
    instruments: &[&Instrument],
    updates: &mut dyn FnMut(Update<'_>),
) -> Result<(), RestFault> {
    let data = data(answer)?;
    if let [one] = instruments {
        let level1: Level1<'_> = serde_json::from_str(data).map_err(|_| RestFault::Garbage)?;
        updates(level1.update(&one.venue_symbol));
        return Ok(());
    }
    let all: AllTickers<'_> = serde_json::from_str(data).map_err(|_| RestFault::Garbage)?;
    let names = by_rest_symbol(instruments);
    let mut told = Err(RestFault::Garbage);
    for ticker in &all.ticker {
        if let Some(name) = names.get(ticker.symbol.as_str()) {
            updates(ticker.update(name));
            told = Ok(());
        }
    }
    told
}

impl Level1<'_> {
    fn update<'a>(&'a self, symbol: &'a str) -> Update<'a> {
        Update {
            last: Some(self.price.as_str()),
            bid: Some(self.best_bid.as_str()),
            bid_qty: Some(self.best_bid_size.as_str()),
            ask: Some(self.best_ask.as_str()),
            ask_qty: Some(self.best_ask_size.as_str()),
            ..Update::of(symbol, Part::Main)
        }
    }
}

impl Ticker<'_> {
    fn update<'a>(&'a self, symbol: &'a str) -> Update<'a> {
        Update {
            last: Some(self.last.as_str()),
            bid: Some(self.buy.as_str()),
            bid_qty: Some(self.best_bid_size.as_str()),
            ask: Some(self.sell.as_str()),
            ask_qty: Some(self.best_ask_size.as_str()),
            high: Some(self.high.as_str()),
            low: Some(self.low.as_str()),
            volume: Some(self.vol.as_str()),
            quote_volume: Some(self.vol_value.as_str()),
            ..Update::of(symbol, Part::Main)
        }
    }
}

/// The venue's name of an interval; its days are days of UTC.
fn interval_name(interval: Interval) -> &'static str {
    match interval {
        Interval::M1 => "1min",
        Interval::M5 => "5min",
        Interval::M15 => "15min",
        Interval::H1 => "1hour",
        Interval::H4 => "4hour",
        Interval::D1 => "1day",
    }
}

/// Candles between two times in seconds.
pub(super) fn bars_url(
    addresses: &Addresses,
    instrument: &Instrument,
    interval: Interval,
    from: Micros,
    end: Micros,
) -> String {
    let (rest, kind, name) = (&addresses.rest, interval_name(interval), instrument.rest_symbol());
    let (start, last) = (seconds(from), seconds(bound(interval, end)) - 1);
    format!("{rest}/api/v1/market/candles?type={kind}&symbol={name}&startAt={start}&endAt={last}")
}

/// Rows of time in seconds, open, close, high, low, volume and turnover, newest first.
const CANDLE: Columns = Columns { time: Unit::Seconds, prices: [1, 3, 4, 2] };

/// The bars of a candles answer.
pub(super) fn read_bars(answer: &str, interval: Interval) -> Result<Vec<Bar>, RestFault> {
    let rows: Vec<Row<'_>> = serde_json::from_str(data(answer)?).map_err(|_| RestFault::Garbage)?;
    bars(&rows, interval, CANDLE)
}
