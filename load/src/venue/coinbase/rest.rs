//! Coinbase's REST: the list of products, the present ticker, candles.

use super::wire;
use crate::venue::{Instrument, VenueBar, bars::millis, rfc3339, stage::Stage};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json, value::RawValue};
use std::{collections::HashMap, sync::Arc};
use tickcast_shared::market::Interval;

/// Candles in one answer; to ask for more is an error.
const MAX_CANDLES: i64 = 300;

pub(in crate::venue) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/products", get(products))
        .route("/products/{id}/ticker", get(ticker))
        .route("/products/{id}/candles", get(candles))
}

async fn products(State(stage): State<Arc<Stage>>) -> Json<Value> {
    let row = |(instrument, base, quote): (&Instrument, &str, &str)| {
        json!({
            "id": &*instrument.name, "base_currency": base, "quote_currency": quote,
            "quote_increment": "0.00000001", "base_increment": "0.00000001",
            "display_name": format!("{base}-{quote}"), "min_market_funds": "1",
            "margin_enabled": false, "post_only": false, "limit_only": false,
            "cancel_only": false, "status": "online", "status_message": "",
            "trading_disabled": false, "fx_stablecoin": false,
            "max_slippage_percentage": "0.02", "auction_mode": false,
            "high_bid_limit_percentage": "",
        })
    };
    Json(stage.catalogue().spot().map(row).collect())
}

async fn ticker(State(stage): State<Arc<Stage>>, Path(id): Path<String>) -> Response {
    match stage.latest(&id) {
        Some(tick) => Json(wire::rest_ticker(&tick)).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "NotFound"),
    }
}

async fn candles(
    State(stage): State<Arc<Stage>>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let granularity = query.get("granularity").map_or("60", String::as_str);
    let Some(interval) = interval(granularity) else {
        return refusal(StatusCode::BAD_REQUEST, "Unsupported granularity");
    };
    let time = |key: &str| query.get(key).and_then(|text| rfc3339::millis(text));
    let length = millis(interval);
    let end = time("end").unwrap_or_else(|| stage.now_ms());
    let start = time("start").unwrap_or(end - (MAX_CANDLES - 1) * length);
    if (end - start) / length > MAX_CANDLES {
        let message = "granularity too small for the requested time range. \
            Count of aggregations requested exceeds 300";
        return refusal(StatusCode::BAD_REQUEST, message);
    }
    match stage.bars(&id, interval, start, end + 1) {
        Some(bars) => Json(bars.iter().rev().filter_map(row).collect::<Vec<_>>()).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "NotFound"),
    }
}

/// There is no granularity of four hours.
fn interval(granularity: &str) -> Option<Interval> {
    Some(match granularity {
        "60" => Interval::M1,
        "300" => Interval::M5,
        "900" => Interval::M15,
        "3600" => Interval::H1,
        "86400" => Interval::D1,
        _ => return None,
    })
}

/// Time in seconds, low, high, open, close, volume: bare numbers, in this order.
fn row(bar: &VenueBar) -> Option<Box<RawValue>> {
    let VenueBar { open_ms, open, high, low, close, volume } = bar;
    RawValue::from_string(format!("[{},{low},{high},{open},{close},{volume}]", open_ms / 1000)).ok()
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"message": message}))).into_response()
}
