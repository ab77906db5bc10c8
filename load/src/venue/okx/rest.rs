//! OKX's REST: the list of instruments, the present tickers, bars.

use super::wire::Entry;
use crate::venue::{Instrument, VenueBar, bars::millis, stage::Stage};
use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use tickcast_shared::market::Interval;

/// Bars in one answer unless asked for more or fewer.
const DEFAULT_BARS: i64 = 100;
/// Recent bars in one answer at most,
const MAX_BARS: i64 = 300;
/// and older ones.
const MAX_OLD_BARS: i64 = 100;
/// How far back the recent ones reach.
const RECENT_BARS: i64 = 1440;
/// A day of Hong Kong opens eight hours before that of UTC, in milliseconds.
const HONG_KONG_DAY: i64 = -8 * 3600 * 1000;

pub(in crate::venue) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/api/v5/public/instruments", get(instruments))
        .route("/api/v5/market/ticker", get(ticker))
        .route("/api/v5/market/tickers", get(tickers))
        .route("/api/v5/market/candles", get(candles))
        .route("/api/v5/market/history-candles", get(history))
}

async fn instruments(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    if !is_spot(&query) {
        return refusal("51000", "Parameter instType error");
    }
    let row = |(instrument, base, quote): (&Instrument, &str, &str)| {
        json!({
            "instType": "SPOT", "instId": &*instrument.name, "baseCcy": base, "quoteCcy": quote,
            "state": "live", "tickSz": "0.00000001", "lotSz": "0.00000001", "minSz": "0.00001",
        })
    };
    let rows: Vec<Value> = stage.catalogue().spot().map(row).collect();
    Json(json!({"code": "0", "msg": "", "data": rows}))
}

async fn ticker(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let found = query.get("instId").and_then(|name| stage.latest(name).map(|tick| (name, tick)));
    match found {
        Some((name, tick)) => {
            Json(json!({"code": "0", "msg": "", "data": [Entry::of(name, &tick)]}))
        }
        None => refusal("51001", "Instrument ID does not exist"),
    }
}

async fn tickers(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    if !is_spot(&query) {
        return refusal("51000", "Parameter instType error");
    }
    let row = |(instrument, ..): (&Instrument, &str, &str)| {
        let tick = stage.latest(&instrument.name)?;
        Some(json!(Entry::of(&instrument.name, &tick)))
    };
    let rows: Vec<Value> = stage.catalogue().spot().filter_map(row).collect();
    Json(json!({"code": "0", "msg": "", "data": rows}))
}

async fn candles(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    bars(&stage, &query, MAX_BARS, Some(RECENT_BARS))
}

async fn history(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    bars(&stage, &query, MAX_OLD_BARS, None)
}

/// The newest bars that opened before `after` and after `before` (OKX names the directions of a
/// list whose newest row comes first), both excluded.
fn bars(
    stage: &Stage,
    query: &HashMap<String, String>,
    most: i64,
    reach: Option<i64>,
) -> Json<Value> {
    let bar = query.get("bar").map_or("1m", String::as_str);
    let Some((interval, shift)) = interval(bar) else {
        return refusal("51000", "Parameter bar error");
    };
    let number = |key: &str| query.get(key).and_then(|text| text.parse::<i64>().ok());
    let limit = number("limit").unwrap_or(DEFAULT_BARS).clamp(1, most);
    let (now, length) = (stage.now_ms(), millis(interval));
    let end = number("after").map_or(now + 1, |after| (after - shift).min(now + 1));
    let opens_before = (end + length - 1).div_euclid(length) * length;
    let mut from = opens_before - limit * length;
    if let Some(before) = number("before") {
        from = from.max(before - shift + 1);
    }
    if let Some(reach) = reach {
        from = from.max(now - reach * length);
    }
    let name = query.get("instId").map_or("", String::as_str);
    match stage.bars(name, interval, from, end) {
        Some(bars) => {
            let row = |bar: &VenueBar| row(bar, shift, bar.open_ms + length <= now);
            let rows: Vec<Value> = bars.iter().rev().map(row).collect();
            Json(json!({"code": "0", "msg": "", "data": rows}))
        }
        None => refusal("51001", "Instrument ID does not exist"),
    }
}

/// The interval, and how much later than in UTC its bars open: `1D` is a day of Hong Kong.
fn interval(bar: &str) -> Option<(Interval, i64)> {
    Some(match bar {
        "1m" => (Interval::M1, 0),
        "5m" => (Interval::M5, 0),
        "15m" => (Interval::M15, 0),
        "1H" => (Interval::H1, 0),
        "4H" => (Interval::H4, 0),
        "1Dutc" => (Interval::D1, 0),
        "1D" => (Interval::D1, HONG_KONG_DAY),
        _ => return None,
    })
}

/// Time in milliseconds, open, high, low, close, three volumes, and whether it is closed.
fn row(bar: &VenueBar, shift: i64, is_closed: bool) -> Value {
    let VenueBar { open_ms, open, high, low, close, volume } = bar;
    let opened = (open_ms + shift).to_string();
    let confirm = if is_closed { "1" } else { "0" };
    json!([opened, open, high, low, close, volume, volume, volume, confirm])
}

fn is_spot(query: &HashMap<String, String>) -> bool {
    query.get("instType").is_some_and(|kind| kind == "SPOT")
}

fn refusal(code: &str, message: &str) -> Json<Value> {
    Json(json!({"code": code, "msg": message, "data": []}))
}
