//! Kraken's REST answers about prices: tickers and candles.

use super::rest::{rest_currency, result};
use crate::exchange::{
    Addresses, Instrument, Part, RestFault, Update,
    candles::{Columns, Row, Unit, bars, minutes, seconds},
    text::Text,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap};
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval},
};

/// A pair's name in REST requests: that of the list, or without one by the rule of its short names.
fn pair(instrument: &Instrument) -> Cow<'_, str> {
    let by_rule = || {
        let symbol = &instrument.symbol;
        format!("{}{}", rest_currency(symbol.base()), rest_currency(symbol.quote())).into()
    };
    instrument.rest_symbol.as_deref().map_or_else(by_rule, Cow::Borrowed)
}

/// The tickers of several pairs.
pub(super) fn tickers_url(addresses: &Addresses, instruments: &[&Instrument]) -> String {
    let pairs: Vec<Cow<'_, str>> = instruments.iter().map(|it| pair(it)).collect();
    format!("{}/0/public/Ticker?pair={}", addresses.rest, pairs.join(","))
}

/// A ticker: lists that begin with the price, figures of today and of 24 hours.
#[derive(Deserialize)]
struct Ticker<'a> {
    /// Price, whole lots, lots.
    #[serde(borrow, default)]
    a: Vec<Text<'a>>,
    #[serde(borrow, default)]
    b: Vec<Text<'a>>,
    /// Price and size of the last trade.
    #[serde(borrow, default)]
    c: Vec<Text<'a>>,
    /// Volume today and of 24 hours.
    #[serde(borrow, default)]
    v: Vec<Text<'a>>,
    #[serde(borrow, default)]
    l: Vec<Text<'a>>,
    #[serde(borrow, default)]
    h: Vec<Text<'a>>,
}

/// The tickers of an answer to [`tickers_url`]. They stand under the names of the list, which are
/// not those of a request by rule; but what answers a request for one pair is that pair's.
pub(super) fn tickers(
    answer: &str,
    instruments: &[&Instrument],
    updates: &mut dyn FnMut(Update<'_>),
) -> Result<(), RestFault> {
    let tickers: BTreeMap<String, Ticker<'_>> = result(answer)?;
    let mut told = Err(RestFault::Garbage);
    for instrument in instruments {
        let sole = || tickers.values().next().filter(|_| instruments.len() == 1);
        if let Some(ticker) = tickers.get(&*pair(instrument)).or_else(sole) {
            updates(ticker.update(&instrument.venue_symbol));
            told = Ok(());
        }
    }
    told
}

impl Ticker<'_> {
    fn update<'a>(&'a self, symbol: &'a str) -> Update<'a> {
        fn at<'a>(list: &'a [Text<'_>], place: usize) -> Option<&'a str> {
            Some(list.get(place).map_or("", Text::as_str))
        }
        Update {
            last: at(&self.c, 0),
            bid: at(&self.b, 0),
            bid_qty: at(&self.b, 2),
            ask: at(&self.a, 0),
            ask_qty: at(&self.a, 2),
            high: at(&self.h, 1),
            low: at(&self.l, 1),
            volume: at(&self.v, 1),
            ..Update::of(symbol, Part::Main)
        }
    }
}

/// Candles that open at a time in seconds or later. There is no end to ask for, and only the newest
/// 720 are told, whatever their beginning.
pub(super) fn bars_url(
    addresses: &Addresses,
    instrument: &Instrument,
    interval: Interval,
    from: Micros,
) -> String {
    let (rest, name, interval) = (&addresses.rest, pair(instrument), minutes(interval));
    let since = seconds(from) - 1;
    format!("{rest}/0/public/OHLC?pair={name}&interval={interval}&since={since}")
}

/// Rows of time in seconds, open, high, low, close and figures, oldest first.
const CANDLE: Columns = Columns { time: Unit::Seconds, prices: [1, 2, 3, 4] };
/// The key in the result that is no pair: what to ask for next.
const LAST: &str = "last";

/// The bars of a candles answer. The newest row is the one that is still open, always.
pub(super) fn read_bars(answer: &str, interval: Interval) -> Result<Vec<Bar>, RestFault> {
    let result: BTreeMap<String, &RawValue> = result(answer)?;
    let of_pair = result.iter().find(|(key, _)| *key != LAST).ok_or(RestFault::Garbage)?;
    let mut rows: Vec<Row<'_>> =
        serde_json::from_str(of_pair.1.get()).map_err(|_| RestFault::Garbage)?;
    rows.pop();
    bars(&rows, interval, CANDLE)
}
