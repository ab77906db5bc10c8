//! Kraken's REST: the list of pairs, tickers, bars; everything under its older names.

use super::spelling;
use crate::venue::{Instrument, VenueBar, bars::millis, stage::Stage, tick::Tick};
use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use serde_json::{Map, Value, json};
use std::{collections::HashMap, sync::Arc};
use tickcast_shared::market::Interval;

/// Bars in one answer: always the newest.
const MAX_BARS: i64 = 720;

type Parameters = Query<HashMap<String, String>>;

pub(in crate::venue) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/0/public/AssetPairs", get(pairs))
        .route("/0/public/Ticker", get(ticker))
        .route("/0/public/OHLC", get(bars))
}

/// A listed pair: its own name and ours.
struct Pair {
    own: String,
    short: String,
    instrument: Instrument,
}

/// The pairs that a request names, by whichever of their names; all if it names none.
fn asked_for(stage: &Stage, query: &Parameters) -> Option<Vec<Pair>> {
    let catalogue = stage.catalogue();
    let all: Vec<Pair> = catalogue
        .spot()
        .map(|(instrument, base, quote)| Pair {
            own: spelling::pair(base, quote),
            short: spelling::short_pair(base, quote),
            instrument: instrument.clone(),
        })
        .collect();
    let Some(names) = query.get("pair") else { return Some(all) };
    let names: Vec<&str> = names.split(',').collect();
    let is_known = |name: &&str| all.iter().any(|pair| pair.is_called(name));
    if !names.iter().all(is_known) {
        return None;
    }
    Some(all.into_iter().filter(|pair| names.iter().any(|name| pair.is_called(name))).collect())
}

impl Pair {
    fn is_called(&self, name: &str) -> bool {
        [&*self.own, &*self.short, &*self.instrument.name].contains(&name)
    }
}

async fn pairs(State(stage): State<Arc<Stage>>, query: Parameters) -> Json<Value> {
    let Some(pairs) = asked_for(&stage, &query) else { return unknown() };
    let row = |pair: Pair| {
        let (base, quote) = pair.instrument.pair.unwrap_or_default();
        let row = json!({
            "altname": pair.short,
            "wsname": format!("{}/{}", spelling::old(&base), spelling::old(&quote)),
            "aclass_base": "currency", "base": spelling::long(&base),
            "aclass_quote": "currency", "quote": spelling::long(&quote),
            "lot": "unit", "cost_decimals": 8, "pair_decimals": 8, "lot_decimals": 8,
            "lot_multiplier": 1, "ordermin": "0.0001", "costmin": "0.5", "tick_size": "0.00000001",
            "status": "online",
        });
        (pair.own, row)
    };
    result(pairs.into_iter().map(row).collect())
}

async fn ticker(State(stage): State<Arc<Stage>>, query: Parameters) -> Json<Value> {
    let Some(pairs) = asked_for(&stage, &query) else { return unknown() };
    let row = |pair: Pair| Some((pair.own, ticker_of(&stage.latest(&pair.instrument.name)?)));
    result(pairs.into_iter().filter_map(row).collect())
}

/// Price and sizes of both sides, the last trade, volume of today and of 24 hours, and so on.
fn ticker_of(tick: &Tick) -> Value {
    let text = |field: &Option<String>| field.clone().unwrap_or_else(|| "0".to_owned());
    let side = |price, size: &Option<String>| json!([text(price), "1", text(size)]);
    let twice = |field: &Option<String>| json!([text(field), text(field)]);
    json!({
        "a": side(&tick.ask, &tick.ask_qty), "b": side(&tick.bid, &tick.bid_qty),
        "c": [text(&tick.last), text(&tick.last_qty)], "v": twice(&tick.volume_24h),
        "p": twice(&tick.last), "t": [1, 1], "l": twice(&tick.low_24h),
        "h": twice(&tick.high_24h), "o": text(&tick.open_24h),
    })
}

async fn bars(State(stage): State<Arc<Stage>>, query: Parameters) -> Json<Value> {
    let pair = query.get("pair").and_then(|_| asked_for(&stage, &query)?.into_iter().next());
    let Some(pair) = pair else { return unknown() };
    let minutes = query.get("interval").map_or("1", String::as_str);
    let Some(interval) = interval(minutes) else { return refusal("EGeneral:Invalid arguments") };
    let (now, length) = (stage.now_ms(), millis(interval));
    let oldest = now.div_euclid(length) * length - (MAX_BARS - 1) * length;
    let since = query.get("since").and_then(|text| text.parse::<i64>().ok());
    // What opened at `since` itself was told by the answer that named it as its last.
    let from = since.map_or(oldest, |seconds| oldest.max(seconds.saturating_mul(1000) + 1));
    let bars = stage.bars(&pair.instrument.name, interval, from, now + 1).unwrap_or_default();
    let skipped = bars.len().saturating_sub(usize::try_from(MAX_BARS).unwrap_or(usize::MAX));
    let rows: Vec<Value> = bars.iter().skip(skipped).map(row).collect();
    // The last bar is the one in progress.
    let last = bars.iter().rev().nth(1).or(bars.last()).map_or(0, |bar| bar.open_ms / 1000);
    let mut answer = Map::new();
    answer.insert(pair.own, rows.into());
    answer.insert("last".to_owned(), last.into());
    result(answer)
}

fn interval(minutes: &str) -> Option<Interval> {
    Some(match minutes {
        "1" => Interval::M1,
        "5" => Interval::M5,
        "15" => Interval::M15,
        "60" => Interval::H1,
        "240" => Interval::H4,
        "1440" => Interval::D1,
        _ => return None,
    })
}

/// Time in seconds, open, high, low, close, average, volume, trades.
fn row(bar: &VenueBar) -> Value {
    let VenueBar { open_ms, open, high, low, close, volume } = bar;
    json!([open_ms / 1000, open, high, low, close, close, volume, 1])
}

fn result(result: Map<String, Value>) -> Json<Value> {
    Json(json!({"error": [], "result": result}))
}

fn unknown() -> Json<Value> {
    refusal("EQuery:Unknown asset pair")
}

/// A refusal has the status 200 all the same.
fn refusal(error: &str) -> Json<Value> {
    Json(json!({"error": [error]}))
}
