//! `GET /openapi.json` and `GET /asyncapi.json`.

use crate::spec;
use axum::{http::header, response::IntoResponse};

/// The OpenAPI document.
pub async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], spec::OPENAPI.as_str())
}

/// The AsyncAPI document.
pub async fn asyncapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], spec::ASYNCAPI.as_str())
}
