//! HTTP: the accept loop, the upgrade to WebSocket, REST, the page at `/`.

pub mod accept;
pub mod admin;
#[cfg(feature = "testing")]
pub mod echo;
pub mod extension;
pub mod page;
pub mod reply;
pub mod rest;
pub mod routes;
pub mod upgrade;

use crate::{config::GatewayConfig, hub::Hub, metrics::Metrics, prices::Prices};
use std::sync::Arc;

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct App {
    /// The configuration in force.
    pub config: Arc<GatewayConfig>,
    /// The way to the shards.
    pub hub: Hub,
    /// Last values.
    pub prices: Prices,
    /// Counters.
    pub metrics: Metrics,
}
