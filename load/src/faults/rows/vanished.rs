//! Clients that vanish without an end of their connection are reaped.

use super::{hostile, seconds};
use crate::{
    faults::{FaultsConfig, FaultsError, attack::Attack, figure::Figure, scene::Scene},
    hostile::{HostileConfig, Kind},
    proxy::{Fault, Proxy},
};
use std::{net::SocketAddr, time::Duration};
use url::Url;

/// Shortened from 20 s.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Clients of each kind.
const CLIENTS: usize = 100;
/// After three missed heartbeats they are told; two seconds later the connection is dropped.
const GONE: Duration = Duration::from_secs(8);
/// Timers and looks.
const SLACK: Duration = Duration::from_millis(700);
/// Until all are in.
const ENTERING: Duration = Duration::from_secs(10);
/// At most.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let limits = format!("[gateway.limits]\nheartbeat_ms = {}\n", HEARTBEAT.as_millis());
    let scene = Scene::start(config, CLIENTS, &limits).await?;
    let silent = hostile(&scene, Kind::Vanish, CLIENTS, PATIENCE);
    let report = Attack::start(&scene, &silent)?.report().await?;

    let proxy = Proxy::start(address(&scene.url())?).await?;
    let url = format!("ws://{}/ws", proxy.address);
    let behind = HostileConfig { url, ..silent };
    let attack = Attack::start(&scene, &behind)?;
    scene.until(ENTERING, |it| it.open >= CLIENTS as u64).await?;
    proxy.set(Fault::HalfOpen);
    let reaped = scene.until(PATIENCE, |it| it.open == 0).await?;
    let gone = scene.until(PATIENCE, |it| it.open + it.closing == 0).await?;
    drop(attack);
    let total = reaped.zip(gone).map(|(reaped, gone)| reaped + gone);
    let limit = HEARTBEAT * 3 + SLACK;
    Ok(vec![
        Figure::holds("all were closed after 3 heartbeats", report.guarded),
        Figure::at_most(
            "the last of those that are silent, s",
            limit.as_secs_f64(),
            seconds(report.longest("close 4001")),
        ),
        Figure::at_least(
            "of 100, told 4001",
            CLIENTS as f64,
            Some(report.count("close 4001") as f64),
        ),
        Figure::at_most(
            "behind a half-open proxy: reaped, s",
            limit.as_secs_f64(),
            seconds(reaped),
        ),
        Figure::at_most("their connections gone, s", (GONE + SLACK).as_secs_f64(), seconds(total)),
    ])
}

/// Where a gateway listens.
fn address(url: &str) -> Result<SocketAddr, FaultsError> {
    let wrong = || FaultsError::Attack(format!("{url} names no address"));
    let addresses = Url::parse(url).ok().and_then(|url| url.socket_addrs(|| Some(80)).ok());
    addresses.into_iter().flatten().next().ok_or_else(wrong)
}
