//! An example as a child process, in a process group of its own as from a terminal.

use crate::support::{Lines, eventually};
use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The Python that Debian's `python3-websockets` belongs to.
pub const PYTHON: &str = "/usr/bin/python3";

/// A file of `docs/examples`.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(name)
}

/// A running example. Its whole group is killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Its standard output so far.
    pub stdout: Lines,
    /// Its standard error so far.
    pub stderr: Lines,
}

impl Program {
    /// Starts it.
    pub fn start(program: impl AsRef<OsStr>, prepare: impl FnOnce(&mut Command)) -> Self {
        // Who runs tests in the background of a shell has them ignore interrupts, and so would this.
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(program);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).env("PYTHONDONTWRITEBYTECODE", "1");
        prepare(&mut command);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Lines::read(child.stdout.take().expect("a pipe"));
        let stderr = Lines::read(child.stderr.take().expect("a pipe"));
        Self { child, stdout, stderr }
    }

    /// Everything that it has said.
    pub fn said(&self) -> String {
        format!("{}\n{}", self.stdout.text(), self.stderr.text())
    }

    /// Lines of it that contain something.
    pub fn count(&self, what: &str) -> usize {
        self.said().lines().filter(|line| line.contains(what)).count()
    }

    /// Waits until it has said something a number of times.
    pub async fn says(&mut self, what: &str, times: usize) {
        eventually(&format!("{what:?}, {times} times"), async || {
            // Before the look at what it said: what it said last is read a moment later.
            let ended = self.stdout.is_complete() && self.stderr.is_complete();
            let is_said = self.count(what) >= times;
            assert!(is_said || !ended, "it ended without {what:?}");
            is_said.then_some(())
        })
        .await;
    }

    /// Sends a signal to its group, as a terminal does.
    pub fn signal(&self, name: &str) {
        let status = kill(name, self.child.id());
        assert!(status, "kill -{name} of a group that is gone");
    }

    /// Waits for its end, and until everything that it said was read. Returns its exit code; none
    /// when a signal ended it.
    pub async fn exit(&mut self) -> Option<i32> {
        let status = eventually("it ends", async || self.child.try_wait().expect("a child")).await;
        eventually("nobody holds its output", async || {
            (self.stdout.is_complete() && self.stderr.is_complete()).then_some(())
        })
        .await;
        status.code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The group may be gone.
        kill("KILL", self.child.id());
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("said by process {}:\n{}", self.child.id(), self.said());
        }
    }
}

fn kill(signal: &str, group: u32) -> bool {
    let group = format!("-{group}");
    let mut kill = Command::new("kill");
    let status = kill.args(["-s", signal, "--", &group]).stderr(Stdio::null()).status();
    status.expect("kill is installed").success()
}
