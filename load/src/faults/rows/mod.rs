//! How each fault is made, and what is measured of it.

mod descriptors;
mod floods;
mod frames;
mod memory;
mod overload;
mod panics;
mod slow_clients;
mod strangers;
mod tokens;
mod vanished;

use super::{FaultsConfig, FaultsError, Row, figure::Figure, scene::Scene};
use crate::hostile::{HostileConfig, Kind};
use std::time::Duration;

/// Makes the fault and measures.
pub(super) async fn measure(row: Row, config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    match row {
        Row::SlowClients => slow_clients::measure(config).await,
        Row::Descriptors => descriptors::measure(config).await,
        Row::Memory => memory::measure(config).await,
        Row::Vanished => vanished::measure(config).await,
        Row::Frames => frames::measure(config).await,
        Row::Floods => floods::measure(config).await,
        Row::Panics => panics::measure(config).await,
        Row::Overload => overload::measure(config).await,
        Row::Strangers => strangers::measure(config).await,
    }
}

/// So many clients of a kind, for so long.
fn hostile(scene: &Scene, kind: Kind, clients: usize, duration: Duration) -> HostileConfig {
    HostileConfig { clients, duration, ..HostileConfig::new(scene.url(), kind) }
}

/// Seconds, of a time that may not have come.
fn seconds(span: Option<Duration>) -> Option<f64> {
    span.map(|span| span.as_secs_f64())
}
