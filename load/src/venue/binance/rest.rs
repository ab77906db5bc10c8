//! Binance's REST: the list of symbols, the day's tickers, bars.

use super::wire;
use crate::venue::{Instrument, VenueBar, bars::millis, stage::Stage};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use tickcast_shared::market::Interval;

/// Bars in one answer unless asked for more or fewer.
const DEFAULT_BARS: i64 = 500;
/// Bars in one answer at most.
const MAX_BARS: i64 = 1000;

pub(in crate::venue) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/api/v3/exchangeInfo", get(exchange_info))
        .route("/api/v3/ticker/24hr", get(ticker))
        .route("/api/v3/klines", get(klines))
}

type Parameters = Query<HashMap<String, String>>;

async fn exchange_info(State(stage): State<Arc<Stage>>, query: Parameters) -> Response {
    let Ok(asked) = asked_for(&query) else { return invalid_symbol() };
    let catalogue = stage.catalogue();
    if asked.iter().flatten().any(|name| catalogue.by_name(name).is_none()) {
        return invalid_symbol();
    }
    let wanted = |(instrument, _, _): &(&Instrument, &str, &str)| {
        asked.as_ref().is_none_or(|names| names.iter().any(|name| **name == *instrument.name))
    };
    let row = |(instrument, base, quote): (&Instrument, &str, &str)| {
        json!({
            "symbol": &*instrument.name, "status": "TRADING", "baseAsset": base,
            "baseAssetPrecision": 8, "quoteAsset": quote, "quotePrecision": 8,
            "quoteAssetPrecision": 8, "isSpotTradingAllowed": true,
            "isMarginTradingAllowed": false, "permissions": [], "permissionSets": [["SPOT"]],
        })
    };
    let rows: Vec<Value> = catalogue.spot().filter(wanted).map(row).collect();
    Json(json!({"timezone": "UTC", "serverTime": stage.now_ms(), "symbols": rows})).into_response()
}

/// The names that `symbol` or `symbols` restricts the answer to.
fn asked_for(query: &Parameters) -> serde_json::Result<Option<Vec<String>>> {
    if let Some(list) = query.get("symbols") {
        return serde_json::from_str(list).map(Some);
    }
    Ok(query.get("symbol").map(|name| vec![name.clone()]))
}

async fn ticker(State(stage): State<Arc<Stage>>, query: Parameters) -> Response {
    let Ok(asked) = asked_for(&query) else { return invalid_symbol() };
    let catalogue = stage.catalogue();
    let all = || catalogue.spot().map(|(instrument, ..)| instrument.name.to_string()).collect();
    let names = asked.unwrap_or_else(all);
    if names.iter().any(|name| stage.latest(name).is_none() && catalogue.by_name(name).is_none()) {
        return invalid_symbol();
    }
    let row = |name: &String| stage.latest(name).map(|tick| wire::ticker_24hr(name, &tick));
    let mut rows: Vec<Value> = names.iter().filter_map(row).collect();
    match query.contains_key("symbol") {
        true if rows.is_empty() => invalid_symbol(),
        true => Json(rows.pop()).into_response(),
        false => Json(rows).into_response(),
    }
}

async fn klines(State(stage): State<Arc<Stage>>, query: Parameters) -> Response {
    let interval = query.get("interval").and_then(|text| text.parse::<Interval>().ok());
    let Some(interval) = interval else { return refusal(-1120, "Invalid interval.") };
    let number = |key: &str| query.get(key).and_then(|text| text.parse::<i64>().ok());
    let limit = number("limit").unwrap_or(DEFAULT_BARS).clamp(1, MAX_BARS);
    let length = millis(interval);
    let end = number("endTime").unwrap_or_else(|| stage.now_ms()).min(stage.now_ms());
    // From the start on as far as the limit goes; without a start the newest.
    let newest = (end.div_euclid(length) + 1 - limit) * length;
    let (from, end) = match number("startTime") {
        Some(start) => {
            let first = (start + length - 1).div_euclid(length) * length;
            (start, end.min(first + limit * length - 1))
        }
        None => (newest, end),
    };
    let name = query.get("symbol").map_or("", String::as_str);
    match stage.bars(name, interval, from, end + 1) {
        Some(bars) => {
            let rows: Vec<Value> = bars.iter().map(|bar| kline(bar, length)).collect();
            Json(rows).into_response()
        }
        None => invalid_symbol(),
    }
}

/// Open time, open, high, low, close, volume, close time, turnover, trades, and what takers bought.
fn kline(bar: &VenueBar, length: i64) -> Value {
    let VenueBar { open_ms, open, high, low, close, volume } = bar;
    let close_ms = open_ms + length - 1;
    json!([open_ms, open, high, low, close, volume, close_ms, volume, 1, "0", "0", "0"])
}

fn invalid_symbol() -> Response {
    refusal(-1121, "Invalid symbol.")
}

fn refusal(code: i32, message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"code": code, "msg": message}))).into_response()
}
