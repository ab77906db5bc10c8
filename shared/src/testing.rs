//! Child servers for tests: a real `redis-server` on a free port, to be killed, frozen and starved.
//! Several of them make a master with [`Sentinels`] or a [`Cluster`].
#![expect(clippy::expect_used, reason = "a test that cannot have its server fails at once")]

mod cluster;
mod sentinels;

pub use cluster::Cluster;
pub use sentinels::Sentinels;

use redis::Value;
use std::{
    fs, io,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longest wait for a server to accept connections; it takes some 20 ms on an idle machine.
const START_WITHIN: Duration = Duration::from_secs(10);
/// How often to look whether it does.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Ports to try before giving up: another process may take one between choosing and binding.
const PORTS_TO_TRY: u32 = 10;

/// A `redis-server` child process without persistence. It ends when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    port: u16,
    kind: Kind,
    directory: TempDir,
    options: Vec<String>,
}

/// What a `redis-server` process is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Server,
    Sentinel,
    /// A node of a cluster; its port for the other nodes is the usual one, 10000 above, only where
    /// that exists.
    Node {
        bus_port: u16,
    },
}

impl RedisServer {
    /// Starts a server on a free port and waits until it answers.
    ///
    /// # Panics
    /// When `redis-server` cannot be started.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with further options, such as `["--maxmemory", "2mb"]`.
    ///
    /// # Panics
    /// When `redis-server` cannot be started.
    pub async fn start_with(options: &[&str]) -> Self {
        Self::start_as(|_| Kind::Server, options).await
    }

    /// Starts a process of the kind that a free port is made into.
    async fn start_as(kind: fn(u16) -> Kind, options: &[&str]) -> Self {
        let directory = TempDir::new().expect("a directory for redis-server");
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        for _ in 0..PORTS_TO_TRY {
            let port = free_port().expect("a free port");
            let kind = kind(free_port().expect("another free port"));
            let child = spawn(port, kind, &directory, &options);
            let mut child = child.expect("redis-server is installed");
            if answers(&mut child, port).await {
                return Self { child, port, kind, directory, options };
            }
        }
        panic!("redis-server did not start; see its log in {}", directory.path().display());
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address as Tickcast's `redis_url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// SIGKILL; the port is free afterwards.
    pub fn kill(&mut self) {
        // A child that has ended already is as dead as one that is killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Kills it if it still runs, and starts it again on the same port, empty.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        self.kill();
        let child = spawn(self.port, self.kind, &self.directory, &self.options);
        self.child = child.expect("redis-server is installed");
        assert!(answers(&mut self.child, self.port).await, "redis-server did not start again");
    }

    /// SIGSTOP: sockets stay open and nothing is answered.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT: goes on as if nothing had been, commands sent meanwhile included.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Runs a command, such as `["CONFIG", "SET", "maxmemory", "1mb"]`, and returns its reply as
    /// text (an array as lines).
    ///
    /// # Panics
    /// When the server cannot be reached or answers with an error.
    pub async fn command(&self, words: &[&str]) -> String {
        let client = redis::Client::open(self.url()).expect("an address");
        // The crate's own half a second is too short on a busy machine.
        let patient = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(START_WITHIN))
            .set_response_timeout(Some(START_WITHIN));
        let connected = client.get_multiplexed_async_connection_with_config(&patient).await;
        let mut connection = connected.expect("redis-server accepts");
        let (name, arguments) = words.split_first().expect("a command");
        let mut command = redis::cmd(name);
        command.arg(arguments);
        let reply: Value = command.query_async(&mut connection).await.expect("redis-server obeys");
        text(&reply)
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill is installed").success(), "kill {signal} {pid}");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn spawn(port: u16, kind: Kind, directory: &TempDir, options: &[String]) -> io::Result<Child> {
    let log = directory.path().join("redis.log");
    let mut command = Command::new("redis-server");
    match kind {
        Kind::Server => {}
        Kind::Sentinel => {
            // It keeps its state in its configuration file.
            let file = directory.path().join("sentinel.conf");
            fs::OpenOptions::new().create(true).append(true).open(&file)?;
            command.arg(file).arg("--sentinel");
        }
        Kind::Node { bus_port } => {
            command.args(["--cluster-enabled", "yes", "--cluster-port", &bus_port.to_string()]);
        }
    }
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "no", "--daemonize", "no", "--dir"])
        .arg(directory.path())
        .arg("--logfile")
        .arg(log)
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Waits until the child answers a PING; false when it ended instead.
async fn answers(child: &mut Child, port: u16) -> bool {
    let client = redis::Client::open(("127.0.0.1", port)).expect("an address");
    let deadline = Instant::now() + START_WITHIN;
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
            let info: Result<redis::InfoDict, _> =
                redis::cmd("INFO").arg("server").query_async(&mut connection).await;
            let pid = info.ok().and_then(|info| info.get::<u32>("process_id"));
            if pid == Some(child.id()) {
                return true;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    false
}

fn text(reply: &Value) -> String {
    match reply {
        Value::Nil => String::new(),
        Value::Int(number) => number.to_string(),
        Value::Okay => "OK".to_owned(),
        Value::SimpleString(text) => text.clone(),
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join("\n"),
        other => format!("{other:?}"),
    }
}
