//! `GET /openapi.json` and `GET /asyncapi.json`.

use super::App;
use crate::spec;
use axum::{extract::State, http::header, response::IntoResponse};

/// The OpenAPI document, which says whether this gateway asks for keys.
pub async fn openapi(State(app): State<App>) -> impl IntoResponse {
    let is_key_required = app.auth.is_some_and(|auth| auth.is_required);
    let document = if is_key_required { &spec::OPENAPI_WITH_KEYS } else { &spec::OPENAPI };
    ([(header::CONTENT_TYPE, "application/json")], document.as_str())
}

/// The AsyncAPI document.
pub async fn asyncapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], spec::ASYNCAPI.as_str())
}
