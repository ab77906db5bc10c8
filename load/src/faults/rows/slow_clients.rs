//! Clients that stop reading are evicted, can read why, hold little, and delay nobody.

use super::{hostile, seconds};
use crate::{
    bench::builtin,
    faults::{FaultsConfig, FaultsError, attack::Attack, crowd, figure::Figure, scene::Scene},
    hostile::{HostileConfig, Kind},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Clients that behave.
const OTHERS: usize = 200;
/// Of those that stop: enough to see their memory.
const STOPPED: usize = 100;
/// Topics of each of them.
const TOPICS: usize = 10;
/// Beside the others.
const BESIDE: usize = 20;
/// The longest silence: past the patience of 10 s, and the two seconds to read why.
const SILENCE: Duration = Duration::from_secs(20);
/// Until they are all forgotten.
const FORGOTTEN: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let scene = Scene::start(config, OTHERS, "").await?;
    // A first crowd warms the allocator up.
    crowd::watch(&scene, Duration::from_secs(2), &[]).await?;
    let before_kib = scene.settled_kib().await?;
    let attack = Attack::start(&scene, &stalled(&scene, STOPPED, SILENCE))?;
    let (mut blocked, mut most, mut held_kib) = (Duration::ZERO, 0, None);
    let begun = Instant::now();
    while begun.elapsed() < SILENCE {
        let connections = scene.connections().await?;
        blocked = blocked.max(connections.blocked);
        // With few of them the rest of the process would be counted as theirs.
        if connections.behind > most {
            most = connections.behind;
            held_kib = Some((scene.resident_kib()? - before_kib) / most as f64);
        }
        sleep(LOOK).await;
    }
    let report = attack.report().await?;
    let gone = scene.until(FORGOTTEN, |it| it.open + it.behind + it.closing == 0).await?;
    let beside = stalled(&scene, BESIDE, config.window + Duration::from_secs(2));
    let compared = crowd::compare(&scene, config, &[beside]).await?;
    let evicted = (blocked > Duration::ZERO).then_some(blocked);
    Ok(vec![
        Figure::at_most("evicted after the first EAGAIN, s", 10.2, seconds(evicted)),
        Figure::at_least(
            "clients that resumed and read 4000",
            1.0,
            Some(report.count("close 4000") as f64),
        ),
        Figure::holds("all that were silent for longer were evicted", report.guarded),
        Figure::told("most that were behind at once, of 100", Some(most as f64)),
        Figure::at_most("held for each of them, KiB", 256.0, held_kib),
        Figure::at_most("all forgotten after their end, s", 3.0, seconds(gone)),
        Figure::told("others' p99 without them, ms", compared.p99_without()),
        Figure::at_most("others' p99 with them, times that without", 1.1, compared.p99_ratio()),
        Figure::at_most("others cut off", 0.0, Some(compared.cut_off())),
    ])
}

/// Few topics: present values find room, and it is updates that do not.
fn stalled(scene: &Scene, clients: usize, silence: Duration) -> HostileConfig {
    let topics = builtin::topics(&scene.side).into_iter().take(TOPICS).collect();
    HostileConfig { topics, ..hostile(scene, Kind::Stalled, clients, silence) }
}
