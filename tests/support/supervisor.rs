//! The service manager's end of sd_notify(3): a real socket, and what a process has said to it.

use super::{Start, eventually};
use std::{
    cell::RefCell,
    io::ErrorKind,
    os::unix::net::UnixDatagram,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// After so long without a sign of life the process would be ended.
const WATCHDOG: Duration = Duration::from_secs(2);
/// Longer than any message.
const MAX_BYTES: usize = 4096;

/// What one process says.
#[derive(Debug)]
pub struct Supervisor {
    socket: UnixDatagram,
    path: PathBuf,
    said: RefCell<Vec<(Instant, String)>>,
    _directory: TempDir,
}

impl Supervisor {
    /// Listens.
    pub fn listen() -> Self {
        let directory = TempDir::new().expect("a directory for the socket");
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        Self { socket, path, said: RefCell::default(), _directory: directory }
    }

    /// With what the manager's children find in their environment.
    pub fn adopt(&self, start: Start) -> Start {
        let path = self.path.to_str().expect("a path in UTF-8");
        start.env("NOTIFY_SOCKET", path).env("WATCHDOG_USEC", &WATCHDOG.as_micros().to_string())
    }

    /// All lines so far, and when they were read.
    pub fn said(&self) -> Vec<(Instant, String)> {
        let mut buffer = [0; MAX_BYTES];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(size) => {
                    let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
                    let lines = text.lines().map(|line| (Instant::now(), line.to_owned()));
                    self.said.borrow_mut().extend(lines);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the manager's socket: {error}"),
            }
        }
        self.said.borrow().clone()
    }

    /// How often this line was said.
    pub fn count(&self, line: &str) -> usize {
        self.said().iter().filter(|(_, said)| said == line).count()
    }

    /// Waits for a line that begins like this.
    pub async fn until(&self, start: &str) -> String {
        let find = async || self.said().into_iter().find(|(_, line)| line.starts_with(start));
        eventually(&format!("it says {start}"), find).await.1
    }

    /// Waits until the newest line of status contains this.
    pub async fn until_status(&self, text: &str) {
        eventually(&format!("its status says {text:?}"), async || {
            let said = self.said();
            let mut lines = said.iter().rev().map(|(_, line)| line);
            lines.find(|line| line.starts_with("STATUS="))?.contains(text).then_some(())
        })
        .await;
    }

    /// Waits for so many signs of life from now on.
    pub async fn until_alive(&self, times: usize) {
        let before = self.count("WATCHDOG=1");
        eventually("it gives signs of life", async || {
            (self.count("WATCHDOG=1") >= before + times).then_some(())
        })
        .await;
    }

    /// Waits until the process has been silent for so long that it would be ended.
    pub async fn until_given_up(&self) {
        eventually("the watchdog's time runs out", async || {
            let said = self.said();
            let alive = said.iter().rev().find(|(_, line)| line == "WATCHDOG=1");
            alive.is_some_and(|(when, _)| when.elapsed() > WATCHDOG).then_some(())
        })
        .await;
    }
}
