//! Strangers at the door: heads without an end, origins, addresses and tokens that are none.

use super::{hostile, seconds, tokens};
use crate::{
    faults::{FaultsConfig, FaultsError, attack::Attack, figure::Figure, scene::Scene},
    hostile::{HostileConfig, HostileReport, Kind},
};
use std::{net::Ipv4Addr, time::Duration};

/// Sockets that send a byte a second.
const SLOW: usize = 5000;
/// Dials with wrong origins: fewer than one address may make.
const ORIGINS: usize = 8;
/// Dials a second with forged addresses: more than one address may make.
const DIALS: u32 = 100;
/// Time that a head may take, and looks, timers and the machine's own pace with 5000 sockets.
const HEAD_SECONDS: f64 = 5.5;
/// The one page that may connect, a proxy that nobody here is, and few dials of one address.
const GATEWAY: &str = "allowed_origins = [\"https://page.example\"]\n\
    trusted_proxies = [\"127.0.0.9/32\"]\n\
    [gateway.limits]\ndials_per_second_per_ip = 5\nmax_connections_per_ip = 0\n\
    max_handshakes = 0\n";

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut figures = slow_heads(config).await?;
    let scene = Scene::start(config, 1, GATEWAY).await?;
    let origin = attack(&scene, Kind::Origin, ORIGINS, 2).await?;
    figures.push(answered("wrong origins: answered 403", &origin));
    let forged = attack(&scene, Kind::ForgedForwarded, 1, 3).await?;
    figures.push(answered("forged addresses: counted as one", &forged));
    drop(scene);
    figures.extend(tokens::measure(config).await?);
    Ok(figures)
}

async fn slow_heads(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let limits = "[gateway.limits]\nmax_handshakes = 0\n";
    let scene = Scene::start(config, 1, limits).await?;
    let slow = hostile(&scene, Kind::Slowloris, SLOW, Duration::from_secs(12));
    let report = Attack::start(&scene, &slow)?.report().await?;
    let last =
        ["HTTP", "closed", "reset"].into_iter().filter_map(|kind| report.longest(kind)).max();
    Ok(vec![
        Figure::at_most("slowloris: the last of 5000 closed after, s", HEAD_SECONDS, seconds(last)),
        Figure::at_most("slowloris: still served", 0.0, Some(report.count("served") as f64)),
    ])
}

/// From a loopback address of its own: the dials of one address are limited.
async fn attack(
    scene: &Scene,
    kind: Kind,
    clients: usize,
    address: u8,
) -> Result<HostileReport, FaultsError> {
    let source = Some(Ipv4Addr::new(127, 0, 0, address));
    let plain = hostile(scene, kind, clients, kind.duration());
    Attack::start(scene, &HostileConfig { rate: DIALS, source, ..plain })?.report().await
}

fn answered(what: &str, report: &HostileReport) -> Figure {
    let seen: Vec<String> =
        report.outcomes.iter().map(|seen| format!("{} x {}", seen.count, seen.outcome)).collect();
    Figure::holds(format!("{what} ({})", seen.join(", ")), report.guarded)
}
