//! OKX's REST: the list of instruments and the present ticker.

use super::wire::Entry;
use crate::venue::{Instrument, stage::Stage};
use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};

pub(in crate::venue) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/api/v5/public/instruments", get(instruments))
        .route("/api/v5/market/ticker", get(ticker))
}

async fn instruments(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    if query.get("instType").is_none_or(|kind| kind != "SPOT") {
        return refusal("51000", "Parameter instType error");
    }
    let row = |(instrument, base, quote): (&Instrument, &str, &str)| {
        json!({
            "instType": "SPOT", "instId": &*instrument.name, "baseCcy": base, "quoteCcy": quote,
            "state": "live", "tickSz": "0.00000001", "lotSz": "0.00000001", "minSz": "0.00001",
        })
    };
    let rows: Vec<Value> = stage.catalogue.spot().map(row).collect();
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

fn refusal(code: &str, message: &str) -> Json<Value> {
    Json(json!({"code": code, "msg": message, "data": []}))
}
