//! Redis as `docker-less-deploy/redis` ships it: those very files, with users and certificates made by
//! the scripts beside them. Only ports and paths are given on top, on the command line.

use super::{DEADLINE, eventually};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// Where the files are.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docker-less-deploy/redis");
/// A node's port for the other nodes is this much above its own.
const TO_BUS_PORT: u16 = 10_000;

/// A `redis-server` process; it ends when this is dropped.
#[derive(Debug)]
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // A child that has ended already is as dead as one that is killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Servers, and what is needed to be let in.
#[derive(Debug)]
pub struct Shipped {
    servers: Vec<Server>,
    sentinels: Vec<Server>,
    has_tls: bool,
    is_cluster: bool,
    directory: TempDir,
}

impl Shipped {
    /// `redis.conf` alone, on a free port.
    pub async fn single() -> Self {
        Self::single_with(&[]).await
    }

    /// The same with further settings.
    pub async fn single_with(options: &[&str]) -> Self {
        let mut it = Self::new(false);
        it.add(&[], options).await;
        it
    }

    /// With `tls.conf`.
    pub async fn tls() -> Self {
        let mut it = Self::new(true);
        it.add(&[], &[]).await;
        it
    }

    /// With `tls.conf` and a server's certificate for that name and those hosts, good for so many days.
    pub async fn tls_with(names: &[&str], days: &str) -> Self {
        let mut it = Self::new(true);
        run(script("make-certs.sh").arg(it.path("tls")).args(names).env("DAYS", days));
        let port = it.add_unasked(&[], &[]);
        eventually("Redis listens", async || TcpStream::connect(("127.0.0.1", port)).ok()).await;
        it
    }

    /// With `tls.conf` and `replication.conf`: a master, two replicas and three sentinels.
    pub async fn sentinels() -> Self {
        let mut it = Self::new(true);
        let login = ["--masterauth", &it.password("replica")];
        it.add(&["replication.conf"], &login).await;
        let master = format!("127.0.0.1 {}", it.servers[0].port);
        for _ in 0..2 {
            let options = [&login[..], &["--replicaof", &master]].concat();
            it.add(&["replication.conf"], &options).await;
        }
        for _ in 0..3 {
            it.add_sentinel().await;
        }
        it.agreed().await;
        it
    }

    /// With `tls.conf` and `cluster.conf`: three masters, made one by `create-cluster.sh`.
    pub async fn cluster() -> Self {
        let mut it = Self::new(true);
        it.is_cluster = true;
        let login = ["--masterauth", &it.password("replica")];
        for _ in 0..3 {
            it.add(&["cluster.conf"], &login).await;
        }
        let nodes: Vec<String> =
            it.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        let mut made = script("create-cluster.sh");
        made.arg("0").args(nodes).env("REDISCLI_AUTH", it.password("admin"));
        run(made.env("TLS", it.path("tls")));
        it
    }

    fn new(has_tls: bool) -> Self {
        let directory = TempDir::new().expect("a directory for Redis");
        run(script("make-users.sh").arg(directory.path()));
        if has_tls {
            for name in ["server", "admin", "client"] {
                let mut made = script("make-certs.sh");
                run(made.arg(directory.path().join("tls")).args([name, "127.0.0.1", "localhost"]));
            }
        }
        let (servers, sentinels) = (Vec::new(), Vec::new());
        Self { servers, sentinels, has_tls, is_cluster: false, directory }
    }

    /// The address for a user, as `redis_url`.
    pub fn url(&self, user: &str) -> String {
        let s = if self.has_tls { "s" } else { "" };
        let login = format!("{user}:{}", self.password(user));
        let list = |servers: &[Server]| {
            let all = servers.iter().map(|server| format!("127.0.0.1:{}", server.port));
            all.collect::<Vec<_>>().join(",")
        };
        if self.is_cluster {
            return format!("redis{s}+cluster://{login}@{}", list(&self.servers));
        }
        if self.sentinels.is_empty() {
            return format!("redis{s}://{login}@{}", list(&self.servers));
        }
        let ask = format!("sentinel_user=tickcast&sentinel_password={}", self.password("feed"));
        format!("redis{s}+sentinel://{login}@{}/main?{ask}", list(&self.sentinels))
    }

    /// What goes into the configuration beside `redis_url`.
    pub fn section(&self) -> String {
        if !self.has_tls {
            return String::new();
        }
        let file = |name: &str| self.path("tls").join(name);
        let (ca, certificate, key) = (file("ca.crt"), file("client.crt"), file("client.key"));
        format!("[redis_tls]\nca = {ca:?}\ncertificate = {certificate:?}\nprivate_key = {key:?}\n")
    }

    /// The port of the first server.
    pub fn port(&self) -> u16 {
        self.servers[0].port
    }

    /// A file or folder of this instance's.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Ends a server.
    pub fn kill(&mut self, number: usize) {
        let server = &mut self.servers[number];
        let _ = server.child.kill();
        let _ = server.child.wait();
    }

    /// What the first server answers this user.
    pub fn command(&self, user: &str, words: &[&str]) -> String {
        self.cli(self.servers[0].port, user, &self.password(user), words)
    }

    /// What each server answers this user.
    pub fn everywhere(&self, user: &str, words: &[&str]) -> Vec<String> {
        let password = self.password(user);
        self.servers.iter().map(|server| self.cli(server.port, user, &password, words)).collect()
    }

    fn cli(&self, port: u16, user: &str, password: &str, words: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-p", &port.to_string(), "--user", user]).env("REDISCLI_AUTH", password);
        if self.has_tls {
            for (flag, name) in
                [("--cacert", "ca.crt"), ("--cert", "admin.crt"), ("--key", "admin.key")]
            {
                cli.arg(flag).arg(self.path("tls").join(name));
            }
            cli.arg("--tls");
        }
        let said = cli.args(words).output().expect("redis-cli is installed");
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    fn password(&self, user: &str) -> String {
        let all = fs::read_to_string(self.path("passwords")).expect("make-users.sh wrote it");
        let line = all.lines().find_map(|line| line.strip_prefix(&format!("{user} ")));
        line.unwrap_or_else(|| panic!("a password of {user}")).to_owned()
    }

    /// Starts a server of these files and waits until the admin is answered.
    async fn add(&mut self, includes: &[&str], options: &[&str]) {
        let port = self.add_unasked(includes, options);
        let password = self.password("admin");
        eventually("Redis answers", async || {
            (self.cli(port, "admin", &password, &["PING"]) == "PONG").then_some(())
        })
        .await;
    }

    /// Starts a server of these files; its port.
    fn add_unasked(&mut self, includes: &[&str], options: &[&str]) -> u16 {
        let port = free_port();
        let mut command = self.server(&Path::new(FOLDER).join("redis.conf"), port);
        for include in includes {
            command.arg("--include").arg(Path::new(FOLDER).join(include));
        }
        command.arg("--aclfile").arg(self.path("users.acl")).args(options);
        self.servers.push(self.spawn(command, port));
        port
    }

    /// Starts a sentinel of the shipped file, in which addresses and passwords are put in.
    async fn add_sentinel(&mut self) {
        let port = free_port();
        let hash = |user: &str| digest(&self.password(user));
        let shipped = fs::read_to_string(Path::new(FOLDER).join("sentinel.conf")).expect("a file");
        let mut text = String::new();
        for line in shipped.lines() {
            let line = line
                .replace("10.0.0.11 6379", &format!("127.0.0.1 {}", self.servers[0].port))
                .replace(
                    "auth-pass main change-me",
                    &format!("auth-pass main {}", self.password("sentinel")),
                )
                .replace(
                    "sentinel-pass change-me",
                    &format!("sentinel-pass {}", self.password("admin")),
                );
            let owner = if line.starts_with("user sentinel-peer") { "admin" } else { "feed" };
            text += &line.replace(&"0".repeat(64), &hash(owner));
            text.push('\n');
        }
        let file = self.path(&format!("sentinel-{port}.conf"));
        fs::write(&file, text).expect("a file");
        let mut command = self.server(&file, port);
        command.args(["--sentinel"]);
        self.sentinels.push(self.spawn(command, port));
    }

    fn server(&self, file: &Path, port: u16) -> Command {
        let directory = self.path(&port.to_string());
        fs::create_dir(&directory).expect("a directory");
        let mut command = Command::new("redis-server");
        command.arg(file);
        let port = port.to_string();
        if self.has_tls {
            command.arg("--include").arg(Path::new(FOLDER).join("tls.conf"));
            command.args(["--port", "0", "--tls-port", &port]);
            for (option, name) in [
                ("--tls-cert-file", "server.crt"),
                ("--tls-key-file", "server.key"),
                ("--tls-ca-cert-file", "ca.crt"),
            ] {
                command.arg(option).arg(self.path("tls").join(name));
            }
        } else {
            command.args(["--port", &port]);
        }
        command.arg("--dir").arg(&directory);
        command.arg("--logfile").arg(directory.join("log"));
        command
    }

    fn spawn(&self, mut command: Command, port: u16) -> Server {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Server { child: command.spawn().expect("redis-server is installed"), port }
    }

    /// Waits until every sentinel knows both replicas and the other sentinels.
    async fn agreed(&self) {
        let password = self.password("admin");
        for sentinel in &self.sentinels {
            eventually("the sentinels know each other", async || {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let info =
                    self.cli(sentinel.port, "sentinel-peer", &password, &["INFO", "sentinel"]);
                info.contains("status=ok,address=127.0.0.1").then_some(())?;
                info.contains("slaves=2,sentinels=3").then_some(())
            })
            .await;
        }
    }
}

fn digest(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One whose neighbour above is free as well.
fn free_port() -> u16 {
    let began = std::time::Instant::now();
    while began.elapsed() < DEADLINE {
        let port: u16 = rand::random_range(20_000..32_000);
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + TO_BUS_PORT) {
            return port;
        }
    }
    panic!("no free port");
}

/// A script of the folder's.
pub fn script(name: &str) -> Command {
    Command::new(Path::new(FOLDER).join(name))
}

/// Runs it to its end.
pub fn run(command: &mut Command) {
    let said = command.output().expect("a shell");
    assert!(said.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said.stderr));
}
