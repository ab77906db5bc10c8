//! Binance's REST: the list of symbols and the day's ticker.

use super::wire;
use crate::venue::{Instrument, stage::Stage};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};

pub(in crate::venue) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/api/v3/exchangeInfo", get(exchange_info))
        .route("/api/v3/ticker/24hr", get(ticker))
}

type Parameters = Query<HashMap<String, String>>;

async fn exchange_info(State(stage): State<Arc<Stage>>, query: Parameters) -> Response {
    let Ok(asked) = asked_for(&query) else { return invalid_symbol() };
    if asked.iter().flatten().any(|name| stage.catalogue.by_name(name).is_none()) {
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
    let rows: Vec<Value> = stage.catalogue.spot().filter(wanted).map(row).collect();
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
    let Ok(Some(names)) = asked_for(&query) else { return invalid_symbol() };
    let rows: Option<Vec<Value>> = names
        .iter()
        .map(|name| stage.latest(name).map(|tick| wire::ticker_24hr(name, &tick)))
        .collect();
    match rows {
        Some(rows) if query.contains_key("symbols") => Json(rows).into_response(),
        Some(mut rows) => Json(rows.pop()).into_response(),
        None => invalid_symbol(),
    }
}

fn invalid_symbol() -> Response {
    let body = json!({"code": -1121, "msg": "Invalid symbol."});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
