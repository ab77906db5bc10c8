//! How each fault is made, and what is measured of it.

mod descriptors;
mod feed_frozen;
mod feed_killed;
mod floods;
mod frames;
mod gateway_killed;
mod half_open;
mod memory;
mod overload;
mod panics;
mod redis_cost;
mod redis_frozen;
mod redis_killed;
mod redis_refuses;
mod rolling_restart;
mod slow_clients;
mod strangers;
mod tokens;
mod upgrade;
mod vanished;
mod wall_clock;

use super::{FaultsConfig, FaultsError, Row, figure::Figure, scene::Scene};
use crate::hostile::{HostileConfig, Kind};
use std::time::Duration;

/// Makes the fault and measures.
pub(super) async fn measure(row: Row, config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    match row {
        Row::RedisKilled => redis_killed::measure(config).await,
        Row::RedisFrozen => redis_frozen::measure(config).await,
        Row::HalfOpen => half_open::measure(config).await,
        Row::RedisRefuses => redis_refuses::measure(config).await,
        Row::FeedKilled => feed_killed::measure(config).await,
        Row::FeedFrozen => feed_frozen::measure(config).await,
        Row::GatewayKilled => gateway_killed::measure(config).await,
        Row::RollingRestart => rolling_restart::measure(config).await,
        Row::SlowClients => slow_clients::measure(config).await,
        Row::Descriptors => descriptors::measure(config).await,
        Row::Memory => memory::measure(config).await,
        Row::Vanished => vanished::measure(config).await,
        Row::Frames => frames::measure(config).await,
        Row::Floods => floods::measure(config).await,
        Row::WallClock => wall_clock::measure(config).await,
        Row::Panics => panics::measure(config).await,
        Row::Overload => overload::measure(config).await,
        Row::Strangers => strangers::measure(config).await,
        Row::RedisCost => redis_cost::measure(config).await,
        Row::Upgrade => upgrade::measure(config).await,
    }
}

/// So many clients of a kind, for so long.
fn hostile(scene: &Scene, kind: Kind, clients: usize, duration: Duration) -> HostileConfig {
    HostileConfig { clients, duration, ..HostileConfig::new(scene.url(), kind) }
}

/// How long an outage or freeze lasts.
fn hold(config: &FaultsConfig, usual: Duration) -> Duration {
    config.hold.map_or(usual, |most| most.min(usual))
}

/// Seconds, of a time that may not have come.
fn seconds(span: Option<Duration>) -> Option<f64> {
    span.map(|span| span.as_secs_f64())
}
