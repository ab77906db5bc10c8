//! Frames that nobody may send: the right code, and little memory until it is sent.

use super::hostile;
use crate::{
    faults::{FaultsConfig, FaultsError, attack::Attack, figure::Figure, scene::Scene},
    hostile::{HostileConfig, Kind},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Of each kind.
const CLIENTS: usize = 50;
/// Of those whose memory is measured.
const MANY: usize = 200;
/// How long those go on.
const LONG: Duration = Duration::from_secs(6);
/// Fragments a second of each: the message limit is not reached before memory is measured.
const FRAGMENTS: u32 = 500;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// What ends soon before what goes on without an end.
const KINDS: [Kind; 7] = [
    Kind::Giant,
    Kind::BadUtf8,
    Kind::ReservedBits,
    Kind::Unmasked,
    Kind::Junk,
    Kind::Fragments,
    Kind::Trickle,
];

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut scene = Scene::start(config, CLIENTS, "").await?;
    let mut figures = Vec::new();
    for kind in KINDS {
        let attack = hostile(&scene, kind, CLIENTS, kind.duration());
        let report = Attack::start(&scene, &attack)?.report().await?;
        let seen: Vec<String> = report
            .outcomes
            .iter()
            .map(|seen| format!("{} x {}", seen.count, seen.outcome))
            .collect();
        let what = format!("{kind}: right code: {}", seen.join(", "));
        figures.push(Figure::holds(what, report.guarded));
    }
    for kind in [Kind::Trickle, Kind::Fragments, Kind::Giant] {
        let attack = HostileConfig { rate: FRAGMENTS, ..hostile(&scene, kind, MANY, LONG) };
        let held = held(&scene, &attack).await?;
        figures.push(Figure::at_most(format!("{kind}: held a connection, KiB"), 64.0, Some(held)));
    }
    figures.push(Figure::holds("the process lives", scene.is_alive()));
    Ok(figures)
}

/// By how much the gateway's memory grows at most, a connection, KiB.
async fn held(scene: &Scene, attack: &HostileConfig) -> Result<f64, FaultsError> {
    let before = scene.settled_kib().await?;
    let running = Attack::start(scene, attack)?;
    let (begun, mut peak) = (Instant::now(), before);
    while begun.elapsed() < attack.duration {
        peak = peak.max(scene.resident_kib()?);
        sleep(LOOK).await;
    }
    running.report().await?;
    Ok((peak - before) / attack.clients as f64)
}
