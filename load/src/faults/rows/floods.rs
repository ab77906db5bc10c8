//! Floods of commands and of unknown symbols are held back, cost no memory, and delay nobody.

use super::{hostile, seconds};
use crate::{
    faults::{FaultsConfig, FaultsError, crowd, figure::Figure, scene::Scene},
    hostile::{HostileReport, Kind},
};
use std::time::Duration;

/// Clients that behave.
const OTHERS: usize = 200;
/// Of them each sends 1000 commands a second.
const FLOODING: usize = 30;
/// Of them each subscribes to 10 000 unknown symbols.
const ASKING: usize = 10;

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let scene = Scene::start(config, OTHERS, "").await?;
    let long = config.window + Duration::from_secs(1);
    let attacks = [
        hostile(&scene, Kind::Flood, FLOODING, long),
        hostile(&scene, Kind::UnknownTopics, ASKING, long),
    ];
    // Once before: what is counted for the first time is a series, whoever causes it.
    crowd::watch(&scene, Duration::from_secs(2), &attacks).await?;
    let (series, before_kib) = (scene.series().await?, scene.settled_kib().await?);
    let compared = crowd::compare(&scene, config, &attacks).await?;
    let (more, after_kib) = (scene.series().await? - series, scene.settled_kib().await?);
    let limited = |kind: Kind| {
        let of_kind = compared.attacks.iter().filter(|report| report.kind == kind);
        seconds(of_kind.filter_map(slowest).max())
    };
    let all = compared.attacks.iter().all(|report| report.guarded);
    Ok(vec![
        Figure::holds("each of them was limited or closed", all),
        Figure::at_most("commands: limited or closed after, s", 1.0, limited(Kind::Flood)),
        Figure::at_most(
            "unknown symbols: limited or closed after, s",
            1.0,
            limited(Kind::UnknownTopics),
        ),
        Figure::at_most("more series of metrics", 0.0, Some(more)),
        Figure::told("memory before, MiB", Some(before_kib / 1024.0)),
        Figure::at_most("growth of memory, share", 0.1, Some(after_kib / before_kib - 1.0)),
        Figure::told("others' p99 without them, ms", compared.p99_without()),
        Figure::at_most("others' p99 with them, times that without", 1.1, compared.p99_ratio()),
        Figure::at_most("others cut off", 0.0, Some(compared.cut_off())),
    ])
}

/// The slowest limit or close.
fn slowest(report: &HostileReport) -> Option<Duration> {
    ["close", "error", "reset"].into_iter().filter_map(|kind| report.longest(kind)).max()
}
