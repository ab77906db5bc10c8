//! `tickcast` as a child process.

use super::{Answer, Lines, eventually, get};
use serde_json::Value;
use std::{
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
};
use tempfile::TempDir;

/// Any free port: the child takes one and logs which.
const ANY_PORT: &str = "127.0.0.1:0";
/// How many of the newest log lines a failing test shows.
const SHOWN_LINES: usize = 60;

/// A process to be started in an empty directory of its own, without our environment's settings.
#[derive(Debug)]
pub struct Start {
    command: Command,
    directory: TempDir,
}

/// What a process that ended left behind.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Starts `tickcast` with these arguments, once it is told how.
pub fn start(args: &[&str]) -> Start {
    let directory = TempDir::new().expect("a directory for the process");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickcast"));
    command.args(args).current_dir(directory.path()).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TICKCAST_") {
            command.env_remove(name);
        }
    }
    Start { command, directory }
}

/// The same through a shell, whose `"$@"` is the command: for what only a shell can prepare.
pub fn start_by_shell(script: &str, args: &[&str]) -> Start {
    let Start { command: plain, directory } = start(args);
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_tickcast")]).args(args);
    command.current_dir(directory.path()).stdin(Stdio::null());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Start { command, directory }
}

impl Start {
    /// With this as its standard input.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.command.stdin(stdin);
        self
    }

    /// With further arguments.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// With a variable in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With this `tickcast.toml` in its working directory.
    pub fn config(self, toml: &str) -> Self {
        std::fs::write(self.directory.path().join("tickcast.toml"), toml).expect("a file");
        self
    }

    /// Starts it, for commands that are no role.
    pub fn spawn(mut self) -> Tickcast {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program is built");
        let stdout = Lines::read(child.stdout.take().expect("a pipe"));
        let stderr = Lines::read(child.stderr.take().expect("a pipe"));
        Tickcast { child, stdout, stderr, directory: self.directory }
    }

    /// Starts it as a role with JSON logs and an admin listener on a free port (and clients'
    /// listener, unless it is a feed), and waits until it is listening.
    pub async fn listening(self) -> Role {
        let is_feed = self.command.get_args().next().is_some_and(|role| role == "feed");
        let given = |flag: &str| self.command.get_args().any(|arg| arg == flag);
        let mut args = vec!["--log-format", "json"];
        let needs = [("--admin-listen", true), ("--listen", !is_feed)];
        for (flag, _) in needs.into_iter().filter(|(flag, needed)| *needed && !given(flag)) {
            args.extend([flag, ANY_PORT]);
        }
        let file = std::fs::read_to_string(self.directory.path().join("tickcast.toml"));
        let is_set = file.is_ok_and(|text| text.contains("log_level"));
        if !given("--log-level") && !is_set {
            args.extend(["--log-level", "info"]);
        }
        Role::listening(self.args(&args).spawn(), is_feed).await
    }

    /// [`Self::listening`], and waits until it is ready.
    pub async fn ready(self) -> Role {
        let role = self.listening().await;
        role.wait_ready().await;
        role
    }

    /// Runs it to its end.
    pub async fn ended(self) -> Ended {
        self.spawn().ended().await
    }
}

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Tickcast {
    child: Child,
    /// Its standard output so far.
    pub stdout: Lines,
    /// Its standard error so far.
    pub stderr: Lines,
    directory: TempDir,
}

impl Tickcast {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Puts another `tickcast.toml` in the place of the one that it was started with, as a whole.
    pub fn configure(&self, toml: &str) {
        let (new, file) =
            (self.directory.path().join("new"), self.directory.path().join("tickcast.toml"));
        std::fs::write(&new, toml).expect("a file");
        std::fs::rename(new, file).expect("a file");
    }

    /// Sends a signal by name: `TERM`, `STOP`, `CONT`.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn signal(&self, name: &str) {
        let (signal, pid) = (format!("-{name}"), self.pid().to_string());
        let status = Command::new("kill").args([&signal, &pid]).status();
        assert!(status.expect("kill is installed").success(), "kill {signal} {pid}");
    }

    /// SIGSTOP; returns when each of its threads has stopped, which takes a moment.
    pub async fn freeze(&self) {
        self.signal("STOP");
        let tasks = format!("/proc/{}/task", self.pid());
        eventually("every thread has stopped", async || {
            let mut threads = std::fs::read_dir(&tasks).expect("a process").flatten();
            threads.all(|thread| is_stopped(&thread.path().join("stat"))).then_some(())
        })
        .await;
    }

    /// SIGKILL; its ports are free afterwards.
    pub fn kill(&mut self) {
        // A child that has ended already is as dead as one that is killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it goes on past the deadline.
    pub async fn exit(&mut self) -> ExitStatus {
        eventually("the process ends", async || self.child.try_wait().expect("a child")).await
    }

    /// Whether it has ended by now.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for its end and returns what it wrote.
    pub async fn ended(mut self) -> Ended {
        let status = self.exit().await;
        // The readers end when the pipes close, which a process that ended has done.
        let (stdout, stderr) = (self.stdout.clone(), self.stderr.clone());
        eventually("the output is read", async || {
            (stdout.is_complete() && stderr.is_complete()).then_some(())
        })
        .await;
        Ended { code: status.code().unwrap_or(-1), stdout: stdout.text(), stderr: stderr.text() }
    }
}

impl Drop for Tickcast {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let lines = self.stderr.all();
            let from = lines.len().saturating_sub(SHOWN_LINES);
            eprintln!("log of process {}:\n{}", self.pid(), lines[from..].join("\n"));
        }
    }
}

/// A running role and where it listens.
#[derive(Debug)]
pub struct Role {
    /// The process.
    pub process: Tickcast,
    /// Where clients connect; the admin address for a feed.
    pub address: SocketAddr,
    /// Where operators look.
    pub admin: SocketAddr,
}

impl Role {
    async fn listening(process: Tickcast, is_feed: bool) -> Self {
        let admin = logged_address(&process, "admin listens").await;
        let address = match is_feed {
            true => admin,
            false => logged_address(&process, "gateway listens").await,
        };
        Self { process, address, admin }
    }

    /// The WebSocket address.
    pub fn ws(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Waits until `/readyz` says so.
    pub async fn wait_ready(&self) {
        eventually("the process is ready", async || {
            get(&self.admin_url("/readyz")).await.filter(|answer| answer.status == 200)
        })
        .await;
    }

    /// Waits until `/readyz` says that it stands by for another.
    pub async fn wait_standby(&self) {
        eventually("the feed stands by", async || {
            let answer = get(&self.admin_url("/readyz")).await?;
            (answer.status == 503 && answer.body == "standby\n").then_some(())
        })
        .await;
    }

    /// The answer of the clients' listener.
    ///
    /// # Panics
    /// When there is none.
    pub async fn get(&self, path: &str) -> Answer {
        get(&format!("http://{}{path}", self.address)).await.expect("an answer")
    }

    /// The answer of the admin listener.
    ///
    /// # Panics
    /// When there is none.
    pub async fn admin(&self, path: &str) -> Answer {
        get(&self.admin_url(path)).await.expect("an answer")
    }

    /// The sum of a metric over all its labels; 0 when it does not exist yet.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.admin("/metrics").await.body;
        let rows = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(' ') || rest.starts_with('{'))
        });
        rows.filter_map(|row| row.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    /// Asks it to stop and waits for its end.
    pub async fn stop(&mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.exit().await
    }

    fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.admin)
    }
}

/// By the state after the command's name in brackets (proc(5)).
fn is_stopped(stat: &std::path::Path) -> bool {
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
}

/// The address in the log line with this message.
async fn logged_address(process: &Tickcast, message: &str) -> SocketAddr {
    let find = |line: &String| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["message"] == message).then(|| line["address"].as_str()?.parse().ok())?
    };
    eventually(&format!("the log says {message:?}"), async || process.stderr.find(find)).await
}
