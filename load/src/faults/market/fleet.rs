//! Three gateways behind HAProxy, to be killed, and restarted by the shipped script.

use super::{Market, Role, patiently, role::Place};
use crate::{
    balancer::{Backend, GATEWAYS, Haproxy, lasting_port},
    bench::process::Program,
    faults::FaultsError,
};
use std::{
    array, fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The shipped script.
const SCRIPT: &str = include_str!("../../../../docker-less-deploy/rolling-restart.sh");
/// Between two looks at what the script wants, and at who is ready.
const LOOK: Duration = Duration::from_millis(50);
/// Event loops of each gateway: the same on every machine, since closes are spread over them.
pub(in crate::faults) const SHARDS: u32 = 2;
/// Over which time a gateway spreads its closes.
pub(in crate::faults) const WINDOW: Duration = Duration::from_secs(5);

/// Gateways and what is in front of them. Dropped, they end.
pub(in crate::faults) struct Fleet {
    pub(in crate::faults) balancer: Haproxy,
    members: Vec<Member>,
    tickcast: PathBuf,
    folder: PathBuf,
}

/// A gateway and where it always listens.
struct Member {
    /// Nothing while it is dead.
    role: Option<Role>,
    number: usize,
    listen: SocketAddr,
    admin: SocketAddr,
    proxied: SocketAddr,
    config: String,
    starts: u32,
}

/// What came of restarting all of them.
#[derive(Debug)]
pub(in crate::faults) struct Rolled {
    /// What the script said in the end, if it has stopped.
    pub(in crate::faults) trouble: Option<String>,
    /// When each gateway was told to go.
    pub(in crate::faults) told: Vec<Instant>,
    /// The fewest that were ready at a time.
    pub(in crate::faults) least_ready: usize,
    pub(in crate::faults) took: Duration,
}

impl Market {
    /// Starts them; further `limits` stand in `[gateway.limits]`.
    pub(in crate::faults) async fn fleet(
        &self,
        clients: usize,
        limits: &str,
    ) -> Result<Fleet, FaultsError> {
        let (tickcast, folder) = (self.tickcast.clone(), self.folder.path().to_owned());
        let mut members = Vec::new();
        for number in 0..GATEWAYS {
            let mut member = Member::new(number, &self.redis.url(), limits)?;
            member.start(&tickcast, &folder)?;
            members.push(member);
        }
        for member in &members {
            patiently("a gateway", async || member.is_ready().await).await?;
        }
        let gateways: [Backend; GATEWAYS] = array::from_fn(|number| members[number].backend());
        let balancer = Haproxy::start(&folder, &gateways, clients * 2, &[]).await?;
        Ok(Fleet { balancer, members, tickcast, folder })
    }
}

impl Fleet {
    /// Kills one.
    pub(in crate::faults) fn kill(&mut self, number: usize) {
        self.members[number].role = None;
    }

    /// Starts one that was killed; returns when it gets clients again.
    pub(in crate::faults) async fn revive(&mut self, number: usize) -> Result<(), FaultsError> {
        self.members[number].start(&self.tickcast, &self.folder)?;
        let up = async || self.balancer.is_up(number + 1).await.unwrap_or(false);
        patiently("a gateway behind HAProxy", up).await
    }

    /// From now on this program is started.
    pub(in crate::faults) fn upgrade(&mut self, tickcast: &Path) {
        self.tickcast = tickcast.to_owned();
    }

    /// Runs the script over all of them.
    pub(in crate::faults) async fn roll(&mut self) -> Result<Rolled, FaultsError> {
        let begun = Instant::now();
        let mut script = self.script()?;
        let (mut told, mut least_ready) = (Vec::new(), GATEWAYS);
        let status = loop {
            if let Some(status) = script.status() {
                break status;
            }
            for member in &mut self.members {
                told.extend(member.obey(&self.tickcast, &self.folder)?);
            }
            let mut ready = 0;
            for member in &self.members {
                ready += usize::from(member.is_ready().await);
            }
            least_ready = least_ready.min(ready);
            sleep(LOOK).await;
        };
        let trouble = (!status.success()).then(|| script.ended().unwrap_or_default());
        Ok(Rolled { trouble, told, least_ready, took: begun.elapsed() })
    }

    fn script(&self) -> Result<Program, FaultsError> {
        let path = self.folder.join("rolling-restart.sh");
        fs::write(&path, SCRIPT)?;
        let names: Vec<String> = self.members.iter().map(|it| it.number.to_string()).collect();
        let admins: Vec<String> = self.members.iter().map(|it| it.admin.to_string()).collect();
        // It asks for a restart with a file, and waits until that is gone.
        let order = "touch restart-{}; while [ -e restart-{} ]; do sleep 0.1; done";
        let mut command = Command::new("bash");
        command.arg(path).args(["--gateways", &names.join(","), "--admin", &admins.join(",")]);
        command.args(["--restart-command", order]).current_dir(&self.folder);
        Ok(Program::start(command, "rolling-restart", &self.folder, None, false)?)
    }
}

impl Member {
    fn new(number: usize, redis: &str, limits: &str) -> Result<Self, FaultsError> {
        let address = || lasting_port().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let (listen, admin, proxied) = (address()?, address()?, address()?);
        // All clients dial from this machine: as trusted addresses they have no limits of their own.
        let config = format!(
            "redis_url = \"{redis}\"\n[gateway]\nlisten = \"{listen}\"\nadmin_listen = \"{admin}\"\n\
             proxy_listen = \"{proxied}\"\ntrusted_proxies = [\"127.0.0.0/8\"]\nshards = {SHARDS}\n\
             [gateway.limits]\nrequests_per_second_per_ip = 0\ndrain_window_ms = {}\n{limits}",
            WINDOW.as_millis()
        );
        Ok(Self { role: None, number, listen, admin, proxied, config, starts: 0 })
    }

    fn backend(&self) -> Backend {
        Backend { proxied: self.proxied, admin_port: self.admin.port() }
    }

    fn start(&mut self, tickcast: &Path, folder: &Path) -> Result<(), FaultsError> {
        self.starts += 1;
        let name = format!("gateway-{}-{}", self.number, self.starts);
        let place = Place { listen: self.listen, admin: self.admin, folder, name: &name };
        let environment = Default::default();
        self.role = Some(Role::start(tickcast, "gateway", &self.config, &environment, &place)?);
        Ok(())
    }

    async fn is_ready(&self) -> bool {
        match &self.role {
            Some(role) => role.readiness().await.as_deref() == Some("ready\n"),
            None => false,
        }
    }

    /// What the script wants: tells the process to go, and starts the next one when it has gone. When it
    /// was told.
    fn obey(&mut self, tickcast: &Path, folder: &Path) -> Result<Option<Instant>, FaultsError> {
        let order = folder.join(format!("restart-{}", self.number));
        if !order.exists() {
            return Ok(None);
        }
        let Some(role) = &mut self.role else { return Ok(None) };
        if !role.has_ended() {
            return role.tell_to_go();
        }
        self.start(tickcast, folder)?;
        fs::remove_file(order)?;
        Ok(None)
    }
}
