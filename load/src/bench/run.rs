//! One run of one side: start, connect, warm up, measure, end.

use super::{
    crowd::{self, Crowd, CrowdError},
    figures::{self, Run, Window},
    metrics,
    order::{Order, Workshop},
    process::{Cores, Layout},
    rig::{Rig, RigError},
    side::Side,
};
use crate::swarm::server::{self, ServerError};
use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Between the last connect and reading the memory: present values and first reads pass by.
const SETTLE: Duration = Duration::from_millis(500);

/// A run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its servers.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// Its clients.
    #[error(transparent)]
    Crowd(#[from] CrowdError),
    /// The system.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Cores or files.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Runs one side once; `say` is told what is going on.
///
/// # Errors
/// [`RunError`] when it cannot be run; what the server does wrong is in the result.
pub async fn run(
    workshop: &Workshop,
    side: &Side,
    size: usize,
    folder: &Path,
    mut say: impl FnMut(String),
) -> Result<Run, RunError> {
    let cores = workshop.cores.clone();
    let layout = cores.layout(side.cores);
    layout.load.enter()?;
    let mut rig = Rig::start(Order { workshop, side, layout: &layout, size, folder }).await?;
    let before_kib = rig.resident_kib()?;
    let begin = |rig: &Rig| rig.publisher().into_iter().for_each(|publisher| publisher.begin());
    if side.traffic_while_connecting {
        begin(&rig);
    }
    let urls: Vec<String> = rig.instances.iter().map(|instance| instance.url.clone()).collect();
    let configs = crowd::configs(side, &rig.spec, &urls);
    let mut crowd = Crowd::start(&workshop.own, configs, folder, &layout.load)?;
    let mut told = Instant::now();
    let settling = crowd.settle(|settled| {
        if told.elapsed() > Duration::from_secs(2) {
            told = Instant::now();
            say(format!("{settled} of {} clients are in", side.clients));
        }
    });
    if let Err(error) = settling.await {
        // The server's end explains more than the clients' silence.
        rig.check()?;
        return Err(error.into());
    }
    sleep(SETTLE).await;
    let connected_kib = rig.resident_kib()?;
    begin(&rig);
    say(format!("{} clients are in, measuring for {} s", side.clients, side.secs));
    sleep(Duration::from_secs(side.warm_up_secs)).await;
    let window = measure(&mut rig, &mut crowd, &layout, side).await?;
    let part = crowd.finish().await?;
    let rss_kib = [before_kib, connected_kib, window.after_kib];
    Ok(figures::result(side, &part, window, rss_kib))
}

async fn measure(
    rig: &mut Rig,
    crowd: &mut Crowd,
    layout: &Layout,
    side: &Side,
) -> Result<Window, RunError> {
    let counters = metrics::read(&rig.instances).await;
    let ticks = ticks(&layout.load)?;
    let cpu = rig.cpu_seconds()?;
    rig.publisher().into_iter().for_each(|publisher| publisher.reset());
    rig.bus_watch().into_iter().for_each(|watch| watch.reset());
    crowd.open()?;
    let deadline = Instant::now() + Duration::from_secs(side.secs);
    while Instant::now() < deadline {
        sleep((deadline - Instant::now()).min(Duration::from_secs(1))).await;
        rig.check()?;
    }
    crowd.close().await?;
    let published = rig.publisher().map(|publisher| publisher.counts()).transpose();
    let published = published.map_err(RigError::from)?;
    let cpu_seconds = rig.cpu_seconds()? - cpu;
    let (busy, total) = self::ticks(&layout.load)?;
    let busy = busy.saturating_sub(ticks.0) as f64 / total.saturating_sub(ticks.1).max(1) as f64;
    Ok(Window {
        cpu_seconds,
        after_kib: rig.resident_kib()?,
        counters: metrics::moved(&counters, &metrics::read(&rig.instances).await),
        published,
        on_bus: rig.bus_watch().and_then(|watch| watch.latency()),
        load_share: busy,
    })
}

/// Busy and total ticks of some cores.
fn ticks(cores: &Cores) -> Result<(u64, u64), ServerError> {
    cores.0.iter().try_fold((0, 0), |(busy, total), core| {
        let of_core = server::core_ticks(*core)?;
        Ok((busy + of_core.0, total + of_core.1))
    })
}
