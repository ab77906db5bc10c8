//! HAProxy in front of three gateways, with the configuration that is shipped.

use crate::bench::{fetch, order::free_port, process::Program};
use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The shipped configuration.
const CONFIGURATION: &str = include_str!("../../docker-less-deploy/haproxy/haproxy.cfg");
/// How long it may take to find gateways that are ready.
const READY: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// Room above the clients: those that are told that there is none, checks, operators.
const SPARE_SOCKETS: usize = 200;
/// Ports that no outgoing connection takes, and hardly any service.
const LASTING_PORTS: Range<u16> = 15_000..32_000;
/// Of these, how many are tried.
const PORTS_TO_TRY: usize = 100;
/// Gateways that the configuration names.
pub const GATEWAYS: usize = 3;

/// A gateway as HAProxy sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backend {
    /// Its listener for PROXY v2.
    pub proxied: SocketAddr,
    /// The port of its admin listener on the same address.
    pub admin_port: u16,
}

/// A running HAProxy. Dropped, it ends.
#[derive(Debug)]
pub struct Haproxy {
    program: Program,
    /// Where clients connect without TLS.
    pub address: SocketAddr,
    /// Where operators look.
    pub stats: SocketAddr,
}

/// HAProxy cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BalancerError {
    /// There is no such program.
    #[error("haproxy is not installed: apt-get install haproxy")]
    Missing,
    /// It has ended, with the end of its log.
    #[error("{0}")]
    Ended(String),
    /// No gateway is ready for it.
    #[error("haproxy finds no gateway that is ready")]
    NoGateway,
    /// A file or a port is not to be had.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl Haproxy {
    /// Starts it in a folder of its own with room for that many clients, all from one address, and waits
    /// until it passes them on. `environment` comes on top of that: `TICKCAST_...` as the configuration
    /// names them.
    ///
    /// # Errors
    /// [`BalancerError`]
    pub async fn start(
        folder: &Path,
        gateways: &[Backend; GATEWAYS],
        clients: usize,
        environment: &[(&str, String)],
    ) -> Result<Self, BalancerError> {
        let file = folder.join("haproxy.cfg");
        fs::write(&file, CONFIGURATION)?;
        let address = free_address()?;
        let stats = free_address()?;
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(&file).current_dir(folder);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TICKCAST_") {
                command.env_remove(name);
            }
        }
        for (number, gateway) in (1..).zip(gateways) {
            command.env(format!("TICKCAST_GATEWAY_{number}"), gateway.proxied.to_string());
            command.env(format!("TICKCAST_ADMIN_PORT_{number}"), gateway.admin_port.to_string());
        }
        command.envs(settings(address, stats, clients));
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        let started = Program::start(command, "haproxy", folder, None, false);
        let program = started.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BalancerError::Missing,
            _ => BalancerError::System(error),
        })?;
        let mut haproxy = Self { program, address, stats };
        haproxy.ready().await?;
        Ok(haproxy)
    }

    /// The WebSocket address without TLS.
    #[must_use]
    pub fn ws(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Whether it counts that gateway (from 1) among those that get clients.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn is_up(&self, gateway: usize) -> io::Result<bool> {
        let (_, text) = fetch::get(&format!("http://{}/;csv", self.stats)).await?;
        let row = format!("gateways,gateway-{gateway},");
        // The 18th field is the status (management.txt, section 9.1).
        let status = text
            .lines()
            .find(|line| line.starts_with(&row))
            .and_then(|line| line.split(',').nth(17));
        Ok(status.is_some_and(|status| status.starts_with("UP")))
    }

    async fn ready(&mut self) -> Result<(), BalancerError> {
        let begun = Instant::now();
        let url = format!("http://{}/balancer", self.address);
        loop {
            if let Some(reason) = self.program.ended() {
                return Err(BalancerError::Ended(reason));
            }
            match fetch::get(&url).await {
                Ok((200, _)) => return Ok(()),
                _ if begun.elapsed() > READY => return Err(BalancerError::NoGateway),
                _ => sleep(LOOK).await,
            }
        }
    }
}

/// What differs from the shipped defaults: no rights, no TLS, no limits by address.
fn settings(address: SocketAddr, stats: SocketAddr, clients: usize) -> [(&'static str, String); 9] {
    let unlimited = u32::MAX.to_string();
    [
        ("TICKCAST_UNPRIVILEGED", "yes".to_owned()),
        ("TICKCAST_BIND", address.to_string()),
        ("TICKCAST_CERTIFICATE", "none".to_owned()),
        ("TICKCAST_CONNECTIONS_PER_ADDRESS", unlimited.clone()),
        ("TICKCAST_DIALS_PER_ADDRESS", unlimited.clone()),
        ("TICKCAST_FLOOD_PER_ADDRESS", unlimited),
        ("TICKCAST_CLIENTS", clients.to_string()),
        ("TICKCAST_SOCKETS", (clients + SPARE_SOCKETS).to_string()),
        ("TICKCAST_STATS_BIND", stats.to_string()),
    ]
}

/// A free port that stays free while nobody listens on it: below those that outgoing connections take
/// (`net.ipv4.ip_local_port_range`, from 32768 by default).
///
/// # Errors
/// When none is found.
pub fn lasting_port() -> io::Result<u16> {
    (0..PORTS_TO_TRY)
        .map(|_| rand::random_range(LASTING_PORTS))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| io::ErrorKind::AddrInUse.into())
}

fn free_address() -> io::Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, free_port(Ipv4Addr::LOCALHOST)?).into())
}
