//! OKX's REST answers about prices: tickers and candles.

use super::{codec::Ticker, rest::data};
use crate::exchange::{
    Addresses, Instrument, RestFault, Update,
    candles::{Columns, Row, Unit, bars, bound, millis},
    symbols::by_rest_symbol,
};
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval},
};

/// The ticker of one symbol, or those of all spot symbols.
pub(super) fn tickers_url(addresses: &Addresses, instruments: &[&Instrument]) -> String {
    match instruments {
        [one] => format!("{}/api/v5/market/ticker?instId={}", addresses.rest, one.rest_symbol()),
        _ => format!("{}/api/v5/market/tickers?instType=SPOT", addresses.rest),
    }
}

/// The tickers of an answer to [`tickers_url`]; they are written as those of the channel.
pub(super) fn tickers(
    answer: &str,
    instruments: &[&Instrument],
    updates: &mut dyn FnMut(Update<'_>),
) -> Result<(), RestFault> {
    let tickers: Vec<Ticker<'_>> = data(answer)?;
    let names = by_rest_symbol(instruments);
    let mut told = Err(RestFault::Garbage);
    for update in tickers.iter().map(Ticker::update) {
        if let Some(name) = names.get(update.symbol) {
            updates(Update { symbol: name, ..update });
            told = Ok(());
        }
    }
    told
}

/// The venue's name of an interval. `1D` would be a day of Hong Kong (`truth.md` 16).
fn interval_name(interval: Interval) -> &'static str {
    match interval {
        Interval::M1 => "1m",
        Interval::M5 => "5m",
        Interval::M15 => "15m",
        Interval::H1 => "1H",
        Interval::H4 => "4H",
        Interval::D1 => "1Dutc",
    }
}

/// Candles between two times in milliseconds that are not counted in. `history-candles` reaches
/// back for years and up to now; `candles` knows the newest 1440 only.
pub(super) fn bars_url(
    addresses: &Addresses,
    instrument: &Instrument,
    interval: Interval,
    from: Micros,
    end: Micros,
) -> String {
    let (rest, name, bar) = (&addresses.rest, instrument.rest_symbol(), interval_name(interval));
    let (newer, older, limit) =
        (millis(from) - 1, millis(bound(interval, end)), super::BARS_PER_REQUEST);
    format!(
        "{rest}/api/v5/market/history-candles?instId={name}&bar={bar}&before={newer}&after={older}&limit={limit}"
    )
}

/// Rows of time in milliseconds, open, high, low, close, three volumes and whether it is final,
/// newest first.
const CANDLE: Columns = Columns { time: Unit::Millis, prices: [1, 2, 3, 4] };
/// Where a row says whether it is final.
const FINAL: usize = 8;

/// The bars of a candles answer.
pub(super) fn read_bars(answer: &str, interval: Interval) -> Result<Vec<Bar>, RestFault> {
    let mut rows: Vec<Row<'_>> = data(answer)?;
    rows.retain(|row| row.get(FINAL).is_none_or(|it| it.as_str() == "1"));
    bars(&rows, interval, CANDLE)
}
