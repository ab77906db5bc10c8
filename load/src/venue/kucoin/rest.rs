//! KuCoin's REST: the token, the list of symbols, the present quotes, bars.

use super::wire::{self, Level1};
use crate::venue::{
    Instrument, VenueBar,
    bars::millis,
    stage::{Stage, lock},
};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, header::HOST},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use tickcast_shared::market::Interval;

/// KuCoin's code for success.
const OK: &str = "200000";
/// KuCoin's code for a parameter that it does not take.
const WRONG_PARAMETER: &str = "400100";
/// Bars in one answer: the newest of those asked for.
const MAX_BARS: i64 = 1500;
/// Bars in the answer to a request without a time.
const DEFAULT_BARS: i64 = 100;

pub(in crate::venue) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/api/v1/bullet-public", post(token))
        .route("/api/v2/symbols", get(symbols))
        .route("/api/v1/market/orderbook/level1", get(level1))
        .route("/api/v1/market/allTickers", get(all_tickers))
        .route("/api/v1/market/candles", get(candles))
}

async fn token(State(stage): State<Arc<Stage>>, headers: HeaderMap) -> Json<Value> {
    let expired = {
        let faults = stage.faults();
        if let Some(code) = faults.refuse_tokens {
            return Json(json!({"code": code, "msg": "refused by the simulator"}));
        }
        faults.expired_tokens > 0
    };
    if expired {
        stage.change_faults(|faults| {
            faults.expired_tokens = faults.expired_tokens.saturating_sub(1);
        });
    }
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
    let row = |(instrument, base, quote): (&Instrument, &str, &str)| {
        json!({
            "symbol": &*instrument.name, "name": &*instrument.name,
            "baseCurrency": base, "quoteCurrency": quote, "feeCurrency": quote,
            "market": quote, "baseMinSize": "0.00001", "quoteMinSize": "0.1",
            "baseIncrement": "0.00000001", "quoteIncrement": "0.000001",
            "priceIncrement": "0.00000001", "enableTrading": true, "isMarginEnabled": false,
        })
    };
    let rows: Vec<Value> = stage.catalogue().spot().map(row).collect();
    Json(json!({"code": OK, "data": rows}))
}

async fn level1(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let tick = query.get("symbol").and_then(|name| stage.latest(name));
    Json(json!({"code": OK, "data": tick.as_ref().map(Level1::of)}))
}

async fn all_tickers(State(stage): State<Arc<Stage>>) -> Json<Value> {
    let catalogue = stage.catalogue();
    let row = |(instrument, ..): (&Instrument, &str, &str)| {
        stage.latest(&instrument.name).map(|tick| wire::all_ticker(&instrument.name, &tick))
    };
    let rows: Vec<Value> = catalogue.spot().filter_map(row).collect();
    Json(json!({"code": OK, "data": {"time": stage.now_ms(), "ticker": rows}}))
}

async fn candles(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let refusal = |message: &str| Json(json!({"code": WRONG_PARAMETER, "msg": message}));
    let Some(interval) = query.get("type").and_then(|text| interval(text)) else {
        return refusal("Unsupported type.");
    };
    let name = query.get("symbol").map_or("", String::as_str);
    let seconds = |key: &str| {
        let number = query.get(key).and_then(|text| text.parse::<i64>().ok());
        // 0 is as good as nothing.
        number.filter(|seconds| *seconds > 0).map(|seconds| seconds.saturating_mul(1000))
    };
    let length = millis(interval);
    let end = seconds("endAt").unwrap_or_else(|| stage.now_ms() + 1).min(stage.now_ms() + 1);
    let opens_before = (end + length - 1).div_euclid(length) * length;
    let from = seconds("startAt").unwrap_or(opens_before - DEFAULT_BARS * length);
    let from = from.max(opens_before - MAX_BARS * length);
    match stage.bars(name, interval, from, end) {
        Some(bars) => {
            let rows: Vec<Value> = bars.iter().rev().map(row).collect();
            Json(json!({"code": OK, "data": rows}))
        }
        None => refusal("This pair is not provided at present"),
    }
}

fn interval(text: &str) -> Option<Interval> {
    Some(match text {
        "1min" => Interval::M1,
        "5min" => Interval::M5,
        "15min" => Interval::M15,
        "1hour" => Interval::H1,
        "4hour" => Interval::H4,
        "1day" => Interval::D1,
        _ => return None,
    })
}

/// Time in seconds, open, close, high, low, volume, turnover: in this order.
fn row(bar: &VenueBar) -> Value {
    let VenueBar { open_ms, open, high, low, close, volume } = bar;
    json!([(open_ms / 1000).to_string(), open, close, high, low, volume, volume])
}
