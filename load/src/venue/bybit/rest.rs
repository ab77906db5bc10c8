//! Bybit's REST: the list of instruments, tickers, bars.

use super::wire;
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
const DEFAULT_BARS: i64 = 200;
/// Bars in one answer at most.
const MAX_BARS: i64 = 1000;
/// Bybit's code for a parameter that it does not take.
const WRONG_PARAMETER: u32 = 10001;

type Parameters = Query<HashMap<String, String>>;

pub(in crate::venue) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/v5/market/instruments-info", get(instruments))
        .route("/v5/market/tickers", get(tickers))
        .route("/v5/market/kline", get(bars))
}

async fn instruments(State(stage): State<Arc<Stage>>, query: Parameters) -> Json<Value> {
    let row = |(instrument, base, quote): (&Instrument, &str, &str)| {
        json!({
            "symbol": &*instrument.name, "baseCoin": base, "quoteCoin": quote, "innovation": "0",
            "status": "Trading", "marginTrading": "none", "stTag": "0",
            "lotSizeFilter": {"basePrecision": "0.000001", "minOrderQty": "0.00001"},
            "priceFilter": {"tickSize": "0.00000001"},
        })
    };
    if !is_spot(&query) {
        return refusal("Illegal category");
    }
    let rows: Vec<Value> = stage.catalogue().spot().map(row).collect();
    result(&stage, json!({"category": "spot", "list": rows}))
}

async fn tickers(State(stage): State<Arc<Stage>>, query: Parameters) -> Json<Value> {
    if !is_spot(&query) {
        return refusal("Illegal category");
    }
    let catalogue = stage.catalogue();
    let wanted = query.get("symbol");
    if wanted.is_some_and(|name| catalogue.by_name(name).is_none()) {
        return refusal("Not supported symbols");
    }
    let names = catalogue.spot().map(|(instrument, ..)| &*instrument.name);
    let names = names.filter(|name| wanted.is_none_or(|wanted| wanted == name));
    let row = |name| stage.latest(name).map(|tick| wire::rest_ticker(name, &tick));
    let rows: Vec<Value> = names.filter_map(row).collect();
    result(&stage, json!({"category": "spot", "list": rows}))
}

async fn bars(State(stage): State<Arc<Stage>>, query: Parameters) -> Json<Value> {
    let Some(interval) = query.get("interval").and_then(|text| interval(text)) else {
        return refusal("Invalid period!");
    };
    let name = query.get("symbol").map_or("", String::as_str);
    let number = |key: &str| query.get(key).and_then(|text| text.parse::<i64>().ok());
    let limit = number("limit").unwrap_or(DEFAULT_BARS).clamp(1, MAX_BARS);
    let length = millis(interval);
    let end = match (number("end"), number("start")) {
        (Some(end), _) => end,
        // From there on, as far as the limit goes.
        (None, Some(start)) => start + limit * length - 1,
        (None, None) => stage.now_ms(),
    };
    let end = end.min(stage.now_ms());
    // With both the newest are told.
    let from = (end.div_euclid(length) + 1 - limit) * length;
    let from = number("start").map_or(from, |start| start.max(from));
    match stage.bars(name, interval, from, end + 1) {
        Some(bars) if is_spot(&query) => {
            let rows: Vec<Value> = bars.iter().rev().map(row).collect();
            result(&stage, json!({"category": "spot", "symbol": name, "list": rows}))
        }
        _ => refusal("Not supported symbols"),
    }
}

fn is_spot(query: &Parameters) -> bool {
    query.get("category").is_some_and(|category| category == "spot")
}

fn interval(text: &str) -> Option<Interval> {
    Some(match text {
        "1" => Interval::M1,
        "5" => Interval::M5,
        "15" => Interval::M15,
        "60" => Interval::H1,
        "240" => Interval::H4,
        "D" => Interval::D1,
        _ => return None,
    })
}

/// Time in milliseconds, open, high, low, close, volume, turnover.
fn row(bar: &VenueBar) -> Value {
    let VenueBar { open_ms, open, high, low, close, volume } = bar;
    json!([open_ms.to_string(), open, high, low, close, volume, volume])
}

fn result(stage: &Stage, result: Value) -> Json<Value> {
    let time = stage.now_ms();
    Json(json!({
        "retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": time,
    }))
}

/// A refusal has the status 200 all the same.
fn refusal(message: &str) -> Json<Value> {
    Json(json!({
        "retCode": WRONG_PARAMETER, "retMsg": message, "result": {}, "retExtInfo": {},
    }))
}
