//! A gateway near the limit of its memory refuses clients and lives on.

use super::hostile;
use crate::{
    faults::{FaultsConfig, FaultsError, attack::Attack, crowd, figure::Figure, scene::Scene},
    hostile::Kind,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Clients that behave.
const OTHERS: usize = 20;
/// More than the room is for.
const CLIENTS: usize = 12_000;
/// Room above what the gateway has when idle, MiB.
const ROOM_MIB: u64 = 8;
/// How long they stay.
const STAY: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// KiB of a MiB.
const KIB: f64 = 1024.0;

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let idle_kib = {
        let idle = Scene::start(config, OTHERS, "").await?;
        crowd::watch(&idle, Duration::from_secs(1), &[]).await?;
        idle.anonymous_kib()?
    };
    // A few.
    let limit_mib = (idle_kib / KIB).ceil() as u64 + ROOM_MIB;
    let limits = format!("[gateway.limits]\nmax_memory_mib = {limit_mib}\n");
    let mut scene = Scene::start(config, OTHERS, &limits).await?;
    let attack = Attack::start(&scene, &hostile(&scene, Kind::Connections, CLIENTS, STAY))?;
    let (begun, mut peak_kib) = (Instant::now(), 0.0_f64);
    while begun.elapsed() < STAY {
        peak_kib = peak_kib.max(scene.anonymous_kib()?);
        sleep(LOOK).await;
    }
    let report = attack.report().await?;
    let freed = Instant::now();
    let mut served_again = None;
    while served_again.is_none() && freed.elapsed() < STAY {
        // Whoever is refused fails, and tries again.
        let after = crowd::watch(&scene, Duration::from_secs(1), &[]).await;
        let is_served = after.is_ok_and(|(it, _)| it.cut_off == 0 && it.p99_ms.is_some());
        served_again = is_served.then(|| freed.elapsed().as_secs_f64());
        sleep(LOOK).await;
    }
    let (refused, shed) =
        (report.count("HTTP 5") + report.count("close 1013"), report.count("close"));
    Ok(vec![
        Figure::told("memory when idle, MiB", Some(idle_kib / KIB)),
        Figure::told("limit, MiB", Some(limit_mib as f64)),
        Figure::at_most(
            "largest memory, times the limit",
            1.1,
            Some(peak_kib / KIB / limit_mib as f64),
        ),
        Figure::at_least("clients refused", 1.0, Some(refused as f64)),
        Figure::told("clients told to go", Some(shed as f64)),
        Figure::holds("the process lives", scene.is_alive()),
        Figure::at_most("clients were served again after, s", 10.0, served_again),
    ])
}
