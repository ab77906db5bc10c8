//! `GET /dlq` and `GET /dlq/{id}` of a feed's admin listener.

use axum::{
    Json, Router,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::json;
use tickcast_feed::{Feed, quality::Filter};

/// Letters shown unless asked otherwise.
const SHOWN: usize = 200;

/// What `GET /dlq` may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    exchange: Option<String>,
    reason: Option<String>,
    limit: Option<usize>,
}

/// The routes of this feed.
pub fn routes(feed: Feed) -> Router {
    let one = feed.clone();
    let list = async move |Query(asked): Query<Asked>| {
        let filter = Filter { exchange: asked.exchange, reason: asked.reason };
        Json(feed.dlq(&filter, asked.limit.unwrap_or(SHOWN)))
    };
    let show = async move |Path(id): Path<String>| match one.dead_letters.get(&id) {
        Some(letter) => Json(letter).into_response(),
        None => missing(),
    };
    Router::new().route("/dlq", get(list)).route("/dlq/{id}", get(show))
}

fn missing() -> Response {
    let message = "no dead letter of that number; the oldest ones give way to newer";
    let body = json!({"error": {"code": "not_found", "message": message}});
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
