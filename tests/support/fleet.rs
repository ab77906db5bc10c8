//! Three gateways with addresses that stay theirs, and what stands in front of them.

use super::{DEADLINE, Market, Role, eventually, get, start};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Command, ExitStatus},
    time::Duration,
};
use tempfile::TempDir;
use tickcast_load::{
    balancer::{Backend, Haproxy, lasting_port},
    bench::process::Program,
    regulars::{Regulars, RegularsConfig},
};

/// Clients that HAProxy has room for.
const CLIENTS: usize = 300;
/// Between two looks at who is ready.
const LOOK: Duration = Duration::from_millis(100);
/// What `--restart-command` does here: asks for a restart with a file, and waits until that is gone.
pub const ORDER: &str = "touch restart-{}; while [ -e restart-{} ]; do sleep 0.05; done";

/// The gateways. Some may be dead.
#[derive(Debug)]
pub struct Fleet {
    gateways: Vec<Option<Role>>,
    places: Vec<Place>,
    limits: String,
    /// Where files of other programs go.
    pub folder: TempDir,
}

/// Where a gateway listens, and its settings.
#[derive(Debug)]
struct Place {
    listen: SocketAddr,
    proxied: SocketAddr,
    admin: SocketAddr,
    config: String,
}

impl Fleet {
    /// Three that are ready, with these lines in their `[gateway.limits]`. They believe 127.0.0.1 only,
    /// so clients that dial from other loopback addresses are limited.
    pub async fn start(market: &Market, limits: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut fleet =
            Self { gateways: Vec::new(), places: Vec::new(), limits: limits.to_owned(), folder };
        fleet.places = (0..3).map(|_| fleet.place(market)).collect();
        let (first, second, third) =
            tokio::join!(fleet.launch(0), fleet.launch(1), fleet.launch(2));
        fleet.gateways = vec![Some(first), Some(second), Some(third)];
        fleet
    }

    fn place(&self, market: &Market) -> Place {
        let address =
            || SocketAddr::from((Ipv4Addr::LOCALHOST, lasting_port().expect("a free port")));
        let (listen, proxied, admin) = (address(), address(), address());
        let config = format!(
            "{}\n[gateway]\nproxy_listen = \"{proxied}\"\ntrusted_proxies = [\"127.0.0.1/32\"]\n",
            market.config_with(&self.limits)
        );
        Place { listen, proxied, admin, config }
    }

    async fn launch(&self, number: usize) -> Role {
        let place = &self.places[number];
        let (listen, admin) = (place.listen.to_string(), place.admin.to_string());
        let args = ["gateway", "--listen", &listen, "--admin-listen", &admin];
        start(&args).config(&place.config).ready().await
    }

    /// One of them.
    ///
    /// # Panics
    /// When it is dead.
    pub fn gateway(&self, number: usize) -> &Role {
        self.gateways[number].as_ref().expect("a gateway that runs")
    }

    /// HAProxy in front of them, with these settings on top.
    pub async fn haproxy(&self, environment: &[(&str, String)]) -> Haproxy {
        let backend = |it: &Place| Backend { proxied: it.proxied, admin_port: it.admin.port() };
        let backends = [0, 1, 2].map(|number| backend(&self.places[number]));
        let started = Haproxy::start(self.folder.path(), &backends, CLIENTS, environment).await;
        started.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Where they listen for clients and plain proxies.
    pub fn listens(&self) -> Vec<SocketAddr> {
        self.places.iter().map(|place| place.listen).collect()
    }

    /// Where operators look.
    pub fn admins(&self) -> Vec<SocketAddr> {
        self.places.iter().map(|place| place.admin).collect()
    }

    /// Asks one to stop, and starts the next as soon as it has.
    pub async fn restart(&mut self, number: usize) {
        let mut leaving = self.gateways[number].take().expect("a gateway that runs");
        assert_eq!(leaving.stop().await.code(), Some(0));
        self.gateways[number] = Some(self.launch(number).await);
    }

    /// SIGKILL.
    pub fn kill(&mut self, number: usize) {
        self.gateways[number] = None;
    }

    /// Connections of each, 0 where there is nobody to ask.
    pub async fn connections(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        for admin in self.admins() {
            let answer = get(&format!("http://{admin}/connections")).await;
            counts.push(answer.and_then(|it| it.json()["open"].as_u64()).unwrap_or(0));
        }
        counts
    }

    /// How many say that they are ready.
    pub async fn ready(&self) -> usize {
        let mut ready = 0;
        for admin in self.admins() {
            let answer = get(&format!("http://{admin}/readyz")).await;
            ready += usize::from(answer.is_some_and(|it| it.status == 200));
        }
        ready
    }

    /// `rolling-restart.sh` over them, with these arguments on top.
    pub fn script(&self, args: &[&str]) -> Program {
        let admins: Vec<String> = self.admins().iter().map(ToString::to_string).collect();
        let mut command = Command::new("bash");
        command.arg(shipped("rolling-restart.sh")).current_dir(self.folder.path());
        command.args(["--gateways", "0,1,2", "--admin", &admins.join(","), "--settle", "0"]);
        command.args(args);
        let started = Program::start(command, "script", self.folder.path(), None, false);
        started.expect("bash is installed")
    }

    /// Restarts whom a script wants to be restarted, until it ends: with which status, and how few
    /// gateways were ready at any time.
    pub async fn obey(&mut self, mut script: Program) -> (ExitStatus, usize) {
        let mut least = self.places.len();
        loop {
            if let Some(status) = script.status() {
                return (status, least);
            }
            for number in 0..self.places.len() {
                let order = self.folder.path().join(format!("restart-{number}"));
                if order.exists() {
                    least = least.min(self.restart_watched(number).await);
                    fs::remove_file(order).expect("the order is ours");
                }
            }
            least = least.min(self.ready().await);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Restarts one; how few were ready meanwhile.
    async fn restart_watched(&mut self, number: usize) -> usize {
        let mut leaving = self.gateways[number].take().expect("a gateway that runs");
        let mut least = self.places.len();
        leaving.process.signal("TERM");
        let mut gone = std::pin::pin!(leaving.process.exit());
        while tokio::time::timeout(LOOK, &mut gone).await.is_err() {
            least = least.min(self.ready().await);
        }
        self.gateways[number] = Some(self.launch(number).await);
        least
    }

    /// What a program in [`Self::folder`] has said.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default()
    }
}

/// Clients that come back, and have values of these topics.
pub async fn regulars(url: &str, clients: usize, topics: &[&str]) -> Regulars {
    let config = RegularsConfig {
        url: url.to_owned(),
        clients,
        topics: topics.iter().map(ToString::to_string).collect(),
        connect_rate: 500,
        source: None,
    };
    let regulars = Regulars::start(config).await.expect("clients");
    served(&regulars).await;
    regulars
}

/// Waits until all have values.
pub async fn served(regulars: &Regulars) {
    eventually("all clients have values", async || (regulars.book().unserved() == 0).then_some(()))
        .await;
}

/// Kills a gateway: its clients come back elsewhere, to newest values, and none of their dials fails.
pub async fn outlive(fleet: &mut Fleet, victim: usize, clients: &Regulars) {
    fleet.kill(victim);
    served(clients).await;
    assert_eq!(clients.behind(DEADLINE).await, 0, "nobody is left with an old value");
    let book = clients.book();
    assert!(book.abnormal() > 0, "{:?}", book.closes);
    assert!(book.refused.is_empty(), "no dial fails: {:?}", book.refused);
    assert_eq!((book.steps_back, book.unanswered), (0, 0));
}

/// A shipped file.
pub fn shipped(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docker-less-deploy").join(name)
}
