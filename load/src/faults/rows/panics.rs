//! A panic in each kind of task ends one client, or the process; nothing lives on by half.
//!
//! It takes a gateway that panics when told to, which is built for tests only.

use crate::{
    bench::fetch,
    faults::{FaultsConfig, FaultsError, crowd, figure::Figure, scene::Scene},
    swarm::{
        dial::{Opening, Target},
        frames::{TEXT, masked},
    },
};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};

/// Where a task is told to panic, on the admin listener.
const SWITCH: &str = "/testing/panic/";
/// Where a request panics, on the clients' listener.
const REQUEST: &str = "/testing/panic";
/// The message that its connection's task panics at.
const COMMAND: &[u8] = b"panic";
/// Tasks without which a gateway is none.
const ESSENTIAL: [&str; 9] =
    ["accept", "admin", "ingest", "readiness", "drain", "shards", "shard", "passes", "sweep"];
/// Tasks of the bus reader, which starts them anew.
const RESTARTED: [&str; 2] = ["bus channels", "bus snapshots"];
/// Clients that behave.
const OTHERS: usize = 50;
/// Until the process has ended.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Skipped where the gateway has no switch.
pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut figures = one_client(config).await?;
    for task in ESSENTIAL {
        let ended = essential(config, task).await?;
        let (after, is_failure) = ended.unzip();
        let seconds = after.map(|after: Duration| after.as_secs_f64());
        figures.push(Figure::at_most(format!("{task}: the process ends after, s"), 5.0, seconds));
        let what = format!("{task}: with a code that is not 0");
        figures.push(Figure::holds(what, is_failure == Some(true)));
    }
    for task in RESTARTED {
        let cut_off = restarted(config, task).await?;
        figures.push(Figure::at_most(format!("{task}: clients cut off"), 0.0, cut_off));
    }
    Ok(figures)
}

/// How many clients a panic has cut off; none if they got nothing any more, or the process ended.
async fn restarted(config: &FaultsConfig, task: &str) -> Result<Option<f64>, FaultsError> {
    let mut scene = Scene::start(config, OTHERS, "").await?;
    let path = format!("{SWITCH}{}", task.replace(' ', "%20"));
    let window = Duration::from_secs(3);
    let (watched, asked) = tokio::join!(crowd::watch(&scene, window, &[]), scene.admin(&path));
    asked?;
    let (watched, _) = watched?;
    Ok((scene.is_alive() && watched.p99_ms.is_some()).then_some(watched.cut_off as f64))
}

/// Panics that are the business of one client.
async fn one_client(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut scene = Scene::start(config, OTHERS, "").await?;
    if scene.admin(&format!("{SWITCH}nobody")).await?.0 == 404 {
        let why = "this gateway has no switch for panics (feature `testing`)";
        return Err(FaultsError::Missing(why.to_owned()));
    }
    let base = scene.url().replace("ws://", "http://").replace("/ws", "");
    let window = Duration::from_secs(3);
    let request = format!("{base}{REQUEST}");
    let panics = async { (panic_a_connection(&scene).await, fetch::get(&request).await) };
    let (watched, (closed, answer)) = tokio::join!(crowd::watch(&scene, window, &[]), panics);
    let status = answer.map_or(0, |(status, _)| status);
    Ok(vec![
        Figure::at_most("a client: its connection ends after, s", 5.0, closed?),
        Figure::at_least("a request: its status", 500.0, Some(status.into())),
        Figure::at_most("others cut off by that", 0.0, Some(watched?.0.cut_off as f64)),
        Figure::holds("the process lives", scene.is_alive()),
    ])
}

/// How long it takes until the connection ends, in seconds.
async fn panic_a_connection(scene: &Scene) -> Result<Option<f64>, FaultsError> {
    let target = Target::find(&scene.url()).await.map_err(io::Error::other)?;
    let dialled = target.dial(&Opening::default()).await;
    let (mut stream, _) = dialled.map_err(io::Error::other)?;
    stream.write_all(&masked(TEXT, COMMAND)).await?;
    let begun = Instant::now();
    // However it ends: what was said is not the question.
    let ended = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
    Ok(ended.is_ok().then(|| begun.elapsed().as_secs_f64()))
}

/// After which time the process ends, and whether its code says that something is wrong.
async fn essential(
    config: &FaultsConfig,
    task: &str,
) -> Result<Option<(Duration, bool)>, FaultsError> {
    let mut scene = Scene::start(config, 1, "").await?;
    let path = format!("{SWITCH}{}", task.replace(' ', "%20"));
    let begun = Instant::now();
    // It may break before it has answered.
    let _ = scene.admin(&path).await;
    while begun.elapsed() < PATIENCE {
        if let Some(reason) = scene.ended() {
            return Ok(Some((begun.elapsed(), !reason.contains("(exit status: 0)"))));
        }
        sleep(LOOK).await;
    }
    Ok(None)
}
