//! What the gateway adds to the admin listener.

use super::trace;
use crate::{
    hub::{Hub, Report},
    prices::Prices,
    reload::InForce,
    trace::Tracers,
};
use axum::{Json, Router, extract::State, routing::get};
use tokio_util::sync::CancellationToken;

/// What operators can ask of. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Operators {
    /// The way to the shards.
    pub hub: Hub,
    /// Last values.
    pub prices: Prices,
    /// The way to follow updates.
    pub tracers: Tracers,
    /// The settings, for the exchange of a bare symbol.
    pub in_force: InForce,
    /// Cancelled when all clients have gone.
    pub drained: CancellationToken,
}

/// `GET /connections` and `GET /trace`
pub fn routes(operators: Operators) -> Router {
    Router::new()
        .route("/connections", get(connections))
        .route("/trace", get(trace::trace))
        .with_state(operators)
}

async fn connections(State(operators): State<Operators>) -> Json<Report> {
    Json(operators.hub.report().await)
}
