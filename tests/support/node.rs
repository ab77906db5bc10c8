//! A program of `tests/browser` that asks the test for what it cannot do itself.

use super::{DEADLINE, Lines};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// What a line of the program begins with that asks for something; a line on its standard input
/// answers it.
const ASKS: &str = "ASK ";
/// A whole program with everything it waits for, on a loaded machine.
const LONGEST: Duration = DEADLINE.saturating_mul(9);

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines,
    stderr: Lines,
    answered: usize,
    began: Instant,
}

impl Node {
    /// Starts a file of `tests/browser` with these arguments.
    ///
    /// # Panics
    /// When its packages are not installed.
    pub fn start(file: &str, args: &[&str]) -> Self {
        Self::run("node", file, args)
    }

    /// The same by another Node than the system's.
    ///
    /// # Panics
    /// When it or its packages are not installed.
    pub fn run(program: &str, file: &str, args: &[&str]) -> Self {
        let folder = folder();
        let packages = folder.join("node_modules");
        assert!(packages.is_dir(), "no {}; run: make browser-packages", packages.display());
        // Until Node 22 a WebSocket of its own has to be asked for.
        let mut child = Command::new(program)
            .args(["--experimental-websocket", "--test-force-exit", "--no-warnings", file])
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = Lines::read(child.stdout.take().expect("a pipe"));
        let stderr = Lines::read(child.stderr.take().expect("a pipe"));
        Self { child, stdin, stdout, stderr, answered: 0, began: Instant::now() }
    }

    /// The next thing that the program asks for; none when it has ended well.
    ///
    /// # Panics
    /// When it ends otherwise, or goes on for too long.
    pub async fn asks(&mut self) -> Option<String> {
        loop {
            let ended = self.child.try_wait().expect("a child");
            let asked = self.stdout.all().into_iter().filter_map(asked).nth(self.answered);
            if asked.is_some() {
                return asked;
            }
            if let Some(status) = ended {
                assert!(status.success(), "{status}:\n{}", self.said());
                return None;
            }
            assert!(self.began.elapsed() < LONGEST, "still running:\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Tells it that what it asked for is done.
    pub fn done(&mut self, answer: &str) {
        self.answered += 1;
        writeln!(self.stdin, "{answer}").expect("the program listens");
    }

    fn said(&self) -> String {
        format!("{}\n{}", self.stdout.text(), self.stderr.text())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _: Result<ExitStatus, _> = self.child.wait();
    }
}

/// A program that `tests/browser/package.json` brings for this machine, such as Node 22.
///
/// # Panics
/// When it is not installed.
pub fn packaged(package: &str, path: &str) -> String {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let glibc = if package.starts_with('@') { "-glibc" } else { "" };
    let modules = folder().join("node_modules");
    let found = modules.join(format!("{package}-{arch}{glibc}")).join(path);
    assert!(found.is_file(), "no {}; run: make browser-packages", found.display());
    found.display().to_string()
}

fn asked(line: String) -> Option<String> {
    line.strip_prefix(ASKS).map(str::to_owned)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}
