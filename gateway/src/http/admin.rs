//! What the gateway adds to the admin listener.

use crate::hub::{Hub, Report};
use axum::{Json, Router, extract::State, routing::get};

/// `GET /connections`
pub fn routes(hub: Hub) -> Router {
    Router::new().route("/connections", get(connections)).with_state(hub)
}

async fn connections(State(hub): State<Hub>) -> Json<Report> {
    Json(hub.report().await)
}
