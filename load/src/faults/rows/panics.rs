//! A panic in each kind of task ends one client, or the process.
//!
//! It takes a gateway that panics when told to, which is built for tests only.

use crate::faults::{FaultsConfig, FaultsError, figure::Figure, scene::Scene};

/// Where a gateway that is built for it is told to panic, on its admin listener.
const SWITCH: &str = "/testing/panic";

/// Skipped while the gateway has no switch.
pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let scene = Scene::start(config, 1, "").await?;
    let (status, _) = scene.admin(SWITCH).await?;
    Err(FaultsError::Missing(match status {
        404 => "this gateway has no switch for panics (feature `testing`)".to_owned(),
        _ => format!("{SWITCH} answers {status}; what it does is not measured yet"),
    }))
}
