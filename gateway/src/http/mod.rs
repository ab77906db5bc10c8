//! HTTP: the accept loop, the upgrade to WebSocket, REST, the live page.

pub mod accept;
pub mod admin;
pub mod answers;
pub mod assets;
pub mod credentials;
pub mod docs;
#[cfg(feature = "testing")]
pub mod echo;
pub mod extension;
pub mod farewell;
pub mod forwarded;
pub mod klines;
pub mod patience;
pub mod proxy;
pub mod reply;
pub mod rest;
pub mod routes;
pub mod serve;
pub mod stream;
pub mod takeover;
pub mod tls;
pub mod trace;
pub mod upgrade;
pub mod visitor;
pub mod wanted;

use crate::{
    auth::Auth, config::GatewayConfig, door::Door, hub::Hub, metrics::Metrics, prices::Prices,
};
use std::sync::Arc;

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct App {
    /// The configuration in force.
    pub config: Arc<GatewayConfig>,
    /// Who is let in.
    pub door: Arc<Door>,
    /// The way to the shards.
    pub hub: Hub,
    /// Last values.
    pub prices: Prices,
    /// Closed bars.
    pub klines: klines::Klines,
    /// Counters.
    pub metrics: Metrics,
    /// Who is let in; none if everyone is.
    pub auth: Option<Arc<Auth>>,
}
