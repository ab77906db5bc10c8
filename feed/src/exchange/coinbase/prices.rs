//! Coinbase's REST answers about prices: tickers and candles.

use super::rest::refusal;
use crate::exchange::{
    Addresses, Instrument, Part, RestFault, Update,
    candles::{Columns, Row, Unit, bars, bound, rfc3339},
    text::Text,
};
use serde::Deserialize;
use std::time::Duration;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval},
};

/// The ticker of one product.
pub(super) fn tickers_url(addresses: &Addresses, instruments: &[&Instrument]) -> String {
    let name = instruments.first().map_or("", |it| it.rest_symbol());
    format!("{}/products/{name}/ticker", addresses.rest)
}

/// A ticker; it does not name its product.
#[derive(Deserialize)]
struct Ticker<'a> {
    #[serde(borrow)]
    price: Text<'a>,
    #[serde(borrow, default)]
    bid: Text<'a>,
    #[serde(borrow, default)]
    ask: Text<'a>,
    #[serde(borrow, default)]
    volume: Text<'a>,
    /// Time of the last match.
    #[serde(borrow, default)]
    time: Text<'a>,
}

/// The ticker of an answer to [`tickers_url`]. It has no sizes; its `size` is that of the last match.
pub(super) fn tickers(
    answer: &str,
    instruments: &[&Instrument],
    updates: &mut dyn FnMut(Update<'_>),
) -> Result<(), RestFault> {
    let ticker: Ticker<'_> = serde_json::from_str(answer).map_err(|_| refusal(answer))?;
    let one = instruments.first().ok_or(RestFault::Garbage)?;
    updates(Update {
        last: Some(ticker.price.as_str()),
        bid: Some(ticker.bid.as_str()),
        bid_qty: Some(""),
        ask: Some(ticker.ask.as_str()),
        ask_qty: Some(""),
        volume: Some(ticker.volume.as_str()),
        trade_ts: ticker.time.rfc3339(),
        ..Update::of(&one.venue_symbol, Part::Main)
    });
    Ok(())
}

/// Candles that open between two times.
pub(super) fn bars_url(
    addresses: &Addresses,
    instrument: &Instrument,
    interval: Interval,
    from: Micros,
    end: Micros,
) -> String {
    let (rest, name) = (&addresses.rest, instrument.rest_symbol());
    let granularity = interval.micros() / 1_000_000;
    let last = bound(interval, end).minus(Duration::from_secs(1));
    let (start, last) = (rfc3339(from), rfc3339(last));
    format!("{rest}/products/{name}/candles?granularity={granularity}&start={start}&end={last}")
}

/// Rows of time in seconds, low, high, open, close and volume as bare numbers, newest first.
const CANDLE: Columns = Columns { time: Unit::Seconds, prices: [3, 2, 1, 4] };

/// The bars of a candles answer.
pub(super) fn read_bars(answer: &str, interval: Interval) -> Result<Vec<Bar>, RestFault> {
    let rows: Vec<Row<'_>> = serde_json::from_str(answer).map_err(|_| refusal(answer))?;
    bars(&rows, interval, CANDLE)
}
