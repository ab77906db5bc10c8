//! A gateway that is about to suffer: Redis, a publisher, and the gateway's own process.

use super::{FaultsConfig, FaultsError};
use crate::bench::{
    fetch,
    order::{Order, Workshop},
    process::Layout,
    rig::Rig,
    side::Side,
};
use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// Payload of an update, in bytes: what a ticker has.
const UPDATE_BYTES: usize = 560;
/// Cores of the gateway; the rest is for everybody else.
const GATEWAY_CORES: usize = 1;
/// Until the gateway's allocator has given back what is free: it waits for a second, twice.
const GIVEN_BACK: Duration = Duration::from_secs(4);
/// Between two looks at the gateway.
const LOOK: Duration = Duration::from_millis(50);

/// The servers of a row. Dropped, they end.
pub(super) struct Scene {
    // First: it ends before its folder.
    rig: Rig,
    pub(super) side: Side,
    pub(super) layout: Layout,
    pub(super) workshop: Workshop,
    folder: TempDir,
}

/// What `/connections` says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Connections {
    pub(super) open: u64,
    /// Those that are sent present values, or only the newest: all whose socket may be full.
    pub(super) behind: u64,
    pub(super) closing: u64,
    /// The longest time that a socket has been full.
    pub(super) blocked: Duration,
}

impl Scene {
    /// Starts everything; `gateway` is what stands in `[gateway]`.
    pub(super) async fn start(
        config: &FaultsConfig,
        clients: usize,
        gateway: &str,
    ) -> Result<Self, FaultsError> {
        Self::start_with(config, clients, gateway, None).await
    }

    /// The same with a limit of file descriptors for the gateway.
    pub(super) async fn start_with(
        config: &FaultsConfig,
        clients: usize,
        gateway: &str,
        descriptors: Option<u32>,
    ) -> Result<Self, FaultsError> {
        let folder = tempfile::Builder::new().prefix("tickcast-faults-").tempdir()?;
        let mut workshop = config.workshop.clone();
        if let Some(limit) = descriptors {
            workshop.tickcast = limited(&workshop, &folder, limit)?;
        }
        let side = side(config, clients, gateway)?;
        let layout = workshop.cores.layout(GATEWAY_CORES);
        layout.load.enter()?;
        let order = Order {
            workshop: &workshop,
            side: &side,
            layout: &layout,
            size: UPDATE_BYTES,
            folder: folder.path(),
        };
        let rig = Rig::start(order).await?;
        rig.publisher().into_iter().for_each(|publisher| publisher.begin());
        Ok(Self { rig, side, layout, workshop, folder })
    }

    pub(super) fn url(&self) -> String {
        self.rig.instances.first().map(|it| it.url.clone()).unwrap_or_default()
    }

    pub(super) fn rig(&self) -> &Rig {
        &self.rig
    }

    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Whether everything still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        self.ended().is_none()
    }

    /// What has ended, how and why.
    pub(super) fn ended(&mut self) -> Option<String> {
        self.rig.check().err().map(|error| error.to_string())
    }

    pub(super) fn resident_kib(&self) -> Result<f64, FaultsError> {
        Ok(self.rig.resident_kib()? as f64)
    }

    /// The gateway's memory without pages of files, which are the program's own.
    pub(super) fn anonymous_kib(&self) -> Result<f64, FaultsError> {
        Ok(self.rig.anonymous_kib()? as f64)
    }

    /// The same once what former clients took has been given back.
    pub(super) async fn settled_kib(&self) -> Result<f64, FaultsError> {
        sleep(GIVEN_BACK).await;
        self.resident_kib()
    }

    /// Share of a core that the gateway uses in that time.
    pub(super) async fn cpu_share(&self, span: Duration) -> Result<f64, FaultsError> {
        let (before, begun) = (self.rig.cpu_seconds()?, Instant::now());
        sleep(span).await;
        Ok((self.rig.cpu_seconds()? - before) / begun.elapsed().as_secs_f64())
    }

    /// Status and body of the admin listener's answer.
    pub(super) async fn admin(&self, path: &str) -> Result<(u16, String), FaultsError> {
        let metrics = self.rig.instances.first().and_then(|it| it.metrics.as_deref());
        let base = metrics.and_then(|url| url.strip_suffix("/metrics")).unwrap_or_default();
        Ok(fetch::get(&format!("{base}{path}")).await?)
    }

    pub(super) async fn connections(&self) -> Result<Connections, FaultsError> {
        let (_, body) = self.admin("/connections").await?;
        let json: Value = serde_json::from_str(&body).map_err(std::io::Error::from)?;
        let count = |key: &str| json[key].as_u64().unwrap_or(0);
        let slowest = json["slowest"].as_array().into_iter().flatten();
        let blocked = slowest.filter_map(|it| it["blocked_ms"].as_u64()).max().unwrap_or(0);
        Ok(Connections {
            open: count("open"),
            behind: count("subscribing") + count("lagging"),
            closing: count("closing"),
            blocked: Duration::from_millis(blocked),
        })
    }

    /// Looks at the connections until they are so; how long that took.
    pub(super) async fn until(
        &self,
        most: Duration,
        is: impl Fn(Connections) -> bool,
    ) -> Result<Option<Duration>, FaultsError> {
        let begun = Instant::now();
        while begun.elapsed() < most {
            if is(self.connections().await?) {
                return Ok(Some(begun.elapsed()));
            }
            sleep(LOOK).await;
        }
        Ok(None)
    }

    /// Lines of the metrics that are no comments.
    pub(super) async fn series(&self) -> Result<f64, FaultsError> {
        let (_, text) = self.admin("/metrics").await?;
        Ok(text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count() as f64)
    }
}

/// A script that starts the gateway with fewer descriptors.
fn limited(workshop: &Workshop, folder: &TempDir, limit: u32) -> Result<PathBuf, FaultsError> {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.path().join("limited.sh");
    let program = workshop.tickcast.canonicalize()?;
    let script = format!("#!/bin/sh\nulimit -n {limit}\nexec '{}' \"$@\"\n", program.display());
    fs::write(&path, script)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

fn side(config: &FaultsConfig, clients: usize, gateway: &str) -> Result<Side, FaultsError> {
    let text = format!(
        "clients = {clients}\nsecs = {}\ncores = {GATEWAY_CORES}\nconnect_rate = 500\n\
         expect = {{ disconnects = true }}\n\
         [topics]\ncount = 100\nrate = 5\nper_client = 20\n\
         [gateway]\n{gateway}",
        config.window.as_secs()
    );
    toml::from_str(&text).map_err(|error| FaultsError::Attack(error.to_string()))
}
