//! A gateway without descriptors waits calmly, serves those it has, and takes more when it can.

use super::{hostile, seconds};
use crate::{
    bench::fetch,
    faults::{FaultsConfig, FaultsError, crowd, figure::Figure, scene::Scene},
    hostile::Kind,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// All that the gateway may open.
const LIMIT: u32 = 600;
/// Clients that behave.
const OTHERS: usize = 20;
/// More than it can take.
const CLIENTS: usize = 900;
/// Until it is full.
const FILLING: Duration = Duration::from_secs(3);
/// Over which CPU time is taken.
const CPU_SPAN: Duration = Duration::from_secs(3);
/// How often the admin listener is asked.
const ASKED: u32 = 20;
/// Until somebody is let in again at the latest.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was seen while it was full.
struct Full {
    cpu_share: f64,
    open: u64,
    answers: u32,
    slowest: Duration,
}

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let scene = Scene::start_with(config, OTHERS, "", Some(LIMIT)).await?;
    let window = config.window.max(FILLING + CPU_SPAN + Duration::from_secs(2));
    let (calm, _) = crowd::watch(&scene, Duration::from_secs(2), &[]).await?;
    let crowded = hostile(&scene, Kind::Connections, CLIENTS, window);
    let attacks = [crowded];
    let (watched, full) = tokio::join!(crowd::watch(&scene, window, &attacks), look(&scene));
    let ((watched, reports), full) = (watched?, full?);
    let refused =
        reports.iter().map(|report| report.clients as u64 - report.count("served")).sum::<u64>();
    let again = accepted(&scene).await;
    let streams = watched.deliveries_per_second / calm.deliveries_per_second;
    Ok(vec![
        Figure::told("connections when full", Some(full.open as f64)),
        Figure::at_least("clients refused or not answered", 1.0, Some(refused as f64)),
        Figure::at_most("CPU while full, share of a core", 0.2, Some(full.cpu_share)),
        Figure::at_least("deliveries to the others, times those before", 0.98, Some(streams)),
        Figure::at_most("others cut off", 0.0, Some(watched.cut_off as f64)),
        Figure::at_least("answers of the admin listener, of 20", 20.0, Some(full.answers.into())),
        Figure::told("slowest of them, s", Some(full.slowest.as_secs_f64())),
        Figure::at_most("accepting again after some are free, s", 2.0, seconds(again)),
    ])
}

async fn look(scene: &Scene) -> Result<Full, FaultsError> {
    sleep(FILLING).await;
    let cpu_share = scene.cpu_share(CPU_SPAN).await?;
    let (mut answers, mut slowest) = (0, Duration::ZERO);
    for _ in 0..ASKED {
        let begun = Instant::now();
        answers += u32::from(scene.admin("/health").await.is_ok_and(|(status, _)| status == 200));
        slowest = slowest.max(begun.elapsed());
    }
    let open = scene.connections().await.map_or(0, |connections| connections.open);
    Ok(Full { cpu_share, open, answers, slowest })
}

/// How long it takes until somebody is let in.
async fn accepted(scene: &Scene) -> Option<Duration> {
    let url = scene.url().replace("ws://", "http://").replace("/ws", "/v1/exchanges");
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if fetch::get(&url).await.is_ok_and(|(status, _)| status == 200) {
            return Some(begun.elapsed());
        }
        sleep(Duration::from_millis(20)).await;
    }
    None
}
