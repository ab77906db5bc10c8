//! KuCoin's REST: the token, the list of symbols, the present quote.

use super::wire::Level1;
use crate::venue::stage::{Stage, lock};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, header::HOST},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};

/// KuCoin's code for success.
const OK: &str = "200000";

pub(in crate::venue) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/api/v1/bullet-public", post(token))
        .route("/api/v2/symbols", get(symbols))
        .route("/api/v1/market/orderbook/level1", get(level1))
}

async fn token(State(stage): State<Arc<Stage>>, headers: HeaderMap) -> Json<Value> {
    let expired = {
        let mut faults = stage.faults();
        if let Some(code) = faults.refuse_tokens {
            return Json(json!({"code": code, "msg": "refused by the simulator"}));
        }
        let expired = faults.expired_tokens > 0;
        faults.expired_tokens = faults.expired_tokens.saturating_sub(1);
        expired
    };
    let token = lock(&stage.tokens).issue(expired);
    stage.count(&stage.counters.tokens, 1);
    // Whatever address the client reached us under, it can reach the socket under the same.
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("127.0.0.1");
    let millis = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Json(json!({"code": OK, "data": {
        "token": token,
        "instanceServers": [{
            "endpoint": format!("ws://{host}/"),
            "encrypt": false,
            "protocol": "websocket",
            "pingInterval": millis(stage.timings.ping_interval),
            "pingTimeout": millis(stage.timings.patience),
        }],
    }}))
}

async fn symbols(State(stage): State<Arc<Stage>>) -> Json<Value> {
    let row = |(instrument, base, quote): (&crate::venue::Instrument, &str, &str)| {
        json!({
            "symbol": &*instrument.name, "name": &*instrument.name,
            "baseCurrency": base, "quoteCurrency": quote, "feeCurrency": quote,
            "market": quote, "baseMinSize": "0.00001", "quoteMinSize": "0.1",
            "baseIncrement": "0.00000001", "quoteIncrement": "0.000001",
            "priceIncrement": "0.00000001", "enableTrading": true, "isMarginEnabled": false,
        })
    };
    let rows: Vec<Value> = stage.catalogue.spot().map(row).collect();
    Json(json!({"code": OK, "data": rows}))
}

async fn level1(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let tick = query.get("symbol").and_then(|name| stage.latest(name));
    Json(json!({"code": OK, "data": tick.as_ref().map(Level1::of)}))
}
